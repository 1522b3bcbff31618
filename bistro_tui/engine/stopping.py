"""How far the end of a run has come: asked for, begun, reached."""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger("bistro_tui")

GIVE_UP_SEC = 5.0
"""How long a stop waits for a store that cannot be written."""

_OUT_OF_PATIENCE = 3
"""The stop request that waits for nothing any more."""


class Stopping:
    """The requests to stop, and what they came to. All on the engine's loop."""

    def __init__(self, *, on_request: Callable[[], None]) -> None:
        """``on_request`` hears of each request that has to be acted on."""
        self._on_request = on_request
        self._requests = 0
        self._is_open = False
        self._asked = asyncio.Event()
        self._reached = asyncio.Event()
        self._out_of_patience = asyncio.Event()
        self._store_trouble = ""
        self._giving_up: asyncio.TimerHandle | None = None
        self.ends_by_itself = False
        """Nobody asked: there was nothing left that could be done."""
        self.lost = ""
        """Why something could not be stored at the end; empty when everything was."""

    @property
    def is_asked(self) -> bool:
        """Whether it is to stop."""
        return self._requests > 0

    @property
    def is_reached(self) -> bool:
        """Whether the end is there: nothing is waited for any more."""
        return self._reached.is_set()

    @property
    def is_serving(self) -> bool:
        """Whether it was opened and is not at its end yet."""
        return self._is_open and not self._reached.is_set()

    async def asked(self) -> None:
        """Return when it is to stop."""
        await self._asked.wait()

    async def reached(self) -> None:
        """Return at the end."""
        await self._reached.wait()

    async def out_of_patience(self) -> None:
        """Return when it was asked for so often that nothing is waited for."""
        await self._out_of_patience.wait()

    def opened(self) -> None:
        """Act on requests from now on, and on what was asked before."""
        self._is_open = True
        if self._requests:
            self._on_request()

    def closed(self) -> None:
        """Act on no request any more; ``reach`` says when all is over."""
        self._is_open = False
        if self._giving_up is not None:
            self._giving_up.cancel()

    def request(self, *, by_itself: bool = False) -> None:
        """Stop gracefully; asked again, at once; a third time, wait no more."""
        self._requests += 1
        self._asked.set()
        if self._requests >= _OUT_OF_PATIENCE:
            self._out_of_patience.set()
        if not self._is_open:
            return
        if self._requests >= _OUT_OF_PATIENCE:
            self.reach()
            return
        if self._requests > 1:
            log.info("stopping at once: what still runs is killed")
        elif by_itself:
            self.ends_by_itself = True
            log.info("nothing is left that could be done")
        else:
            log.info("stopping: nothing new starts, running tasks are ended")
        self._on_request()
        self._give_up_in_time()

    def reach(self) -> None:
        """The end is there."""
        self._reached.set()

    def lose(self, text: str) -> None:
        """Say why something could not be stored; what was said first stays."""
        self.lost = self.lost or text

    def store_is(self, trouble: str) -> None:
        """Take note of why statuses cannot be stored now; empty: they can."""
        self._store_trouble = trouble
        self._give_up_in_time()

    def _give_up_in_time(self) -> None:
        """Do not wait for ever, once stopping, for a store that takes nothing."""
        if self._requests and self._store_trouble and self._giving_up is None:
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(GIVE_UP_SEC, self._give_up)

    def _give_up(self) -> None:
        self._giving_up = None
        if self._store_trouble:
            self.lose(self._store_trouble)
            self.reach()
