"""The core's state as immutable snapshots, at a cost that follows what changed."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.attempt_notes import AttemptNotes
from bistro_tui.engine.config.model import Job, KillSettings
from bistro_tui.engine.ended import Ended, EndedAttempts, ended_row
from bistro_tui.engine.eta import AtOnce, Durations, seconds_left
from bistro_tui.engine.ids import INSTANCE_LEVEL, InvocationId, JobName
from bistro_tui.engine.moment import SLEW_SEC, Now, wall_of
from bistro_tui.engine.node_rows import NodeRows
from bistro_tui.engine.runners.protocol import (
    AttemptStarted,
    AttemptUsage,
    RunnerContainment,
)
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import TaskEnded, TaskNotStarted
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    EngineState,
    JobRow,
    RunningRow,
    Snapshot,
)
from bistro_tui.engine.world import World

ENDED_KEPT = 300

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
        self._running_rows: dict[InvocationId, RunningRow] = {}
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
            self._running_rows.pop(report.invocation, None)

    def kill_begun(
        self, invocation: InvocationId, kill: KillSettings, now: float
    ) -> None:
        """Take note that an attempt is being ended; ``now`` is wall time."""
        self._notes.kill_begun(invocation, kill, now)
        self._running_rows.pop(invocation, None)

    def usage(self, report: AttemptUsage) -> None:
        """Take note of what attempts use."""
        for invocation in self._notes.used(report):
            self._running_rows.pop(invocation, None)

    def containment(self, report: RunnerContainment) -> None:
        """Take note of how the processes of attempts are found."""
        if report.word != self._containment:
            self._containment = report.word
            self._running_rows.clear()

    def processes_ended(self, ended: Iterable[TaskEnded | TaskNotStarted]) -> None:
        """Take note that these attempts have no process any more."""
        self._notes.forget(one.invocation for one in ended)

    def attempts_stored(self, ended: Sequence[Ended]) -> None:
        """Take note of ended attempts whose statuses are on disk."""
        self._unshown.extend(ended)
        add = self.durations.add
        for task, status, _, seconds in ended:
            if status.is_done:
                add(task.job, seconds)

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
        running = [attempt for attempt in core.running() if not attempt.ended]
        self._serial += 1
        self._look_at_clock(now)
        living: list[Attempt | Leftover] = [*core.recovering(), *running]
        jobs = (*self._job_rows(now), *self._removed_job_rows(living))
        totals: Counter[Reason] = Counter()
        for row in jobs:
            totals.update(row.counts)
        return Snapshot(
            serial=self._serial,
            now=now.wall,
            state=self._state(is_stopped),
            banners=tuple(banners),
            totals=dict(totals),
            jobs=jobs,
            nodes=self._nodes.current(living),
            running=self._current_running(running, worker, now),
            ended=self._current_ended(),
            starts=core.starts,
        )

    def running(self, *, now: Now, worker: str) -> tuple[RunningRow, ...]:
        """Return the attempts that run at this moment, oldest first."""
        self._look_at_clock(now)
        running = [attempt for attempt in self._core.running() if not attempt.ended]
        return self._current_running(running, worker, now)

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
            self._running_rows.clear()

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
        ages = self._ages(now.mono)
        if config is not None:
            self.durations.keep(config.jobs)
        ending = Counter(task.job for task in self._ending.tasks)
        for job in config.jobs.values() if config is not None else ():
            counts = self._core.counts(job.name)
            tasks = sum(counts.values())
            if ending[job.name]:
                running = counts.pop(Reason.RUNNING, 0) - ending[job.name]
                if running > 0:
                    counts[Reason.RUNNING] = running
            yield JobRow(
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

    def _ages(self, now: float) -> dict[JobName, list[float]]:
        """Return by job for how long its attempts run that do."""
        running: dict[JobName, list[float]] = {}
        over: dict[JobName, list[float]] = {}
        numbers: Counter[JobName] = Counter()
        for attempt in self._core.running():
            ages = over if attempt.ended else running
            ages.setdefault(attempt.task.job, []).append(now - attempt.began)
            numbers[attempt.task.job] += 1
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
        )
        return now + left if left is not None else None

    def _removed_job_rows(
        self, living: Iterable[Attempt | Leftover]
    ) -> Iterable[JobRow]:
        config = self._core.config
        known = config.jobs if config is not None else {}
        strays: dict[JobName, Counter[Reason]] = {}
        for one in living:
            if (name := one.task.job) not in known:
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

    def _current_running(
        self, running: Sequence[Attempt], worker: str, now: Now
    ) -> tuple[RunningRow, ...]:
        known = self._running_rows
        self._running_rows = {
            attempt.invocation: known.get(attempt.invocation)
            or self._running_row(attempt, worker, now)
            for attempt in running
        }
        return tuple(self._running_rows.values())

    def _running_row(self, attempt: Attempt, worker: str, now: Now) -> RunningRow:
        invocation = attempt.invocation
        pid = self._notes.pid(invocation)
        return RunningRow(
            attempt.task,
            str(invocation),
            pid,
            wall_of(attempt.since, attempt.began, now),
            attempt.number,
            worker,
            attempt.stopping,
            self._notes.kill_at(invocation),
            self._containment if pid is not None else "",
            *self._notes.use(invocation),
        )

    def _current_ended(self) -> tuple[EndedRow, ...]:
        if self._unshown:
            self._ended.extendleft(map(ended_row, self._unshown))
            self._unshown.clear()
            self._ended_rows = tuple(self._ended)
        return self._ended_rows
