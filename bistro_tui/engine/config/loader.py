"""Where a config comes from: what every config loader is, and the one for files."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.file_edit import edit_config_file
from bistro_tui.engine.config.known_jobs import NO_KNOWN_JOBS
from bistro_tui.engine.config.load import LoadedConfig, load_config
from bistro_tui.engine.config.watcher import ConfigWatcher


class ConfigChanges(Protocol):
    """Each new content of a config, loaded, good or bad; an async context, too."""

    async def __aenter__(self) -> "ConfigChanges":
        """Begin to watch."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End that."""
        ...

    def __aiter__(self) -> "ConfigChanges":
        """Iterate over the contents to come, for ever."""
        ...

    async def __anext__(self) -> LoadedConfig:
        """Wait for the next content and return it; always a whole one, the last."""
        ...

    def poke(self) -> None:
        """Have the config loaded and given at once, even if it is the same."""
        ...


class ConfigLoader(Protocol):
    """Loads one config, watches it and edits it: all of it, or nothing."""

    async def load(self) -> LoadedConfig:
        """Return the config as it is now; ConfigUnusable if it cannot be had."""
        ...

    def watch(self, *, digest: str) -> ConfigChanges:
        """Return the contents to come; ``digest`` is that of what is known already."""
        ...

    async def edit(self, change: Callable[[str], str]) -> bool:
        """Replace the text by ``change(text)``; return whether that changed it.

        Raises ControlRefused, and whatever ``change`` raises; then all is as it was.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderContext:
    """What a config loader is made with."""

    config: str
    """CONFIG as it was given; what it means is up to the loader."""
    poll_ms: int
    """The value of ``--config-update-ms``."""
    clock: Clock
    rng: random.Random


ConfigLoaderFactory: TypeAlias = Callable[[LoaderContext], ConfigLoader]
"""What an entry point of ``bistro_tui.config_loaders`` names."""


class FileLoader:
    """The config is a file."""

    def __init__(self, context: LoaderContext) -> None:
        self._path = Path(context.config)
        self._poll_ms = context.poll_ms
        self._known = NO_KNOWN_JOBS

    async def load(self) -> LoadedConfig:
        """Return the file's config; ConfigUnusable if the file cannot be read."""
        loaded = await asyncio.to_thread(load_config, self._path)
        self._known = loaded.known
        return loaded

    def watch(self, *, digest: str) -> ConfigChanges:
        """Return the file's contents to come."""
        return ConfigWatcher(
            self._path, poll_ms=self._poll_ms, digest=digest, known=self._known
        )

    async def edit(self, change: Callable[[str], str]) -> bool:
        """Replace the file, whole."""
        return await asyncio.to_thread(edit_config_file, self._path, change)
