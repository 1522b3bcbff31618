"""All tasks, a few at a time, in an order that stands while they change.

Jobs come in the order of the config and nodes in fetch order; then, by name, what runs
although its node or its job is gone. Whoever goes on behind a job or a node that is
gone by then goes on behind those that came before it.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from heapq import nsmallest
from typing import NamedTuple

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.moment import Now, wall_of
from bistro_tui.engine.scheduling.job_tasks import CODE, JobTasks
from bistro_tui.engine.scheduling.name_masks import NameMasks
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import counts_of, reason_at, removed_jobs
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.steps import recovering_step, running_step
from bistro_tui.engine.scheduling.task_line import task_line

CHUNK = 2_000
"""Tasks that are passed over in one go, at most."""

LOOKS = 200
"""Tasks that are looked at more closely in one go; a row counts for several."""

_ROW = 5

_KEPT = 4
"""Orders that are remembered; each may hold a million names."""

_OWN = (
    Reason.RUNNING,
    Reason.DONE,
    Reason.FAILED,
    Reason.JOB_INVALID,
    Reason.JOB_DISABLED,
    Reason.NODE_DISABLED,
    Reason.AVOIDED,
    Reason.BACKOFF,
    Reason.DEPENDENCY,
)
"""Reasons that are a task's own; all others depend on what is shared."""

STRAYS, OVER = -1, -2
"""Places behind all nodes of a job: among its strays, and behind them too."""


class Cursor(NamedTuple):
    """The task behind which to go on."""

    job: str
    job_at: int
    """Its place among all jobs, -1 for one that is gone."""
    jobs: int
    """Which order of jobs that was."""
    node: str
    node_at: int
    """Its slot, STRAYS or OVER."""
    nodes: int
    """Which order of nodes that was."""


class Asked(NamedTuple):
    """Which tasks are wanted."""

    job: JobName | None = None
    reason: Reason | None = None
    name: str = ""
    """A part of the node's name."""


class TaskRow(NamedTuple):
    """What a table tells of one task."""

    task: TaskId
    reason: Reason
    since: float | None
    """Wall second since when it runs, is done, failed, or waits for its backoff."""
    attempts: int
    """As far as they are known, the running one included."""
    next_run: float | None
    """Wall second at which its backoff ends."""
    why: str


class Piece(NamedTuple):
    """Some rows, and behind which task to go on; None: that is all."""

    rows: list[TaskRow]
    after: Cursor | None


