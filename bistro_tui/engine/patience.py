"""How long one request may be kept waiting for something to happen."""

import asyncio
import math
from collections.abc import Callable


class Patience:
    """What all waits of one request share."""

    def __init__(
        self,
        until: float = math.inf,
        *,
        on_wait: Callable[[bool], None] = lambda _begins: None,
    ) -> None:
        """``until``, a time of the loop, no wait lasts longer.

        ``on_wait`` is told that one begins (True) and that it is over (False).
        """
        self._until = until
        self._on_wait = on_wait
        self._news: asyncio.Event | None = None
        self.is_alone = False
        """Whether nobody is there any more to get the answer."""

    def end(self) -> None:
        """Have the wait that is under way end, and all later ones at once."""
        self._until = -math.inf
        if self._news is not None:
            self._news.set()

    def leave(self) -> None:
        """Take note that whoever asked is gone."""
        self.is_alone = True
        self.end()

    async def wait(self, news: asyncio.Event, *, until: float) -> bool:
        """Return after news, which may be none; False when the time is over."""
        until = min(until, self._until)
        if asyncio.get_running_loop().time() >= until:
            return False
        self._news = news
        self._on_wait(True)
        try:
            async with asyncio.timeout_at(until):
                await news.wait()
        except TimeoutError:
            return False
        finally:
            self._news = None
            self._on_wait(False)
        return True
