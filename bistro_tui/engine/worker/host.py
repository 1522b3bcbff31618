"""What this host has, as a worker tells its scheduler: all of it, for any config."""

import shutil
from collections.abc import Callable

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import PhysicalResource, Settings
from bistro_tui.engine.ids import ResourceName
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.physical.keeper import HostKeeper
from bistro_tui.engine.physical.nvidia_smi import NvidiaSmi
from bistro_tui.engine.physical.reader import HostReader
from bistro_tui.engine.physical.system_files import SystemFiles
from bistro_tui.engine.remote.messages import GpuCard, Usable
from bistro_tui.engine.worker.options import WorkerOptions

EVERYTHING = Settings(
    physical_resources={
        what: PhysicalResource(logical_resource=ResourceName(what))
        for what in ("ram_mb", "cpu_core", "gpu_card")
    }
)
"""A config that wants to know all that can be measured."""

_USUAL_NVIDIA_SMI = "nvidia-smi"


def host_keeper(
    options: WorkerOptions,
    host: str,
    *,
    clock: Clock,
    on_host: Callable[[HostResources], None],
) -> HostKeeper:
    """Return what measures this host from time to time."""
    program, cards = options.nvidia_smi, None
    # A host without cards lacks the program, and nobody need be told of that.
    if program and (program != _USUAL_NVIDIA_SMI or shutil.which(program)):
        timeout_sec = options.physical_resources_subprocess_timeout_ms / 1000
        cards = NvidiaSmi(program, timeout_sec=timeout_sec, clock=clock)
    reader = HostReader(host, files=SystemFiles(), cards=cards, is_here=True)
    keeper = HostKeeper(
        reader,
        refresh_sec=options.refresh_usable_physical_resources_sec,
        on_host=on_host,
    )
    keeper.follow(EVERYTHING)
    return keeper


def usable(host: HostResources) -> Usable:
    """Return what tasks on that host can use."""
    return Usable(
        cpu_cores=host.cpu_cores,
        memory_mb=host.ram_mb,
        gpus=tuple(GpuCard(one.bus_id, one.name, one.memory_mb) for one in host.gpus),
    )