class TaskPages:
    """Answers for one core; remembers a few orders that cursors were given for."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._job_orders = _Orders()
        self._node_orders = _Orders()
        self._name_masks = NameMasks()
        self._config_jobs: tuple[JobName, ...] = ()
        self._seen: object = None

    def piece(self, asked: Asked, after: Cursor | None, most: int, now: Now) -> Piece:
        """Return up to ``most`` rows behind ``after``, maybe none.

        Costs about a millisecond, however many tasks there are.
        """
        jobs = self._jobs_of(asked)
        at, after = self._job_after(jobs, after)
        end = min(at + CHUNK, len(jobs.all))
        while after is None and at < end and self._has_none(jobs.all[at], asked):
            at += 1
        if at == len(jobs.all):
            return Piece([], None)
        job, rows = jobs.all[at], list[TaskRow]()
        tasks = self._state.jobs.get(job)
        slot = self._slot_after(tasks, after) if tasks is not None else None
        if tasks is not None and slot is not None and slot < len(tasks.slots):
            slot = self._scan(tasks, slot, asked, rows, most, now)
            if slot < len(tasks.slots):
                return Piece(rows, self._cursor(jobs, at, slot - 1, tasks))
        is_in_strays = after is not None and after.node_at == STRAYS
        passed = after.node if after is not None and is_in_strays else ""
        behind = self._scan_strays(job, passed, asked, rows, most, now)
        if behind is not None:
            return Piece(rows, self._cursor(jobs, at, STRAYS, stray=behind))
        if at + 1 == len(jobs.all):
            return Piece(rows, None)
        return Piece(rows, self._cursor(jobs, at, OVER))

    # Where to go on.

    def _jobs_of(self, asked: Asked) -> "_Jobs":
        state = self._state
        if asked.job is not None:
            return _Jobs((asked.job,), (asked.job,))
        if self._seen is not state.jobs:
            self._seen, self._config_jobs = state.jobs, tuple(state.jobs)
        known = self._config_jobs
        removed = removed_jobs(state)
        return _Jobs((*known, *removed) if removed else known, known)

    def _job_after(
        self, jobs: "_Jobs", after: Cursor | None
    ) -> tuple[int, Cursor | None]:
        """Return the place of the job to go on in, and behind what of it."""
        if after is None:
            return 0, None
        number = len(jobs.config)
        if after.job_at < 0:
            rest = jobs.all[number:]
            at = number + sum(job < after.job for job in rest)
            is_there = at < len(jobs.all) and jobs.all[at] == after.job
        else:
            at = after.job_at
            if at >= number or jobs.config[at] != after.job:
                at = _place_in(jobs.config, after.job)
            is_there = at >= 0
            if not is_there:
                order = self._job_orders.get(after.jobs)
                places = {job: at for at, job in enumerate(jobs.config)}
                behind = _behind(
                    order, after.job, after.job_at, lambda job: places.get(JobName(job))
                )
                at = min(behind, number)
        if not is_there:
            return at, None
        return (at + 1, None) if after.node_at == OVER else (at, after)

    def _slot_after(self, tasks: JobTasks, after: Cursor | None) -> int | None:
        """Return the slot to go on with, None if all of them are behind."""
        if after is None:
            return 0
        if after.node_at < 0:
            return None
        names, at = tasks.slots.names, after.node_at
        if at < len(names) and names[at] == after.node:
            return at + 1
        slot = tasks.slots.find(NodeName(after.node))
        if slot is not None:
            return slot + 1
        order = self._node_orders.get(after.nodes)
        find = tasks.slots.find
        found = _behind(order, after.node, at, lambda node: find(NodeName(node)))
        return min(found, len(names))

    def _cursor(
        self,
        jobs: "_Jobs",
        at: int,
        slot: int,
        tasks: JobTasks | None = None,
        stray: str = "",
    ) -> Cursor:
        names = tasks.slots.names if tasks is not None else None
        return Cursor(
            job=jobs.all[at],
            job_at=at if at < len(jobs.config) else -1,
            jobs=self._job_orders.serial(jobs.config) if len(jobs.config) > 1 else 0,
            node=names[slot] if names is not None else stray,
            node_at=slot,
            nodes=self._node_orders.serial(names) if names is not None else 0,
        )

    # What is there.

    def _has_none(self, job: JobName, asked: Asked) -> bool:
        """Return whether it is known at once that no task of a job is wanted."""
        if asked.reason is None:
            return False
        tasks = self._state.jobs.get(job)
        if asked.reason in _OWN and tasks is not None and not tasks.count(asked.reason):
            return not self._strays(job, asked.reason)
        return asked.reason not in _OWN and asked.reason not in counts_of(
            self._state, job
        )

    def _scan(
        self,
        tasks: JobTasks,
        begin: int,
        asked: Asked,
        rows: list[TaskRow],
        most: int,
        now: Now,
    ) -> int:
        """Add rows of the slots from ``begin`` on; return behind which one it ended."""
        codes = _CODES[asked.reason]
        if not any(tasks.counts[code] for code in codes):
            return len(tasks.slots)
        names, left = tasks.slots.names, LOOKS
        end = min(begin + CHUNK, len(names))
        wanted = tasks.standing[begin:end].translate(_MASKS[asked.reason])
        if asked.name:
            mask = self._name_masks.mask(names, asked.name, begin, end)
            both = mask & int.from_bytes(wanted)
            wanted = bytearray(both.to_bytes(end - begin))
        at = wanted.find(1)
        while at >= 0:
            slot = begin + at
            left -= 1
            reason = reason_at(self._state, tasks, slot)
            if asked.reason in (None, reason):
                left -= _ROW
                rows.append(self._row(tasks, slot, reason, now))
                if len(rows) == most:
                    return slot + 1
            if left <= 0:
                return slot + 1
            at = wanted.find(1, at + 1)
        return end

    def _row(self, tasks: JobTasks, slot: int, reason: Reason, now: Now) -> TaskRow:
        state = self._state
        task = TaskId(tasks.name, tasks.slots.names[slot])
        status = state.book.get(task)
        since = next_run = None
        attempts = state.attempts.next_number(task) - 1
        attempt = state.attempts.get(task)
        if attempt is not None:
            since = wall_of(attempt.since, attempt.began, now)
            attempts = attempt.number
        elif status is not None:
            # That of a run before tells of one attempt, whatever came before it.
            attempts = max(attempts, 1)
            if reason in (Reason.DONE, Reason.FAILED, Reason.BACKOFF):
                since = status.time
            due = state.book.backoffs.key(task)
            if reason is Reason.BACKOFF and due is not None:
                next_run = now.wall + due - now.mono
        why = task_line(state, tasks, slot, reason, now)
        return TaskRow(task, reason, since, attempts, next_run, why)

    def _scan_strays(
        self,
        job: JobName,
        passed: str,
        asked: Asked,
        rows: list[TaskRow],
        most: int,
        now: Now,
    ) -> str | None:
        """Add rows of the strays behind ``passed``, which is "" before the first.

        Returns behind which one there may be more, None if that is all.
        """
        strays, left = self._strays(job, asked.reason), LOOKS
        # To sort all of them for each piece takes longer than the piece may.
        behind = nsmallest(LOOKS + 1, (node for node in strays if node > passed))
        for node in behind:
            if left <= 0:
                return passed
            left -= 1
            if asked.name in node:
                if len(rows) == most:
                    return passed
                row = self._stray_row(TaskId(job, node), now)
                if asked.reason in (None, row.reason):
                    left -= _ROW
                    rows.append(row)
            passed = node
        return None

    def _strays(self, job: JobName, reason: Reason | None) -> Set[NodeName]:
        """Return the strays that may have that reason, in no order."""
        state, found = self._state, set[NodeName]()
        if reason in (None, Reason.RUNNING):
            found.update(state.attempts.strays_of(job))
        if reason in (None, Reason.RECOVERING):
            found.update(state.leftovers.strays_of(job))
        return found

    def _stray_row(self, task: TaskId, now: Now) -> TaskRow:
        state = self._state
        attempt = state.attempts.get(task)
        if attempt is None:
            text = recovering_step(state, task, now).check.text
            return TaskRow(task, Reason.RECOVERING, None, 1, None, text)
        since = wall_of(attempt.since, attempt.began, now)
        text = running_step(state, task).check.text
        return TaskRow(task, Reason.RUNNING, since, attempt.number, None, text)


class _Jobs(NamedTuple):
    all: tuple[JobName, ...]
    config: tuple[JobName, ...]
    """Those at the beginning that are not gone."""


class _Orders:
    """The last few orders of names, by number."""

    def __init__(self) -> None:
        self._kept: dict[int, Sequence[str]] = {}
        self._last = 0

    def serial(self, names: Sequence[str]) -> int:
        """Return the number of this order, which nobody may change any more."""
        for serial, known in self._kept.items():
            if known is names:
                return serial
        self._last += 1
        self._kept[self._last] = names
        if len(self._kept) > _KEPT:
            del self._kept[min(self._kept)]
        return self._last

    def get(self, serial: int) -> Sequence[str]:
        """Return the order of that number, none at all if it is forgotten."""
        return self._kept.get(serial, ())


def _place_in(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _behind(
    order: Sequence[str], name: str, at: int, find: Callable[[str], int | None]
) -> int:
    """Return the place behind the last that came before ``name`` and is still there.

    It was at ``at`` in ``order``; if nothing is known of that, ``at`` has to do.
    """
    if not (0 <= at < len(order) and order[at] == name):
        return max(at, 0)
    while at > 0:
        at -= 1
        found = find(order[at])
        if found is not None:
            return found + 1
    return 0


_CODES: Mapping[Reason | None, frozenset[int]] = {
    None: frozenset(CODE.values()),
    **{
        reason: frozenset({code})
        if reason in _OWN
        else frozenset({CODE[Reason.RUNNABLE], CODE[Reason.RECOVERING]})
        for reason, code in CODE.items()
    },
}
"""Which standings a task with that reason may have."""

_MASKS: Mapping[Reason | None, bytes] = {
    reason: bytes(code in codes for code in range(256))
    for reason, codes in _CODES.items()
}
