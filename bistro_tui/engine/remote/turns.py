"""What is heard over many links, a little of it in each turn of the loop.

Each link alone takes no long; hundreds that are heard of in the same turn do.
"""

import asyncio
from collections import deque
from collections.abc import Iterator

TURN_SEC = 0.002
"""For what all links together have heard, in one turn of the loop."""


class Turns:
    """Shared by links of one loop. Who has more to do goes on after all others."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Iterator[None], asyncio.Future[None]]] = deque()
        self._ends: float | None = None
        """When this turn's time is up; None: nothing was done in it."""

    async def do(self, steps: Iterator[None]) -> None:
        """Take all ``steps``, now or in later turns; raises what one of them raises."""
        ends = self._ends if self._ends is not None else self._begin()
        has_time = not self._waiting and self._loop.time() < ends
        if has_time and self._take(steps, ends):
            return
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((steps, done))
        await done

    def _begin(self) -> float:
        ends = self._ends = self._loop.time() + TURN_SEC
        self._loop.call_soon(self._next)
        return ends

    def _next(self) -> None:
        """Go on in a new turn, in which there is time again."""
        self._ends = None
        waiting = self._waiting
        if waiting:
            ends = self._begin()
            while waiting and self._loop.time() < ends:
                self._go_on(*waiting.popleft(), ends)

    def _go_on(
        self, steps: Iterator[None], done: "asyncio.Future[None]", ends: float
    ) -> None:
        if done.done():
            # Its link is over.
            return
        try:
            is_all = self._take(steps, ends)
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            done.set_exception(error)
            return
        if is_all:
            done.set_result(None)
        else:
            self._waiting.append((steps, done))

    def _take(self, steps: Iterator[None], ends: float) -> bool:
        """Take one step, and more while there is time; return whether that was all."""
        time = self._loop.time
        return all(time() < ends for _ in steps)
