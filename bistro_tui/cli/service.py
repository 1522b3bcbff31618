"""Telling a service manager how the engine is, from the engine's own loop."""

import asyncio
import contextlib
from types import TracebackType

from bistro_tui.cli.notify import ServiceManager
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.engine import Engine

_LONGEST_RELOAD_SEC = 60.0


class Service:
    """Speaks for one engine while it serves. All on the engine's loop."""

    def __init__(self, manager: ServiceManager, engine: Engine, clock: Clock) -> None:
        self._manager = manager
        self._engine = engine
        self._clock = clock
        self._telling: asyncio.Future[None] | None = None
        self._awaiting_stop: asyncio.Future[None] | None = None
        self._reloading: asyncio.Future[None] | None = None
        self._is_stopping = False

    def __enter__(self) -> "Service":
        """Begin; nothing is told before ``opened``."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell of the end."""
        if self._telling is not None:
            self.stopping()
        for task in (self._telling, self._awaiting_stop, self._reloading):
            if task is not None:
                task.cancel()

    def opened(self) -> None:
        """The engine is open and serves."""
        if not self._manager.listens:
            return
        self._manager.ready(self._words())
        self._telling = asyncio.ensure_future(self._tell())
        self._awaiting_stop = asyncio.ensure_future(self._tell_stop())

    def reload(self) -> None:
        """Have config and nodes read again, and tell when that is over."""
        self._engine.request_reload()
        if self._telling is None or self._is_stopping:
            return
        if self._reloading is None or self._reloading.done():
            self._manager.reloading(self._clock.now().mono)
            self._reloading = asyncio.ensure_future(self._end_reload())

    def stopping(self) -> None:
        """The engine was asked to stop, or has stopped."""
        if not self._is_stopping:
            self._is_stopping = True
            self._manager.stopping("stopping: running tasks are ended")

    async def _tell(self) -> None:
        while True:
            if self._manager.watchdog_sec:
                self._manager.alive()
            is_reloading = self._reloading is not None and not self._reloading.done()
            if not (self._is_stopping or is_reloading):
                self._manager.status(self._words())
            await asyncio.sleep(self._manager.pause_sec)

    async def _tell_stop(self) -> None:
        await self._engine.stop_requested()
        self.stopping()

    async def _end_reload(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_RELOAD_SEC):
                await self._engine.world.reloaded()
        if not self._is_stopping:
            self._manager.ready(self._words())

    def _words(self) -> str:
        desk = self._engine.desk
        progress, running = desk.core.progress(), desk.core.state.attempts.live
        owed = progress.done + progress.failed + progress.blocked
        failed = f", {progress.failed} failed" if progress.failed else ""
        wrong = [one for one in desk.board.banners() if one.is_error]
        first = f"; {wrong[0].topic}: {wrong[0].text}" if wrong else ""
        return f"{running} running, {progress.done} of {owed} tasks done{failed}{first}"
