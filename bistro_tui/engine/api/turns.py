"""Long work on the engine's loop, a little in each of its turns.

In one turn of the loop one such work goes on, however many are under way: all else
waits for one of them at most, not for all.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

TURN_SEC = 0.002
"""How long such work keeps others waiting."""


class Turns:
    """Gives the loop to others when this turn was long enough."""

    def __init__(self) -> None:
        """Made on the loop; the turn begins now."""
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + TURN_SEC

    async def rest(self) -> bool:
        """Let others have the loop if the turn is over, else return at once.

        Returns whether others had it: all may be different now.
        """
        if self._time() < self._end:
            return False
        await _queue().turn()
        self._end = self._time() + TURN_SEC
        return True

    async def through(self, work: Generator[None, None, T]) -> T:
        """Return what the work returns; each of its ``yield`` may be a rest."""
        while True:
            try:
                next(work)
            except StopIteration as done:
                found: T = done.value
                return found
            await self.rest()


class _Queue:
    """Who waits for the next turn on one loop, first come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_moving = False

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self._waiting.append(mine)
        if not self._is_moving:
            self._is_moving = True
            loop.call_soon(self._next)
        await mine

    def _next(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            if not one.done():
                one.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._is_moving = False


_QUEUES: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()


def _queue() -> _Queue:
    return _QUEUES.setdefault(asyncio.get_running_loop(), _Queue())
