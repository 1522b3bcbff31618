"""What the runners without processes share: attempts that only wait for their time.

However many there are, one callback of the loop begins and ends them, a slice a turn.
"""

import asyncio
import heapq
from abc import ABC, abstractmethod
from collections import deque

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptStarted,
    ReportSink,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.bits import DONE, INCOMPLETE_BACKOFF
from bistro_tui.engine.statuses.status import TaskStatus, complaint

SLICE = 250
"""Attempts that begin or end in one turn of the loop: a few milliseconds in all."""


class PretendingRunner(ABC):
    """Runs nothing: each attempt ends by itself after a while."""

    name = "local"

    def __init__(self, *, report: ReportSink, clock: Clock) -> None:
        """Made on the engine's loop."""
        self._loop = asyncio.get_running_loop()
        self._report = report
        self._clock = clock
        self._beginning: deque[StartTask] = deque()
        self._waiting: dict[InvocationId, StartTask] = {}
        self._due: list[tuple[float, InvocationId]] = []
        self._ending: deque[StartTask] = deque()
        self._unborn: set[InvocationId] = set()
        """Killed before they began."""
        self._done = TaskStatus(bits=DONE, time=0.0)
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def seconds(self) -> float:
        """Return how long the next attempt takes; 0: it is over at once."""

    @abstractmethod
    def outcome(self, now: float) -> TaskStatus:
        """Return what an attempt that ends now, at that wall time, reports."""

    def start(self, start: StartTask) -> None:
        """Begin to pretend."""
        self._beginning.append(start)
        if self._turn is None:
            self._wake()

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """End that attempt at once, whatever the method."""
        start = self._waiting.pop(invocation, None)
        if start is not None:
            self._ending.append(start)
            self._wake()
        elif self._beginning:
            self._unborn.add(invocation)

    async def close(self) -> None:
        """End whatever is left; every end is reported before this returns."""
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()
        self._turn = self._timer = None
        for start in (*self._ending, *self._waiting.values(), *self._beginning):
            self._end_killed(start)
        for left in (self._ending, self._waiting, self._beginning, self._due):
            left.clear()

    def done(self, now: float) -> TaskStatus:
        """Return done at that wall time; attempts that end together share it."""
        if self._done.time != now:
            self._done = TaskStatus(bits=DONE, time=now)
        return self._done

    def _wake(self) -> None:
        if self._turn is None:
            self._turn = self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        for _ in range(min(SLICE, len(self._ending))):
            self._end_killed(self._ending.popleft())
        self._begin_some()
        self._end_due()
        if self._ending or self._beginning or self._is_late():
            self._wake()
        else:
            self._set_timer()

    def _begin_some(self) -> None:
        beginning, unborn, report = self._beginning, self._unborn, self._report
        now, wall = self._loop.time(), self._clock.now().wall
        for _ in range(min(SLICE, len(beginning))):
            start = beginning.popleft()
            task, invocation = start.task, start.invocation
            if unborn and invocation in unborn:
                self._end_killed(start)
                continue
            seconds = self.seconds()
            if seconds > 0:
                report(AttemptStarted(task, invocation, None))
                self._waiting[invocation] = start
                heapq.heappush(self._due, (now + seconds, invocation))
            else:
                status = self.outcome(wall)
                report(AttemptEnded(task, invocation, status, "pretended"))
        if not beginning:
            unborn.clear()

    def _end_due(self) -> None:
        wall = self._clock.now().wall
        for _ in range(SLICE):
            if not self._is_late():
                break
            _, invocation = heapq.heappop(self._due)
            start = self._waiting.pop(invocation, None)
            if start is not None:
                status = self.outcome(wall)
                self._report(AttemptEnded(start.task, invocation, status, "pretended"))

    def _is_late(self) -> bool:
        return bool(self._due) and self._due[0][0] <= self._loop.time()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due:
            self._timer = self._loop.call_at(self._due[0][0], self._wake)

    def _end_killed(self, start: StartTask) -> None:
        status = TaskStatus(
            bits=INCOMPLETE_BACKOFF,
            time=self._clock.now().wall,
            data=complaint("Task killed, no status returned"),
        )
        self._report(AttemptEnded(start.task, start.invocation, status, "killed"))
