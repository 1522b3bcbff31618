"""When snapshots are made: seldom enough, and only while somebody looks."""

import asyncio
from collections.abc import Callable

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.view import Snapshot

PUBLISH_SEC = 0.1
"""Snapshots come no oftener than this, and only while something changes."""

PUBLISH_SHARE = 0.1
"""Nor do they take more of the loop's time, however much there is to show."""


MOST_STEPS = 12
"""Of preparing a snapshot: it comes, however quickly things change meanwhile."""


class Snapshots:
    """The newest snapshot and who is told of it. All on the engine's loop."""

    def __init__(
        self,
        take: Callable[[], Snapshot],
        *,
        clock: Clock,
        before_each: Callable[[], None],
        prepare: Callable[[], bool] = lambda: False,
    ) -> None:
        """``before_each`` is called when one is due, whether or not anybody looks.

        ``prepare`` does a part of the work and tells whether there is more; between
        the parts the loop does other things.
        """
        self._take = take
        self._prepare = prepare
        self._prepared_sec = 0.0
        self._clock = clock
        self._before_each = before_each
        self._latest: Snapshot | None = None
        self._subscribers: tuple[Callable[[], None], ...] = ()
        self._next: asyncio.Handle | None = None
        self._not_before = float("-inf")

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot, made now if nobody looked before."""
        if self._latest is None:
            self._latest = self._take()
        return self._latest

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called after each new snapshot; the result ends that."""
        self._subscribers = (*self._subscribers, notify)

        def unsubscribe() -> None:
            self._subscribers = tuple(s for s in self._subscribers if s != notify)

        return unsubscribe

    def soon(self) -> None:
        """Publish as soon as the pace allows it."""
        if self._next is None:
            wait = max(0.0, self._not_before - self._clock.now().mono)
            self._next = asyncio.get_running_loop().call_later(wait, self._due)

    def publish(self) -> None:
        """Make a new one for those who look, now, and tell them."""
        began = self._clock.now().mono
        self._latest = self._take() if self._subscribers else None
        took = self._clock.now().mono - began + self._prepared_sec
        self._prepared_sec = 0.0
        self._not_before = began + max(PUBLISH_SEC, took / PUBLISH_SHARE)
        for notify in self._subscribers:
            notify()

    def close(self) -> None:
        """Make none by itself any more."""
        if self._next is not None:
            self._next.cancel()

    def _due(self) -> None:
        self._next = None
        self._before_each()
        self._go_on(MOST_STEPS)

    def _go_on(self, steps: int) -> None:
        self._next = None
        if self._subscribers and steps:
            began = self._clock.now().mono
            has_more = self._prepare()
            self._prepared_sec += self._clock.now().mono - began
            if has_more:
                loop = asyncio.get_running_loop()
                self._next = loop.call_soon(self._go_on, steps - 1)
                return
        self.publish()
