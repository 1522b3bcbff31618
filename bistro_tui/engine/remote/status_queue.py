"""The statuses that a worker has yet to get acknowledged. Pure.

Source: Bistro, worker/BistroWorkerHandler (notifiers).
"""

import math
from collections import deque
from dataclasses import dataclass

from bistro_tui.engine.remote.messages import RunningTask

_RETRY_SEC = 1.0
_IN_FLIGHT = 100
"""How many may be on their way at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """How an attempt ended, or that it never was here; see ``UpdateStatus``."""

    task: RunningTask
    status: str
    exit_text: str = ""
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    is_of_the_table: bool = True
    """Its task is kept as running until this is acknowledged."""


class StatusQueue:
    """Ends in the order in which they came; one that failed goes to the back."""

    def __init__(self) -> None:
        self._ends: dict[int, TaskEnd] = {}
        self._fresh: deque[int] = deque()
        self._failed: deque[tuple[float, int]] = deque()
        self._next = 0

    def __len__(self) -> int:
        """Return how many are not acknowledged."""
        return len(self._ends)

    def add(self, end: TaskEnd) -> None:
        """Send it as soon as can be."""
        self._next += 1
        self._ends[self._next] = end
        self._fresh.append(self._next)

    def take(self, now: float) -> list[tuple[int, TaskEnd]]:
        """Return those to send now, each with the number it is answered by."""
        taken: list[int] = []
        room = self._room()
        while self._fresh and len(taken) < room:
            taken.append(self._fresh.popleft())
        while self._failed and self._failed[0][0] <= now and len(taken) < room:
            taken.append(self._failed.popleft()[1])
        return [(number, self._ends[number]) for number in taken]

    def acknowledged(self, number: int) -> TaskEnd:
        """Return the end that is over with."""
        return self._ends.pop(number)

    def failed(self, number: int, now: float) -> None:
        """Send it again after a second."""
        self._failed.append((now + _RETRY_SEC, number))

    def next_due(self) -> float:
        """Return when ``take`` has something; infinity if an answer must come first."""
        if self._room() <= 0:
            return math.inf
        if self._fresh:
            return -math.inf
        return self._failed[0][0] if self._failed else math.inf

    def _room(self) -> int:
        waiting = len(self._fresh) + len(self._failed)
        return _IN_FLIGHT - (len(self._ends) - waiting)
