"""Where tasks stand, all things considered: one reason each, and counts of them."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import itemgetter

from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.scheduling.job_tasks import CODE, REASONS, RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.progress import any_ever_fits
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State

_ORDER = tuple(Reason)
"""To go through an enum takes several times as long."""
_FINISHED = (CODE[Reason.DONE], CODE[Reason.RUNNING])
_FEW = 8
_IS_BLOCKED = bytes(code not in _FINISHED for code in range(256))
_IS_RUNNING = bytes(code == CODE[Reason.RUNNING] for code in range(256))


def reason_of(state: State, task: TaskId) -> Reason:
    """Return the first reason that applies to ``task``; KeyError if it is unknown."""
    found = state.find(task)
    if found is not None:
        return reason_at(state, *found)
    if task in state.attempts:
        return Reason.RUNNING
    if task in state.leftovers:
        return Reason.RECOVERING
    raise KeyError(task)


class BelowFull:
    """The slots below nodes that are too full, for one look at many jobs.

    Worked out once for all jobs with the same needs at the same level.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[Hashable, set[int]] = {}
        self._everywhere: dict[Hashable, bool] = {}
        self._pick: dict[Hashable, Callable[[bytearray], Sequence[int]]] = {}

    def is_everywhere(self, tasks: JobTasks) -> bool:
        """Return whether every node of some level is too full for their job."""
        key = self._key(tasks)
        found = self._everywhere.get(key)
        if found is None:
            found = any(room.fits_nowhere for room in tasks.demand.rooms)
            self._everywhere[key] = found
        return found

    def slots(self, tasks: JobTasks) -> set[int]:
        """Return the slots with a node at or below one too full for their job."""
        key = self._key(tasks)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _slots_below_full(self._state, tasks)
        return found

    def candidates(self, tasks: JobTasks) -> int:
        """Return how many candidates these slots have."""
        slots, standing = self.slots(tasks), tasks.standing
        if len(slots) < _FEW:
            return sum(standing[slot] == RUNNABLE for slot in slots)
        key = self._key(tasks)
        pick = self._pick.get(key)
        if pick is None:
            pick = self._pick[key] = itemgetter(*sorted(slots))
        return pick(standing).count(RUNNABLE)

    def _key(self, tasks: JobTasks) -> Hashable:
        # Both are shared by all jobs that need the same of the same nodes.
        return (*map(id, tasks.demand.rooms), id(tasks.layout))


def counts_of(
    state: State, job: JobName, below_full: BelowFull | None = None
) -> dict[Reason, int]:
    """Return how many tasks of ``job`` have each reason, zeros left out.

    After all that could start has started, every candidate that is left lacks a
    resource; which ones lack only the worker is counted where some lack the worker.
    ``below_full``: shared by questions about several jobs at one moment.
    """
    counts: dict[Reason, int] = {}
    tasks = state.jobs.get(job)
    if tasks is not None:
        counts.update(zip(REASONS, tasks.counts, strict=True))
        candidates, counts[Reason.RUNNABLE] = tasks.candidates, 0
        closed = state.closed()
        if closed is not None:
            recovering = counts[Reason.RECOVERING]
            counts[Reason.RECOVERING] = 0
            _add(counts, closed.reason, candidates + recovering)
        else:
            for_worker = 0
            if candidates:
                below_full = below_full or BelowFull(state)
                for_worker = _lacking_only_the_worker(state, tasks, below_full)
            _add(counts, Reason.WORKER, for_worker)
            _add(counts, Reason.RESOURCE, candidates - for_worker)
    _add(counts, Reason.RUNNING, len(state.attempts.strays_of(job)))
    _add(counts, Reason.RECOVERING, len(state.leftovers.strays_of(job)))
    return {reason: counts[reason] for reason in _ORDER if counts.get(reason)}


def outlook_of(state: State, job: JobName) -> dict[Reason, int]:
    """Return the counts as if nothing ran and no pause were in force, zeros left out.

    A bad config and a disabled scheduler still count.
    """
    counts: dict[Reason, int] = {}
    tasks = state.jobs.get(job)
    if tasks is None:
        return counts
    counts.update(zip(REASONS, tasks.counts, strict=True))
    candidates = tasks.candidates + counts[Reason.RECOVERING]
    counts[Reason.RUNNABLE] = counts[Reason.RECOVERING] = 0
    reason = Reason.RUNNABLE
    closed = state.gate.closed()
    if closed is not None and closed.reason is not Reason.PAUSED:
        reason = closed.reason
    elif not all(room.ever_fits for room in tasks.demand.rooms):
        reason = Reason.RESOURCE
    elif not any_ever_fits(state, tasks):
        reason = Reason.WORKER
    _add(counts, reason, candidates)
    return {reason: counts[reason] for reason in _ORDER if counts.get(reason)}


