"""What the runners without processes share: attempts that only wait for a timer."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptStarted,
    ReportSink,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.bits import INCOMPLETE_BACKOFF
from bistro_tui.engine.statuses.status import TaskStatus


@dataclass(slots=True)
class _Pretended:
    start: StartTask
    timer: asyncio.Handle


class PretendingRunner(ABC):
    """Runs nothing: each attempt ends by itself after a while."""

    name = "local"

    def __init__(self, *, report: ReportSink, clock: Clock) -> None:
        """Made on the engine's loop."""
        self._loop = asyncio.get_running_loop()
        self._report = report
        self._clock = clock
        self._attempts: dict[InvocationId, _Pretended] = {}

    @abstractmethod
    def seconds(self) -> float:
        """Return how long the next attempt takes."""

    @abstractmethod
    def outcome(self, now: float) -> TaskStatus:
        """Return what an attempt that ends now, at that wall time, reports."""

    def start(self, start: StartTask) -> None:
        """Begin to pretend."""
        self._attempts[start.invocation] = _Pretended(
            start, self._loop.call_soon(self._begin, start)
        )

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """End that attempt at once, whatever the method."""
        attempt = self._attempts.get(invocation)
        if attempt is not None:
            attempt.timer.cancel()
            attempt.timer = self._loop.call_soon(self._killed, attempt.start)

    async def close(self) -> None:
        """End whatever is left; every end is reported before this returns."""
        for attempt in list(self._attempts.values()):
            attempt.timer.cancel()
            self._killed(attempt.start)

    def _begin(self, start: StartTask) -> None:
        self._attempts[start.invocation].timer = self._loop.call_later(
            self.seconds(), self._run_out, start
        )
        self._report(
            AttemptStarted(task=start.task, invocation=start.invocation, pid=None)
        )

    def _killed(self, start: StartTask) -> None:
        status = TaskStatus(
            bits=INCOMPLETE_BACKOFF,
            time=self._clock.now().wall,
            data={"exception": "Task killed, no status returned"},
        )
        self._end(start, status, "killed")

    def _run_out(self, start: StartTask) -> None:
        self._end(start, self.outcome(self._clock.now().wall), "pretended")

    def _end(self, start: StartTask, status: TaskStatus, text: str) -> None:
        del self._attempts[start.invocation]
        self._report(
            AttemptEnded(
                task=start.task,
                invocation=start.invocation,
                reported=status,
                exit_text=text,
            )
        )
