"""The easy way to write a config loader: say how to get the text."""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from bistro_tui.engine.config.load import LoadedConfig, load_content, unreadable
from bistro_tui.engine.config.loader import LoaderContext
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.foreign import is_failure
from bistro_tui.engine.installed import described

log = logging.getLogger("bistro_tui")

QUIET_SEC = 1.0
"""Loads are at least this far apart, unless asked for."""

_BREATH_SEC = 0.1
"""Hints come no oftener, whatever ``changed`` does."""


class TextLoader(ABC):
    """A config loader made of one method, ``read``, and perhaps ``changed``."""

    def __init__(self, context: LoaderContext) -> None:
        self.context = context

    @abstractmethod
    async def read(self) -> str:
        """Return the whole text as it is now; any exception: it cannot be had now."""

    async def changed(self) -> None:
        """Return when the text may have changed.

        ``read`` is called every ``--config-update-ms`` in any case; this one, which
        never returns, leaves it at that.
        """
        await asyncio.Event().wait()

    async def write(self, before: str, after: str) -> None:
        """Replace the whole text if it still is ``before``.

        Raises ControlRefused if it is not, or if this config cannot be changed from
        here: the default.
        """
        raise ControlRefused(f"{self.context.config}: change it where it comes from")

    async def load(self) -> LoadedConfig:
        """Return the config as it is now; ConfigUnusable if it cannot be had."""
        path = Path(self.context.config)
        try:
            text = await self.read()
            return await asyncio.to_thread(load_content, path, text.encode())
        except ConfigUnusable:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
            message = f"{self.context.config}: cannot be read: {described(error)}"
            raise ConfigUnusable(message) from error

    def watch(self, *, digest: str) -> "TextChanges":
        """Return the contents to come."""
        return TextChanges(self, digest)

    async def edit(self, change: Callable[[str], str]) -> bool:
        """Replace the text by ``change(text)``, if ``write`` can do that."""
        before = await self.read()
        after = await asyncio.to_thread(change, before)
        if after == before:
            return False
        await self.write(before, after)
        return True


class TextChanges:
    """Gives each new content that a TextLoader reads."""

    def __init__(self, loader: TextLoader, digest: str) -> None:
        self._loader, self._digest = loader, digest
        self._hint = asyncio.Event()
        self._poked = False
        self._last_load = float("-inf")
        self._listening: asyncio.Future[None] | None = None

    async def __aenter__(self) -> "TextChanges":
        """Begin to listen for changes."""
        self._listening = asyncio.ensure_future(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End that."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))

    def __aiter__(self) -> "TextChanges":
        """Iterate over the contents to come."""
        return self

    async def __anext__(self) -> LoadedConfig:
        """Wait for the next content and return it, good or bad."""
        while True:
            await self._wait_for_a_hint()
            poked, self._poked = self._poked, False
            self._hint.clear()
            loaded = await self._load()
            self._last_load = asyncio.get_running_loop().time()
            if poked or loaded.digest != self._digest:
                self._digest = loaded.digest
                return loaded

    def poke(self) -> None:
        """Have the text read and given at once, even if it is the same."""
        self._poked = True
        self._hint.set()

    async def _load(self) -> LoadedConfig:
        try:
            return await self._loader.load()
        except ConfigUnusable as error:
            return unreadable(Path(self._loader.context.config), str(error))

    async def _wait_for_a_hint(self) -> None:
        await self._hinted_within(self._loader.context.poll_ms / 1000)
        loop = asyncio.get_running_loop()
        while not self._poked:
            wait = self._last_load + QUIET_SEC - loop.time()
            if wait <= 0:
                return
            self._hint.clear()
            await self._hinted_within(wait)

    async def _hinted_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hint.wait()

    async def _listen(self) -> None:
        try:
            while True:
                await self._loader.changed()
                self._hint.set()
                await asyncio.sleep(_BREATH_SEC)
        except BaseException as error:
            if not is_failure(error):
                raise
            # It is still read from time to time.
            log.warning(
                "%s: no notice of changes any more: %s",
                self._loader.context.config,
                described(error),
            )
