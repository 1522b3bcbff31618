"""From ``physical_resources`` and a job's needs to what the kernel is told. Pure.

Source: Bistro, runners/RemoteWorkerRunner (limits sent with a task).
"""

import math
from collections.abc import Mapping

from bistro_tui.engine.config.model import Enforcement, PhysicalResource
from bistro_tui.engine.ids import ResourceName

WEIGHT_OF_A_CORE = 100
"""A group without a weight has that, too; Bistro's cpu.shares, 2 a core, have no such
middle. Only how the weights compare means anything."""

_MAX_WEIGHT = 10_000
_MIB = 2**20
_MAX_BYTES = 2**63 - 1
"""More wraps around when the kernel reads it."""


def enforcement(
    physical: Mapping[str, PhysicalResource], needs: Mapping[ResourceName, int]
) -> Enforcement:
    """Return what holds for a task with ``needs``; nothing for a need of 0 or less.

    MB are whole ones of 2^20 bytes, where Bistro writes their number as bytes.
    """
    memory_max = cpu_weight = 0
    ram, cpu = physical.get("ram_mb"), physical.get("cpu_core")
    if ram is not None and ram.enforcement == "hard":
        memory_max = _rounded(_needed(ram, needs), _MAX_BYTES // _MIB) * _MIB
    if cpu is not None and cpu.enforcement == "soft":
        cores = _needed(cpu, needs)
        if cores > 0:
            cpu_weight = max(1, _rounded(cores * WEIGHT_OF_A_CORE, _MAX_WEIGHT))
    return Enforcement(memory_max=memory_max, cpu_weight=cpu_weight)


def _needed(resource: PhysicalResource, needs: Mapping[ResourceName, int]) -> float:
    amount = needs.get(resource.logical_resource, 0)
    return resource.multiply_logical_by * amount


def _rounded(value: float, most: int) -> int:
    """Return the nearest whole number from 0 to ``most``, halves upwards."""
    return most if value >= most else max(0, math.floor(value + 0.5))
