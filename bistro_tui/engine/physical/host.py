"""What a host has. Pure.

Source: Bistro, UsablePhysicalResources: what is zero or empty is unknown.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One card."""

    bus_id: str
    name: str
    """The model, as its driver calls it."""
    memory_mb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResources:
    """What tasks on a host can use, whether or not anything uses it now."""

    name: str = ""
    """The host's name, under which the config may have limits for it."""
    cpu_cores: float = 0.0
    ram_mb: float = 0.0
    """Of 2^20 bytes."""
    gpus: tuple[Gpu, ...] = ()


UNKNOWN_HOST = HostResources()
