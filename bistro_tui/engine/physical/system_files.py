"""How much CPU and memory tasks can use here, as Linux tells in its files.

Source: Bistro, physical/UsablePhysicalResourceMonitor; the cgroups are those that this
process is in, its CPUs those that it may run on.
"""

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from bistro_tui.engine.physical.own_cgroups import OwnCgroup, own_cgroups
from bistro_tui.engine.physical.texts import (
    Unreadable,
    read_allowed_memory_nodes,
    read_cpu_limit,
    read_integers,
    read_mem_total,
    read_memory_limit,
)

T = TypeVar("T")

_BYTES_PER_MB = 2**20


def usable_cpus() -> int:
    """Return how many CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


class SystemFiles:
    """``/proc`` and ``/sys``; a few small files are read for each answer."""

    def __init__(
        self, root: Path = Path("/"), count_cpus: Callable[[], int] = usable_cpus
    ) -> None:
        self._root = root
        self._count_cpus = count_cpus

    def cpu_cores(self) -> float:
        """Return the CPUs, or the lower quota of a cgroup. Raises Unreadable."""
        quotas = (self._cpu_limit(group) for group in self._own("cpu"))
        return min([float(self._count_cpus()), *quotas])

    def ram_mb(self) -> float:
        """Return the MB of memory, or a cgroup's lower limit. Raises Unreadable."""
        limits = (self._memory_limit(group) for group in self._own("memory"))
        return min([self._memory(), *(limit / _BYTES_PER_MB for limit in limits)])

    def _memory(self) -> float:
        """Return the MB of the memory nodes that this process may use."""
        nodes = self._memory_nodes()
        if not nodes:
            return self._read("proc/meminfo", read_mem_total)
        return sum(
            self._read(f"sys/devices/system/node/node{node}/meminfo", read_mem_total)
            for node in nodes
        )

    def _memory_nodes(self) -> frozenset[int]:
        """Return the memory nodes that this process may use; empty means all."""
        try:
            online = self._read("sys/devices/system/node/online", read_integers)
            allowed = self._read("proc/self/status", read_allowed_memory_nodes)
        except Unreadable:  # a kernel that does not have them
            return frozenset()
        return frozenset() if online <= allowed else online & allowed

    def _own(self, controller: str) -> Iterator[OwnCgroup]:
        try:
            cgroup = self._read("proc/self/cgroup", str)
            mountinfo = self._read("proc/self/mountinfo", str)
        except Unreadable:  # a kernel without cgroups
            return
        yield from own_cgroups(cgroup, mountinfo, controller)

    def _cpu_limit(self, group: OwnCgroup) -> float:
        if group.is_v2:
            return self._limit(group, ("cpu.max",), read_cpu_limit)
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        return self._limit(group, names, read_cpu_limit)

    def _memory_limit(self, group: OwnCgroup) -> float:
        name = "memory.max" if group.is_v2 else "memory.limit_in_bytes"
        return self._limit(group, (name,), read_memory_limit)

    def _limit(
        self, group: OwnCgroup, names: tuple[str, ...], read: Callable[[str], float]
    ) -> float:
        """Return the limit that these files of a group say; infinity if it has none."""
        inside = "/".join(group.directory.parts[1:])
        paths = [f"{inside}/{name}" for name in names]
        try:
            text = " ".join((self._root / path).read_text() for path in paths)
        except (FileNotFoundError, NotADirectoryError):
            return math.inf
        except (OSError, ValueError) as error:
            raise Unreadable(f"/{paths[0]}: {error}") from None
        try:
            return read(text)
        except Unreadable as error:
            raise Unreadable(f"/{paths[0]}: {error}") from None

    def _read(self, path: str, read: Callable[[str], T]) -> T:
        try:
            return read((self._root / path).read_text(errors="replace"))
        except OSError as error:
            raise Unreadable(f"/{path}: {error.strerror}") from None
        except Unreadable as error:
            raise Unreadable(f"/{path}: {error}") from None
