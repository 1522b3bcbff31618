"""A plug-in's config loader, kept from harming the engine."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from bistro_tui.engine.config.load import LoadedConfig, unreadable
from bistro_tui.engine.config.loader import ConfigChanges, ConfigLoader
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.foreign import contain_exits, is_failure
from bistro_tui.engine.installed import Part

RETRY_SEC = 1.0


class GuardedLoader:
    """Passes calls on; whatever they raise is one of the errors that we expect."""

    def __init__(self, part: Part, loader: ConfigLoader, config: str) -> None:
        self._part, self._loader, self._config = part, loader, config

    async def load(self) -> LoadedConfig:
        """Return the config as it is now; ConfigUnusable if it cannot be had."""
        contain_exits()
        try:
            return self.checked(await self._loader.load())
        except ConfigUnusable:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
            raise ConfigUnusable(self.told("cannot load it", error)) from error

    def watch(self, *, digest: str) -> "GuardedChanges":
        """Return the contents to come."""
        return GuardedChanges(self, lambda: self._loader.watch(digest=digest))

    async def edit(self, change: Callable[[str], str]) -> bool:
        """Replace the text by ``change(text)``; ControlRefused if that fails."""
        try:
            return bool(await self._loader.edit(change))
        except ControlRefused:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
            raise ControlRefused(self.told("cannot edit it", error)) from error

    def checked(self, loaded: object) -> LoadedConfig:
        """Return ``loaded`` if it is what a loader must give."""
        if not isinstance(loaded, LoadedConfig):
            raise TypeError(f"a LoadedConfig is wanted, not {type(loaded).__name__}")
        return loaded

    def told(self, what: str, error: BaseException) -> str:
        """Return what to tell people about an error that the loader raised."""
        return f"{self._config}: {self._part.error(what, error)}"

    def unreadable(self, error: BaseException) -> LoadedConfig:
        """Return what stands for the config after that error."""
        return unreadable(Path(self._config), self.told("cannot watch it", error))


class GuardedChanges:
    """Gives what the plug-in gives; its errors are contents that are bad."""

    def __init__(
        self, loader: GuardedLoader, begin: Callable[[], ConfigChanges]
    ) -> None:
        self._loader, self._begin = loader, begin
        self._resources = contextlib.AsyncExitStack()
        self._changes: ConfigChanges | None = None
        self._has_failed = False
        self._is_poked = False

    async def __aenter__(self) -> "GuardedChanges":
        """Watch from the first ``anext`` on."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End that; how the plug-in takes it does not matter any more."""
        await self._end()

    def __aiter__(self) -> "GuardedChanges":
        """Iterate over the contents to come."""
        return self

    async def __anext__(self) -> LoadedConfig:
        """Wait for the next content; after an error, begin to watch anew."""
        if self._has_failed:
            await asyncio.sleep(RETRY_SEC)
        try:
            if self._changes is None:
                self._changes = await self._resources.enter_async_context(self._begin())
            if self._is_poked or self._has_failed:
                self._changes.poke()
            self._is_poked = False
            loaded = self._loader.checked(await self._changes.__anext__())
        except BaseException as error:
            if not is_failure(error):
                raise
            self._has_failed = True
            await self._end()
            return self._loader.unreadable(error)
        self._has_failed = False
        return loaded

    def poke(self) -> None:
        """Have the config loaded and given at once."""
        if self._changes is None:
            self._is_poked = True
            return
        with _ignoring_failures():
            self._changes.poke()

    async def _end(self) -> None:
        self._changes = None
        with _ignoring_failures():
            await self._resources.aclose()


@contextlib.contextmanager
def _ignoring_failures() -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not is_failure(error):
            raise
