"""Measuring this host: what is found, and what could not be."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.ids import WORKER_LEVEL
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.physical.host import Gpu, HostResources
from bistro_tui.engine.physical.limits import counts_a_model
from bistro_tui.engine.physical.nvidia_smi import NvidiaSmi
from bistro_tui.engine.physical.system_files import SystemFiles
from bistro_tui.engine.physical.texts import Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found, and a sentence for each thing that could not be."""

    host: HostResources
    troubles: tuple[str, ...] = ()


class CardSource(Protocol):
    """What knows the cards of this host."""

    async def gpus(self) -> tuple[Gpu, ...]:
        """Return the cards. Raises Unreadable."""
        ...


class HostReader:
    """Measures what the config has a use for, and nothing where tasks run elsewhere."""

    def __init__(
        self,
        name: str,
        *,
        files: SystemFiles,
        cards: CardSource | None,
        is_here: bool,
    ) -> None:
        """``cards`` None: nobody is to be asked for any."""
        self._name = name
        self._files = files
        self._cards = cards
        self._is_here = is_here

    def wanted(self, settings: Settings) -> frozenset[str]:
        """Return which of ``ram_mb``, ``cpu_core`` and ``gpu_card`` to measure."""
        if not self._is_here:
            return frozenset()
        wanted = set(settings.physical_resources)
        if any(map(counts_a_model, settings.resources.get(WORKER_LEVEL, ()))):
            wanted.add("gpu_card")
        return frozenset(wanted)

    async def measure(self, settings: Settings) -> Measured:
        """Return what the host has of all that is wanted; the rest is left unknown.

        A thing that cannot be found out is unknown, too. Takes as long as asking for
        the cards may, and a second more where that cannot be stopped.
        """
        wanted, troubles = self.wanted(settings), list[str]()
        gpus: tuple[Gpu, ...] = ()
        if "gpu_card" in wanted and self._cards is not None:
            try:
                gpus = await self._cards.gpus()
            except Unreadable as error:
                troubles.append(f"the GPUs of this host are unknown: {error}")
        host = HostResources(
            name=self._name,
            cpu_cores=_found("CPU", self._files.cpu_cores, troubles)
            if "cpu_core" in wanted
            else 0.0,
            ram_mb=_found("memory", self._files.ram_mb, troubles)
            if "ram_mb" in wanted
            else 0.0,
            gpus=gpus,
        )
        return Measured(host=host, troubles=tuple(troubles))


def _found(what: str, ask: Callable[[], float], troubles: list[str]) -> float:
    try:
        return ask()
    except Unreadable as error:
        troubles.append(f"the {what} of this host is unknown: {error}")
        return 0.0


def make_host_reader(options: EngineOptions, clock: Clock) -> HostReader:
    """Return what measures this host as the options say."""
    cards = None
    if options.nvidia_smi:
        timeout_sec = options.physical_resources_subprocess_timeout_ms / 1000
        cards = NvidiaSmi(options.nvidia_smi, timeout_sec=timeout_sec, clock=clock)
    return HostReader(
        socket.gethostname(),
        files=SystemFiles(),
        cards=cards,
        is_here=options.runs_here,
    )
