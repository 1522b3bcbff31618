"""Deadlines of many calls, nearly all of which are answered long before."""

import asyncio
from collections.abc import Callable


class Deadlines:
    """One timer for all of them: one each would cost more than the call."""

    def __init__(self, over: Callable[[int], None]) -> None:
        """``over`` gets the number of each whose time is up; on a loop."""
        self._over = over
        self._loop = asyncio.get_running_loop()
        self._due: dict[int, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, number: int, seconds: float) -> None:
        """Give ``number`` so long from now on."""
        due = self._due[number] = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look)
        elif due < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(due, self._look)

    def remove(self, number: int) -> None:
        """Wait for it no more; harmless where nobody does."""
        self._due.pop(number, None)

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        late = [number for number, due in self._due.items() if due <= now]
        for number in late:
            # What one of them leads to may end others.
            if self._due.pop(number, None) is not None:
                self._over(number)
        if self._due and self._timer is None:
            self._timer = self._loop.call_at(min(self._due.values()), self._look)
