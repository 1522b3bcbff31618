"""The attempts of a worker: begun, ended, told of once their output is stored."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import Job, KillMethod, KillSettings
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.processes.starts import RemoteStart
from bistro_tui.engine.remote.bounds import sendable
from bistro_tui.engine.remote.messages import HEALTH_CHECK, RunningTask
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.runners.local import LocalRunner
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    RunnerCapacity,
    RunnerReport,
    RunnerTrouble,
)
from bistro_tui.engine.statuses import made
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.passed_on import as_text
from bistro_tui.engine.statuses.report import describe
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.worker.news import News

log = logging.getLogger("bistro_tui")

REST_SEC = 1.0
"""How long a task that this host has no room for stays here before it goes back: what
came back at once would come again at once."""

KILL_NOW = KillSettings(method=KillMethod.KILL, kill_wait_ms=0)


class Tasks:
    """Stands between a machine, which decides, and a runner, which does.

    Somebody must run ``run``. The runner is given later: it needs ``report``.
    """

    runner: LocalRunner

    def __init__(
        self,
        machine: WorkerMachine,
        logs: LogWriter,
        news: News,
        *,
        clock: Clock,
        on_ends: Callable[[], None],
        on_slots: Callable[[], None],
        on_trouble: Callable[[str], None],
        on_not_started: Callable[[], None],
        is_held: Callable[[], bool],
    ) -> None:
        """``on_ends``: the machine was told of some; ``on_slots``: they changed.

        ``on_not_started``: this host had no room for one. ``is_held``: nothing starts
        here for now, and the scheduler knows it.
        """
        self._machine = machine
        self._logs = logs
        self._news = news
        self._clock = clock
        self._on_ends = on_ends
        self._on_slots = on_slots
        self._on_trouble = on_trouble
        self._on_not_started = on_not_started
        self._is_held = is_held
        self._ends: list[AttemptEnded] = []
        self._has_ends = asyncio.Event()
        self._telling = asyncio.Lock()
        self._alive: dict[TaskId, InvocationId] = {}
        self._resting: dict[TaskId, tuple[AttemptNotStarted, asyncio.TimerHandle]] = {}
        self.slots: int | None = 0
        """How many attempts this host can have at once; None: any number."""
        self.no_slots = ""
        """Why not more, for people."""

    def runs(self, task: TaskId) -> bool:
        """Return whether an attempt at it is here and not over."""
        return task in self._alive

    def start(self, running: RunningTask, job: Job, config: str) -> None:
        """Begin an attempt that the machine has taken."""
        task, invocation = running.task, running.invocation
        self._alive[task] = invocation
        self.runner.start(RemoteStart(task, invocation, job, config))

    def pass_check(self, running: RunningTask) -> None:
        """Let a health check that the machine has taken come back good, unrun."""
        self._alive[running.task] = running.invocation
        self._passed(running.task, running.invocation)

    def kill(self, running: RunningTask, how: KillSettings) -> None:
        """Begin to end that attempt."""
        if running.task in self._resting:
            self._rested(running.task)
        else:
            self.runner.kill(running.invocation, how)

    def kill_all(self, *, at_once: bool) -> None:
        """Begin to end every attempt, each with the time that it was given for it."""
        for running in self._machine.alive:
            wait_ms = running.suicide_kill_wait_ms
            how = KillSettings(
                method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=max(0, wait_ms)
            )
            self.kill(running, KILL_NOW if at_once else how)

    # What the runner reports.

    def report_all(self, reports: Sequence[RunnerReport]) -> None:
        """Take note of what happened in a turn of the loop."""
        for report in reports:
            self.report(report)

    def report(self, report: RunnerReport) -> None:
        """Take note of what happened."""
        match report:
            case AttemptEnded():
                self._ended(report)
            case AttemptStarted(task, invocation, pid) if pid is not None:
                self._machine.started(task, invocation, pid)
                self._news.started(task, invocation, pid)
            case AttemptNotStarted():
                self._not_started(report)
            case AttemptUsage(rows):
                self._news.usage(rows)
            case RunnerCapacity(limit, text):
                self.slots, self.no_slots = limit, text
                self._on_slots()
            case RunnerTrouble(text):
                self._on_trouble(text)
            case _:
                pass

    def _ended(self, end: AttemptEnded) -> None:
        if self._alive.get(end.task) == end.invocation:
            del self._alive[end.task]
            self._ends.append(end)
            self._has_ends.set()

    def _not_started(self, report: AttemptNotStarted) -> None:
        task = report.task
        what = "a health check" if task.job == HEALTH_CHECK else f"task {task}"
        log.warning("%s could not be started: %s", what, report.text)
        self._on_not_started()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(REST_SEC, self._rested, task)
        self._resting[task] = report, timer
        if self._machine.is_dying:
            self._rested(task)

    def _rested(self, task: TaskId) -> None:
        report, timer = self._resting.pop(task)
        timer.cancel()
        if task.job == HEALTH_CHECK and self._is_held():
            self._passed(task, report.invocation)
            return
        status = made.never_started(report.text, now_wall=self._clock.now().wall)
        text = f"not started: {report.text}"
        self._ended(AttemptEnded(task, report.invocation, status, text))

    def _passed(self, task: TaskId, invocation: InvocationId) -> None:
        status = TaskStatus(bits=DONE, time=self._clock.now().wall)
        self._ended(AttemptEnded(task, invocation, status, "not run"))

    # What is told of ends.

    async def run(self) -> None:
        """Tell the machine of every end, once the output of its attempt is stored."""
        while True:
            await self._has_ends.wait()
            await self.tell_ends()

    async def tell_ends(self) -> None:
        """Tell it of those that there are, and wait until it was told of all."""
        async with self._telling:
            self._has_ends.clear()
            ends, self._ends = self._ends, []
            if ends:
                await self._tell(ends)

    async def _tell(self, ends: Sequence[AttemptEnded]) -> None:
        # At once where nothing can be stored: a status is worth more than a line.
        await self._logs.flush()
        for end in ends:
            self._machine.ended(
                end.task,
                end.invocation,
                status=sendable(as_text(end.reported)),
                exit_text=sendable(end.exit_text),
                peak_memory=end.peak_memory,
                cpu_seconds=end.cpu_seconds,
            )
        # A status is in our hands now, and what is on disk of it helps nobody.
        self.runner.settled([end.invocation for end in ends])
        lines = [
            line for end in ends if end.task.job != HEALTH_CHECK for line in _lines(end)
        ]
        if lines:
            log.info("%s", "\n".join(lines), extra={"lines": lines})
        self._on_ends()


def _lines(end: AttemptEnded) -> tuple[str, str]:
    """Return what a scheduler logs of the end of a task of its own host."""
    job, node = end.task
    quit_status = end.exit_text.removeprefix("exited with status ")
    return (
        f"Task {job}, {node} quit with status {quit_status}",
        f"Got status {describe(end.reported)} from task {job}, {node}",
    )