def tasks_of(state: State, job: JobName) -> list[tuple[TaskId, Reason]]:
    """Return every task of ``job`` with its reason, in fetch order of the nodes.

    Running and recovering tasks whose node is gone come last.
    """
    tasks = state.jobs.get(job)
    found = []
    if tasks is not None:
        found = [
            (TaskId(job, name), reason_at(state, tasks, slot))
            for slot, name in enumerate(tasks.slots.names)
        ]
    strays = state.attempts.strays_of(job)
    found.extend((TaskId(job, node), Reason.RUNNING) for node in strays)
    strays = state.leftovers.strays_of(job)
    found.extend((TaskId(job, node), Reason.RECOVERING) for node in strays)
    return found


def removed_jobs(state: State) -> tuple[JobName, ...]:
    """Return the jobs that the config has no more and that still run, by name."""
    found = {*state.attempts.stray_jobs, *state.leftovers.jobs}
    return tuple(sorted(found - state.jobs.keys()))


def open_tasks(state: State, job: JobName, limit: int) -> list[TaskId]:
    """Return up to ``limit`` tasks of ``job`` that are not done, blocked ones first.

    Costs what is returned, whatever the number of tasks.
    """
    found: list[TaskId] = []
    tasks = state.jobs.get(job)
    for mask, strays in (
        (_IS_BLOCKED, state.leftovers.strays_of(job)),
        (_IS_RUNNING, state.attempts.strays_of(job)),
    ):
        if tasks is not None:
            asked = tasks.standing.translate(mask)
            slot = asked.find(1)
            while slot >= 0 and len(found) < limit:
                found.append(TaskId(job, tasks.slots.names[slot]))
                slot = asked.find(1, slot + 1)
        found.extend(TaskId(job, node) for node in strays[: limit - len(found)])
    return found


def shared_reason(state: State, tasks: JobTasks, slot: int) -> Reason:
    """Return RESOURCE, WORKER or RUNNABLE for a candidate; of its replicas the best."""
    best = Reason.RESOURCE
    for leaf in tasks.usable(slot):
        full = state.full_node(tasks, leaf)
        if full is None:
            return Reason.RUNNABLE
        if full == TOP:
            best = Reason.WORKER
    return best


def reason_at(state: State, tasks: JobTasks, slot: int) -> Reason:
    """Return the first reason that applies to the task of ``slot``."""
    standing = tasks.reason(slot)
    if standing not in (Reason.RUNNABLE, Reason.RECOVERING):
        return standing
    closed = state.closed()
    if closed is not None:
        return closed.reason
    return (
        standing if standing is Reason.RECOVERING else shared_reason(state, tasks, slot)
    )


def _lacking_only_the_worker(
    state: State, tasks: JobTasks, below_full: BelowFull
) -> int:
    """Return how many candidates would fit on their node and all above it."""
    demand = tasks.demand
    if demand.worker_room is None or demand.worker_room.fits(TOP):
        return 0
    if below_full.is_everywhere(tasks):
        return 0
    if not all(room.ever_fits for room in demand.rooms):
        # Only where something was given away by a need below zero.
        slots: Iterable[int] = range(len(tasks.slots))
        return _count_for_worker(state, tasks, slots)
    for_worker = tasks.candidates - below_full.candidates(tasks)
    if tasks.slots.replicas:
        for_worker += _count_for_worker(state, tasks, below_full.slots(tasks))
    return for_worker


def _slots_below_full(state: State, tasks: JobTasks) -> set[int]:
    """Return the slots with a node at or below one that is too full for their job."""
    found: set[int] = set()
    demand, places = tasks.demand, state.places
    for step, room in enumerate(demand.rooms):
        for account in state.accounts.full_for(room):
            for node in places.twins(account):
                is_leaf = step == 0 and not demand.first_up
                leaves = (node,) if is_leaf else tasks.layout.leaves(node)
                found.update(places.slot_at[leaf] for leaf in leaves)
    return found


def _count_for_worker(state: State, tasks: JobTasks, slots: Iterable[int]) -> int:
    return sum(
        tasks.standing[slot] == RUNNABLE
        and shared_reason(state, tasks, slot) is Reason.WORKER
        for slot in slots
    )


def _add(counts: dict[Reason, int], reason: Reason, number: int) -> None:
    counts[reason] = counts.get(reason, 0) + number
