"""Workers hear soon that there are others than before, so that all agree soon."""

import asyncio
from collections.abc import Callable, Iterable

from bistro_tui.engine.remote.link import Link
from bistro_tui.engine.remote.messages import BeatSoon

TOGETHER_SEC = 0.5
"""Many come at once after a restart; they are all told once."""


class SetChanges:
    """Asks all workers for a heartbeat when the set of workers is another.

    A worker that comes is given tasks once all have said that they know of it, and a
    scheduler that is killed before finds them at odds and has to wait long. Without
    this both take a heartbeat period of each.
    """

    def __init__(self, version: Callable[[], int], links: Iterable[Link]) -> None:
        """``version`` returns that of the present set."""
        self._version = version
        self._links = links
        self._told = version()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def look(self) -> None:
        """See whether there is another set; to be called whenever there may be."""
        if self._timer is not None or self._is_closed:
            return
        if self._version() != self._told:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(TOGETHER_SEC, self._tell)

    def close(self) -> None:
        """Tell nobody any more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer, self._told = None, self._version()
        for link in self._links:
            link.tell(BeatSoon())
