"""When this host is measured again: from time to time, and for a config that asks more.

Source: Bistro, ``--refresh_usable_physical_resources_sec``.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.physical.reader import Measured

log = logging.getLogger("bistro_tui")


class Reader(Protocol):
    """What measures this host."""

    def wanted(self, settings: Settings) -> frozenset[str]:
        """Return which things these settings want measured."""
        ...

    async def measure(self, settings: Settings) -> Measured:
        """Return what was found."""
        ...


class HostKeeper:
    """Tells of this host. ``look`` before a config is in force, then ``follow`` it.

    ``run`` goes on for ever; all on one loop.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        refresh_sec: float,
        on_host: Callable[[HostResources], None],
    ) -> None:
        self._reader = reader
        self._refresh_sec = refresh_sec
        self._on_host = on_host
        self._settings = Settings()
        self._known: Measured | None = None
        self._asked: frozenset[str] = frozenset()
        self._measuring = asyncio.Lock()

    async def look(self, settings: Settings) -> HostResources:
        """Return what these settings want to know; measured if that is another thing.

        Nothing is in force before ``follow``, so the config may still be refused.
        """
        known = self._known
        if known is None or self._reader.wanted(settings) != self._asked:
            known = await self._measure(settings)
        return known.host

    def follow(self, settings: Settings) -> None:
        """Keep up to date what these settings want to know."""
        self._settings = settings

    async def run(self) -> None:
        """Measure from time to time, for ever."""
        while True:
            await asyncio.sleep(self._refresh_sec)
            if self._reader.wanted(self._settings):
                self._on_host((await self._measure(self._settings)).host)

    async def _measure(self, settings: Settings) -> Measured:
        async with self._measuring:
            measured = await self._reader.measure(settings)
        self._tell(measured)
        self._known, self._asked = measured, self._reader.wanted(settings)
        return measured

    def _tell(self, measured: Measured) -> None:
        known = self._known
        for trouble in measured.troubles:
            if known is None or trouble not in known.troubles:
                log.warning("%s; what the config says holds instead", trouble)
        text = _described(measured.host)
        if text and (known is None or known.host != measured.host):
            log.info("this host has %s", text)


def _described(host: HostResources) -> str:
    """Return what is known of the host, as people say it."""
    parts = []
    if host.cpu_cores:
        parts.append(f"{host.cpu_cores:g} CPU cores")
    if host.ram_mb:
        parts.append(f"{host.ram_mb:.0f} MB of memory")
    if host.gpus:
        models = Counter(gpu.name for gpu in host.gpus)
        cards = ", ".join(f"{count} x {model}" for model, count in models.items())
        parts.append(f"GPUs: {cards}")
    return "; ".join(parts)
