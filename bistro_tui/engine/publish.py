"""The core's state as immutable snapshots, at a cost that follows what changed."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bistro_tui.engine.attempt_notes import AttemptNotes
from bistro_tui.engine.config.model import Job, KillSettings
from bistro_tui.engine.ended import Ended, EndedAttempts, ended_row
from bistro_tui.engine.eta import AtOnce, Durations, after_those, seconds_left
from bistro_tui.engine.ids import INSTANCE_LEVEL, InvocationId, JobName
from bistro_tui.engine.living import Living
from bistro_tui.engine.moment import SLEW_SEC, Now, wall_of
from bistro_tui.engine.node_rows import NodeRows, shared_usage
from bistro_tui.engine.runners.protocol import (
    AttemptStarted,
    AttemptUsage,
    RunnerContainment,
)
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import TaskEnded, TaskLost, TaskNotStarted
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import BelowFull, counts_of, removed_jobs
from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    EngineState,
    JobRow,
    RunningRow,
    Snapshot,
)
from bistro_tui.engine.worker_rows import RemoteRows, WorkersNow, own_row
from bistro_tui.engine.world import World

if TYPE_CHECKING:
    from bistro_tui.engine.runners.remote import RemoteRunner

ENDED_KEPT = 300

_AGES_LOOKED_AT = 64
"""Of the attempts of one job that run: enough to tell when it will be done."""

_NO_ROW = object()

_STATE_WORDS = {Reason.SCHEDULER_DISABLED: "disabled"}
"""Every other reason for nothing to start is shown as paused."""


def state_word(core: Core) -> str:
    """Return in a word what a scheduler does: running, paused, disabled, stopping."""
    if core.is_stopping:
        return "stopping"
    if core.closed is None:
        return "running"
    return _STATE_WORDS.get(core.closed.reason, "paused")


class Publisher:
    """Keeps what snapshots need beside the core, and makes them when asked."""

    def __init__(
        self,
        core: Core,
        world: World,
        ending: EndedAttempts,
        *,
        data_dir: Path,
        started: float,
    ) -> None:
        self._core = core
        self._world = world
        self._ending = ending
        self._data_dir = data_dir
        self._started = started
        self._elsewhere: RemoteRunner | None = None
        self._runs_here = True
        self._remote_rows = RemoteRows()
        self._nodes = NodeRows(core)
        self._unshown: deque[Ended] = deque(maxlen=ENDED_KEPT)
        """Ended since the last snapshot, oldest first."""
        self._ended: deque[EndedRow] = deque(maxlen=ENDED_KEPT)
        """Newest first."""
        self._ended_rows: tuple[EndedRow, ...] = ()
        self.durations = Durations()
        """Of the attempts that are done, as far as they are known."""
        self._at_once = AtOnce()
        self._notes = AttemptNotes()
        self._containment = ""
        self._living = Living(core)
        self._running_rows: dict[InvocationId, RunningRow | None] = {}
        """Oldest first; None: to be made anew."""
        self._stale: set[InvocationId] = set()
        """Those to be made anew."""
        self._has_lost = False
        """Whether any was taken away since they were shown."""
        self._running_shown: tuple[RunningRow, ...] = ()
        self._offset: float | None = None
        """Of the wall clock from the monotonic one, at the last snapshot."""
        self._serial = 0

    def process_started(self, report: AttemptStarted) -> None:
        """Take note of the process of an attempt."""
        attempt = self._core.attempt(report.task)
        # Nobody would take back the note of an attempt that is over already.
        if attempt is not None and attempt.invocation == report.invocation:
            if report.pid is not None:
                self._notes.started(report.invocation, report.pid)
            self._forget_row(report.invocation)

    def kill_begun(
        self, invocation: InvocationId, kill: KillSettings, now: float
    ) -> None:
        """Take note that an attempt is being ended; ``now`` is wall time."""
        self._notes.kill_begun(invocation, kill, now)
        self._forget_row(invocation)

    def usage(self, report: AttemptUsage) -> None:
        """Take note of what attempts use."""
        for invocation in self._notes.used(report):
            self._forget_row(invocation)

    def containment(self, report: RunnerContainment) -> None:
        """Take note of how the processes of attempts are found."""
        if report.word != self._containment:
            self._containment = report.word
            self._stale.update(self._running_rows)

    def processes_ended(
        self, ended: Iterable[TaskEnded | TaskNotStarted | TaskLost]
    ) -> None:
        """Take note that these attempts have no process any more."""
        self._notes.forget(one.invocation for one in ended)

    def attempts_stored(self, ended: Sequence[Ended]) -> None:
        """Take note of ended attempts whose statuses are on disk."""
        self._unshown.extend(ended)
        add = self.durations.add
        for task, status, _, seconds, _ in ended:
            if status.is_done:
                add(task.job, seconds)

    def prepare(self) -> bool:
        """Do a part of the work of the next snapshot; return whether there is more.

        Where thousands of tasks a second come and go, all of it together would stop
        the loop for tens of milliseconds.
        """
        self._follow()
        return self._nodes.look_ahead(self._living, self._living.take_touched())

    def take(
        self,
        *,
        now: Now,
        banners: Iterable[Banner],
        worker: str,
        is_stopped: bool,
    ) -> Snapshot:
        """Return the whole picture at this moment."""
        core = self._core
        self._serial += 1
        self._look_at_clock(now)
        self._follow()
        jobs = (*self._job_rows(now), *self._removed_job_rows())
        totals: Counter[Reason] = Counter()
        for row in jobs:
            totals.update(row.counts)
        workers = self.workers(worker, now)
        return Snapshot(
            serial=self._serial,
            now=now.wall,
            state=self._state(is_stopped),
            banners=tuple(banners),
            totals=dict(totals),
            jobs=jobs,
            nodes=self._nodes.current(self._living, self._living.take_touched()),
            structure=self._nodes.structure,
            worker_usage=shared_usage(core.worker_usage()),
            workers=workers.rows,
            initial_wait=workers.initial_wait,
            wait_until=workers.wait_until,
            missing_workers=workers.missing,
            running=self._current_running(worker, now),
            ended=self._current_ended(worker),
            starts=core.starts,
        )

    def has_workers(self, elsewhere: "RemoteRunner | None", *, are_all: bool) -> None:
        """Show these workers, if any; ``are_all``: no task runs on this host."""
        self._elsewhere, self._runs_here = elsewhere, not are_all

    def workers(self, worker: str, now: Now) -> WorkersNow:
        """Return who runs tasks at this moment; ``worker`` is the runner's name."""
        core, elsewhere = self._core, self._elsewhere
        if elsewhere is None:
            own = own_row(
                worker,
                core.host.name,
                running=core.state.attempts.live,
                usage=shared_usage(core.worker_usage()),
                since=self._started,
            )
            return WorkersNow((own,))
        usage = {
            shard: shared_usage(used) for shard, used in core.workers_usage().items()
        }
        there = elsewhere.rows
        rows = self._remote_rows.current(there, usage, core.why_no_tasks, now)
        if self._runs_here:
            here = LOCAL_WORKER.node
            running = core.state.attempts.live - sum(row.running for row in there)
            own = own_row(
                here,
                core.host.name,
                running=max(0, running),
                usage=usage.get(here, ()),
                since=self._started,
            )
            rows = (own, *rows)
        if not elsewhere.wait_text:
            return WorkersNow(rows)
        awaited = elsewhere.awaited
        missing = len(awaited.missing)
        return WorkersNow(rows, elsewhere.wait_text, awaited.until, missing)

    def running(self, *, now: Now, worker: str) -> tuple[RunningRow, ...]:
        """Return the attempts that run at this moment, oldest first."""
        self._look_at_clock(now)
        self._follow()
        return self._current_running(worker, now)

    def _forget_row(self, invocation: InvocationId) -> None:
        """Have a row made anew when it is shown next."""
        if invocation in self._running_rows:
            self._stale.add(invocation)

    def _follow(self) -> None:
        """Have a place for the row of each attempt that runs now, and no others."""
        news, rows = self._living.follow(), self._running_rows
        if news is None:
            running = self._living.running
            self._running_rows = {one: rows.get(one) for one in running}
            self._stale, self._has_lost = set(running), True
            return
        for attempt in news:
            invocation = attempt.invocation
            if attempt in self._living:
                rows.setdefault(invocation, None)
                self._stale.add(invocation)
            elif rows.pop(invocation, _NO_ROW) is not _NO_ROW:
                self._stale.discard(invocation)
                self._has_lost = True

    def _look_at_clock(self, now: Now) -> None:
        """Have what goes on begun at other wall seconds if the clock was set."""
        offset = now.wall - now.mono
        if self._offset is None:
            self._offset = offset
        forward = offset - self._offset
        if abs(forward) > SLEW_SEC:
            self._offset = offset
            self._started += forward
            self._notes.clock_set(forward)
            self._stale.update(self._running_rows)

    def _state(self, is_stopped: bool) -> EngineState:
        progress = self._core.progress()
        closed = self._core.closed
        word, text = state_word(self._core), closed.text if closed is not None else ""
        if self._core.is_stopping:
            ending = self._core.state.attempts.live
            tasks = "1 task" if ending == 1 else f"{ending} tasks"
            text = f"{tasks} being ended" if ending else ""
        if is_stopped:
            word, text = "stopped", ""
        return EngineState(
            word=word,
            text=text,
            instance=self._core.tree.nodes[0].name if self._core.tree.nodes else "",
            config_path=str(self._world.path),
            config_version=self._world.version,
            config_loaded=self._world.loaded_at,
            data_dir=str(self._data_dir),
            started=self._started,
            all_done=not progress.can_progress and progress.is_all_done,
            is_stuck=not progress.can_progress and not progress.is_all_done,
        )

    def _job_rows(self, now: Now) -> Iterable[JobRow]:
        config = self._core.config
        ages, below_full = self._ages(now.mono), BelowFull(self._core.state)
        if config is not None:
            self.durations.keep(config.jobs)
        ending = Counter(task.job for task in self._ending.tasks)
        rows: list[JobRow] = []
        for job in config.jobs.values() if config is not None else ():
            counts = counts_of(self._core.state, job.name, below_full)
            tasks = sum(counts.values())
            if ending[job.name]:
                running = counts.pop(Reason.RUNNING, 0) - ending[job.name]
                if running > 0:
                    counts[Reason.RUNNING] = running
            row = JobRow(
                name=job.name,
                owner=job.owner,
                enabled=job.enabled,
                errors=job.errors,
                level=job.level_for_tasks,
                priority=job.priority,
                tasks=tasks,
                counts=counts,
                eta=self._eta(job, counts, ages.get(job.name, ()), now.wall),
            )
            rows.append(row)
        return self._after_those(rows)

    def _after_those(self, rows: Sequence[JobRow]) -> Sequence[JobRow]:
        """Return the rows, none done before the jobs that its tasks wait for."""
        config = self._core.config
        waiting = [
            row
            for row in rows
            if row.eta is not None and row.counts.get(Reason.DEPENDENCY)
        ]
        if config is None or not waiting:
            return rows
        done = Reason.DONE
        is_open = {row.name for row in rows if row.counts.get(done, 0) != row.tasks}
        etas = after_those(
            {row.name: row.eta for row in rows},
            {
                row.name: is_open.intersection(config.jobs[row.name].depends_on)
                for row in waiting
            },
        )
        return [
            row if etas[row.name] == row.eta else replace(row, eta=etas[row.name])
            for row in rows
        ]

    def _ages(self, now: float) -> dict[JobName, list[float]]:
        """Return by job for how long its attempts run that do, or some of them."""
        living, over = self._living, dict[JobName, list[float]]()
        for task in self._ending.tasks:
            attempt = self._core.attempt(task)
            if attempt is not None and attempt.ended:
                over.setdefault(task.job, []).append(now - attempt.began)
        numbers = Counter(living.numbers())
        running = {
            job: [now - one.began for one in living.some_of(job, _AGES_LOOKED_AT)]
            for job in numbers
        }
        numbers.update({job: len(ages) for job, ages in over.items()})
        self._at_once.look(numbers, now)
        # Of tasks that take a moment, none may run just now.
        return over | running

    def _eta(
        self,
        job: Job,
        counts: Mapping[Reason, int],
        ages: Sequence[float],
        now: float,
    ) -> float | None:
        if not job.can_run:
            return None
        mean = self.durations.mean(job.name)
        may_start = self._core.closed is None
        left = seconds_left(
            counts,
            mean,
            ages,
            at_once=self._at_once.of(job.name),
            may_start=may_start,
            running=self._living.number_of(job.name) or None,
        )
        return now + left if left is not None else None

    def _removed_job_rows(self) -> Iterable[JobRow]:
        removed = frozenset(removed_jobs(self._core.state))
        if not removed:
            return
        strays: dict[JobName, Counter[Reason]] = {}
        for one in self._living:
            if (name := one.task.job) in removed:
                counts = strays.setdefault(name, Counter())
                counts[self._core.reason(one.task)] += 1
        for name, counts in sorted(strays.items()):
            yield JobRow(
                name=name,
                owner="",
                enabled=False,
                errors=(),
                level=INSTANCE_LEVEL,
                priority=0.0,
                tasks=counts.total(),
                counts=dict(counts),
                in_config=False,
            )

    def _current_running(self, worker: str, now: Now) -> tuple[RunningRow, ...]:
        rows, running = self._running_rows, self._living.running
        for invocation in self._stale:
            rows[invocation] = self._running_row(running[invocation], worker, now)
        if self._stale or self._has_lost:
            self._stale, self._has_lost = set(), False
            # None is left that is to be made; to look at each takes milliseconds.
            self._running_shown = cast("tuple[RunningRow, ...]", tuple(rows.values()))
        return self._running_shown

    def _running_row(self, attempt: Attempt, worker: str, now: Now) -> RunningRow:
        invocation = attempt.invocation
        pid = self._notes.pid(invocation)
        return RunningRow(
            attempt.task,
            str(invocation),
            pid,
            wall_of(attempt.since, attempt.began, now),
            attempt.number,
            worker if self._elsewhere is None else attempt.worker,
            attempt.stopping,
            self._notes.kill_at(invocation),
            self._containment if pid is not None else "",
            *self._notes.use(invocation),
        )

    def _current_ended(self, worker: str) -> tuple[EndedRow, ...]:
        if self._unshown:
            there = worker if self._elsewhere is None else None
            self._ended.extendleft(ended_row(one, there) for one in self._unshown)
            self._unshown.clear()
            self._ended_rows = tuple(self._ended)
        return self._ended_rows
