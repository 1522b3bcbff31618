"""The warden's one loop: descriptors, timers, and nothing that asyncio would load."""

import heapq
import itertools
import select
import time
from collections.abc import Callable
from typing import TypeAlias

Callback: TypeAlias = Callable[[], None]

FEW_TIMERS = 64
"""Cancelled ones that do no harm."""


class Timer:
    """A call that is due once."""

    __slots__ = ("_on_cancel", "callback", "due")

    def __init__(self, due: float, callback: Callback, on_cancel: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        """Forget it; harmless when it is over."""
        if self.callback is not None:
            self.callback = None
            self._on_cancel()


class Loop:
    """Calls back when a descriptor is ready or a time has come. One thread."""

    def __init__(self) -> None:
        self._callbacks: dict[int, Callback] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._cancelled = 0
        """How many of these nobody waits for."""
        self._order = itertools.count()
        self._poller = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._unit = 1.0 if hasattr(select, "epoll") else 1000.0

    def watch(
        self, descriptor: int, callback: Callback, *, writing: bool = False
    ) -> None:
        """Call back whenever the descriptor can be read, or written if ``writing``."""
        self._callbacks[descriptor] = callback
        self._poller.register(descriptor, select.POLLOUT if writing else select.POLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Look at it no more; to be called before it is closed."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def rewatch(self, descriptor: int, *, writing: bool) -> None:
        """Look for room to write as well, or not any more."""
        both = select.POLLIN | (select.POLLOUT if writing else 0)
        self._poller.modify(descriptor, both)

    def later(self, delay: float, callback: Callback) -> Timer:
        """Call back in ``delay`` seconds."""
        timer = Timer(time.monotonic() + delay, callback, self._one_cancelled)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def turn(self, longest: float | None) -> None:
        """Wait for something, ``longest`` seconds at most, and call back for it."""
        timeout = self._wait(longest)
        for descriptor, _ in self._poller.poll(
            None if timeout is None else timeout * self._unit
        ):
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                callback()
        timers = self._timers
        if timers:
            now = time.monotonic()
            while timers and timers[0][0] <= now:
                timer = heapq.heappop(timers)[2]
                if timer.callback is None:
                    self._cancelled -= 1
                else:
                    callback, timer.callback = timer.callback, None
                    callback()

    def _one_cancelled(self) -> None:
        self._cancelled += 1
        timers = self._timers
        if self._cancelled > FEW_TIMERS and 2 * self._cancelled > len(timers):
            # Most timeouts are hours away when their task ends.
            timers[:] = [one for one in timers if one[2].callback is not None]
            heapq.heapify(timers)
            self._cancelled = 0

    def _wait(self, longest: float | None) -> float | None:
        timers = self._timers
        while timers and timers[0][2].callback is None:
            heapq.heappop(timers)
            self._cancelled -= 1
        if not timers:
            return longest
        wait = max(0.0, timers[0][0] - time.monotonic())
        return wait if longest is None else min(wait, longest)
