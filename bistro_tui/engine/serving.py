"""One scheduler from its start to its end, with the doors that others come in by."""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from bistro_tui.engine.api.doors import Doors
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.live import announced
from bistro_tui.engine.outcome import Outcome

if TYPE_CHECKING:
    from bistro_tui.engine.api.server import ApiServer

log = logging.getLogger("bistro_tui")

QUIET_SEC = 1.0
"""After the start, before the server is loaded with nobody waiting for it: what the
screen and the first tasks need comes first, and short runs never need it."""

_PARTS = (
    "attr",
    "multidict",
    "yarl",
    "aiohttp.hdrs",
    "aiohttp.web",
    "bistro_tui.engine.api.server",
)
"""What loading the server loads, in steps between which it can be given up."""


async def serve(
    engine: Engine,
    *,
    on_open: Callable[[], None] = lambda: None,
    announce: Callable[[str], None] = lambda _line: None,
) -> Outcome | None:
    """Serve until stopped or done; None if it was stopped before it was open.

    ``on_open`` is called when it is open and answers at the TCP port it was asked for;
    ``announce`` gets the line that says where that is. Raises what ``Engine.open``
    does, and DoorUnusable before anything starts.
    """
    with closing(Doors(engine.options)) as doors:

        @contextlib.contextmanager
        def found_and_entered(data_dir: DataDir) -> Iterator[None]:
            with doors.opened(data_dir), announced(data_dir.path):
                yield

        if not await engine.open(in_data_dir=found_and_entered):
            return None
        if engine.workers_address:
            announce(f"listening for workers {engine.workers_address}")
        service = _Service(engine, doors, announce)
        opening = asyncio.ensure_future(service.open())
        with contextlib.ExitStack() as told:
            told.callback(on_open)
            try:
                if doors.tcp:
                    opening.add_done_callback(lambda _: told.close())
                else:
                    told.close()
                return await engine.run()
            finally:
                opening.cancel()
                await asyncio.wait([opening])
                await service.close()


class _Service:
    """The server of one engine; whatever becomes of it, the engine goes on."""

    def __init__(
        self, engine: Engine, doors: Doors, announce: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._doors = doors
        self._announce = announce
        self._server: ApiServer | None = None
        self._is_given_up = False

    async def open(self) -> None:
        """Answer at the doors, once somebody wants that or nothing else is to do."""
        if self._doors.trouble:
            self._engine.show("api", self._doors.trouble, is_error=False)
        try:
            if not self._doors.tcp:
                await self._until_knocked()
            await asyncio.to_thread(self._load)
            from bistro_tui.engine.api.server import ApiServer

            self._server = ApiServer(
                self._engine.desk, self._doors, is_over=lambda: self._engine.is_over
            )
            await self._server.open()
            if self._doors.url:
                self._announce(f"listening {self._doors.url}")
        except Exception as error:
            log.exception("REST cannot be served")
            self._engine.show("api", f"REST cannot be served: {error}")
            # Nobody is to wait for an answer that will not come.
            await self.close()
            self._doors.close()

    async def close(self) -> None:
        """Answer no more."""
        self._is_given_up = True
        if self._server is not None:
            try:
                await self._server.close()
            except Exception:
                log.exception("the REST server did not end well")

    async def _until_knocked(self) -> None:
        unix = self._doors.unix
        if unix is None:
            await asyncio.get_running_loop().create_future()
            return
        loop, knocked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(unix, knocked.set)
        try:
            async with asyncio.timeout(QUIET_SEC):
                await knocked.wait()
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(unix)

    def _load(self) -> None:
        for name in _PARTS:
            if self._is_given_up:
                return
            importlib.import_module(name)
