"""When the nodes are looked at again: from time to time, when asked, when time changes.

Asking takes as long as a script takes, so it goes on beside everything else. What is
known already is worked out anew at once: under other settings, and at the second at
which a time-based source has other nodes.
"""

import asyncio
import contextlib
from collections.abc import Callable

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.nodes.loader import NodesLoader, NodesResult

RECHECK_SEC = 1.0
"""While time matters, the wall clock is looked at this often: a suspended machine and
a clock that somebody sets are not announced."""


class NodesKeeper:
    """Tells of the nodes under the present settings, whenever they were looked at.

    ``first``, then ``run`` for ever; ``change`` and ``request`` at any time, all on one
    loop.
    """

    def __init__(
        self,
        loader: NodesLoader,
        *,
        clock: Clock,
        update_ms: int,
        retry_ms: int,
        on_nodes: Callable[[NodesResult], None],
    ) -> None:
        """Take how long to wait after a good look at the nodes, and after a bad one."""
        self._loader, self._clock, self._on_nodes = loader, clock, on_nodes
        self._update_sec, self._retry_sec = update_ms / 1000, retry_ms / 1000
        self._settings: Settings | None = None
        self._result: NodesResult | None = None
        self._fetch: asyncio.Task[None] | None = None
        self._next_fetch = float("-inf")
        self._is_wanted = False
        self._is_changing = False
        self._growing = asyncio.Lock()
        self._turn = 0
        """Grows with every result that counts; one that began earlier is dropped."""
        self._wake = asyncio.Event()

    @property
    def is_settled(self) -> bool:
        """Whether every source of the present settings has answered or failed."""
        return self._result is not None and self._result.is_complete

    async def first(self, settings: Settings) -> NodesResult:
        """Return the first nodes; waits for every source."""
        self._settings = settings
        result = await self._loader.load(settings)
        self._take(result)
        self._plan_next_fetch(result)
        return result

    async def change(self, settings: Settings) -> NodesResult:
        """Return what is known at once of the nodes under other settings.

        Whoever is being asked under the old ones is not waited for: that script is
        killed, its answer dropped. All sources are then asked under the new ones.
        """
        async with self._growing:
            self._is_changing = True
            try:
                if self._fetch is not None:
                    # Cancelled, it never comes to tell of its result.
                    self._fetch.cancel()
                    self._fetch = None
                result = await self._loader.known(settings)
            finally:
                self._is_changing = False
                self._wake.set()
        self._settings = settings
        self._take(result)
        self.request()
        return result

    def request(self) -> None:
        """Ask every source now, or as soon as those that are being asked answered."""
        self._is_wanted = True
        self._wake.set()

    async def run(self) -> None:
        """Keep the nodes up to date, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                self._begin_fetch(group)
                if self._is_out_of_date():
                    await self._look_again()
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._wake.wait()

    def _begin_fetch(self, group: asyncio.TaskGroup) -> None:
        if self._fetch is not None or self._is_changing or self._settings is None:
            return
        is_all = self._is_wanted or self._loop_time() >= self._next_fetch
        if not is_all and self.is_settled:
            return
        self._is_wanted = False
        self._fetch = group.create_task(
            self._fetch_nodes(self._settings, is_all=is_all), name="node sources"
        )

    async def _fetch_nodes(self, settings: Settings, *, is_all: bool) -> None:
        ask = self._loader.load if is_all else self._loader.complete
        result = await ask(settings)
        self._fetch = None
        if is_all or result.errors:
            self._plan_next_fetch(result)
        self._take(result)
        self._on_nodes(result)
        self._wake.set()

    def _plan_next_fetch(self, result: NodesResult) -> None:
        pause = self._retry_sec if result.errors else self._update_sec
        self._next_fetch = self._loop_time() + pause

    async def _look_again(self) -> None:
        """Work out what time has changed; nobody is asked."""
        async with self._growing:
            turn, settings = self._turn, self._settings
            if settings is None:
                return
            result = await self._loader.known(settings)
            if turn == self._turn:
                self._take(result)
                self._on_nodes(result)

    def _take(self, result: NodesResult) -> None:
        self._turn += 1
        self._result = result

    def _is_out_of_date(self) -> bool:
        now = self._clock.now().wall
        return self._result is not None and not self._result.is_of(now)

    def _pause(self) -> float | None:
        """Return the seconds until there may be something to do; None: until woken."""
        pauses: list[float] = []
        if self._fetch is None and not self._is_changing:
            pauses.append(self._next_fetch - self._loop_time())
        if self._result is not None and self._result.changes_at is not None:
            until_change = self._result.changes_at - self._clock.now().wall
            pauses.append(min(until_change, RECHECK_SEC))
        return max(0.0, min(pauses)) if pauses else None

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()
