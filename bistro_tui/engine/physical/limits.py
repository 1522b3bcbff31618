"""From what a host has to the limits of its worker. Pure.

Source: Bistro, remote/RemoteWorkerSelector (the table of worker resources).
"""

import math
from collections.abc import Mapping

from bistro_tui.engine.config.model import PhysicalResource, Settings
from bistro_tui.engine.ids import WORKER_LEVEL, NodeName, ResourceName
from bistro_tui.engine.physical.host import HostResources

_MOST = 2**63 - 1
"""What the config can hold."""

_MODEL = "GPU: "


def worker_limits(
    settings: Settings, host: HostResources, shard: NodeName, port: int = 0
) -> dict[ResourceName, int]:
    """Return the limits of the worker ``shard``, which is all of ``host``.

    They are the configured ones; what is measured replaces those it is mapped to, each
    card adds 1 to the resource with its name, and at last comes the override: of the
    host's name with the worker's ``port``, or else of the host's name, or else of the
    shard. In the order of the config.
    """
    specs = settings.resources.get(WORKER_LEVEL, {})
    limits = {name: spec.limit for name, spec in specs.items()}
    physical = settings.physical_resources
    for key, amount in _amounts(host).items():
        if key in physical and amount:
            limits[physical[key].logical_resource] = _logical(physical[key], amount)
    for gpu in host.gpus:
        name = resource_of_model(gpu.name)
        if name in limits:
            limits[name] += 1
    at_port = f"{host.name}:{port}" if host.name else ""
    limits.update(_override(settings, (at_port, host.name, shard)))
    return limits


def resource_of_model(model: str) -> ResourceName:
    """Return the resource that counts the cards of one model."""
    return ResourceName(f"{_MODEL}{model}")


def counts_a_model(name: ResourceName) -> bool:
    """Return whether a resource of the worker counts the cards of one model."""
    return name.startswith(_MODEL)


def _amounts(host: HostResources) -> Mapping[str, float]:
    return {
        "ram_mb": host.ram_mb,
        "cpu_core": host.cpu_cores,
        "gpu_card": float(len(host.gpus)),
    }


def _logical(resource: PhysicalResource, amount: float) -> int:
    left = amount - resource.physical_reserve_amount
    logical = left / resource.multiply_logical_by
    return _MOST if logical >= _MOST else math.trunc(max(0.0, logical))


def _override(settings: Settings, names: tuple[str, ...]) -> Mapping[ResourceName, int]:
    overrides = settings.worker_resources_override
    for name in names:
        if name and name in overrides:
            return overrides[name]
    return {}
