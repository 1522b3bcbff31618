"""What the system and ``nvidia-smi`` say about a host, as values. Pure.

Source: Bistro, physical/.
"""

import math
import re
from collections.abc import Iterator

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.physical.host import Gpu

GPU_FIELDS = ("gpu_bus_id", "memory.total", "name")
"""What is asked of ``nvidia-smi``, in this order."""

_KIB_PER_MB = 1024
_MAX_INTEGER = 65_535
"""No system numbers so many CPUs or memory nodes."""
_WHOLE = re.compile(r"[0-9]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_MEM_TOTAL = re.compile(r"^(?:Node [0-9]+ )?MemTotal:[ \t]*([0-9]{1,18}) kB$", re.M)


class Unreadable(Exception):
    """Some text is not what it should be; the message says which, and how."""


def read_gpus(text: str) -> tuple[Gpu, ...]:
    """Return the cards that ``nvidia-smi`` lists, one a line, as CSV without header.

    Fields are split at ``", "``. Raises Unreadable for a line with more or fewer.
    """
    return tuple(_read_gpu(line) for line in text.split("\n") if line.strip())


def _read_gpu(line: str) -> Gpu:
    fields = line.strip().split(", ")
    if len(fields) != len(GPU_FIELDS):
        wanted = ", ".join(GPU_FIELDS)
        raise Unreadable(f"printed {show(line)}, not the {len(GPU_FIELDS)} of {wanted}")
    bus_id, memory, name = fields
    if not bus_id or not name:
        raise Unreadable(f"printed a card without its bus or its name: {show(line)}")
    # [N/A] and [Not Supported]: the card is there all the same.
    if memory.startswith("[") and memory.endswith("]"):
        return Gpu(bus_id=bus_id, name=name)
    if not _NUMBER.fullmatch(memory):
        raise Unreadable(f"printed {show(memory)} as the memory of a card")
    return Gpu(bus_id=bus_id, name=name, memory_mb=float(memory))


def read_integers(text: str) -> frozenset[int]:
    """Return the numbers of a list such as ``0-3,8``; ranges may overlap.

    Raises Unreadable if it is empty, malformed, or a range runs backwards.
    """
    return frozenset(
        number for part in text.strip().split(",") for number in _range(part, text)
    )


def _range(part: str, text: str) -> Iterator[int]:
    first, dash, last = part.partition("-")
    ends = (first, last) if dash else (first, first)
    if not all(_WHOLE.fullmatch(end) for end in ends):
        raise Unreadable(f"{show(text)} is no list of numbers such as 0-3,8")
    begin, end = int(ends[0]), int(ends[1])
    if begin > end or end > _MAX_INTEGER:
        raise Unreadable(f"{show(text)} has a range that is none: {show(part)}")
    yield from range(begin, end + 1)


def read_mem_total(text: str) -> float:
    """Return the MB of a ``meminfo``, the whole system's or a memory node's.

    Raises Unreadable if it does not say.
    """
    found = _MEM_TOTAL.search(text)
    if found is None:
        raise Unreadable("no line MemTotal with a number of kB")
    return int(found[1]) / _KIB_PER_MB


def read_allowed_memory_nodes(text: str) -> frozenset[int]:
    """Return the memory nodes that a process may use, from its ``status``.

    Raises Unreadable if it does not say.
    """
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        if key == "Mems_allowed_list":
            return read_integers(value)
    raise Unreadable("no line Mems_allowed_list")


def read_memory_limit(text: str) -> float:
    """Return the bytes of a cgroup's ``memory.max`` or ``memory.limit_in_bytes``.

    Infinity means no limit. Raises Unreadable for anything but ``max`` and a number.
    """
    value = text.strip()
    if value in ("max", "-1"):
        return math.inf
    if not _WHOLE.fullmatch(value):
        raise Unreadable(f"{show(value)} is no memory limit")
    return float(value)


def read_cpu_limit(text: str) -> float:
    """Return the cores of a cgroup's ``cpu.max``: the quota, then the period.

    cgroup v1 has the two in two files. Infinity means no limit. Raises Unreadable for
    anything but ``max`` or a number and a number.
    """
    fields = text.split()
    if len(fields) == 2 and fields[0] in ("max", "-1"):
        return math.inf
    if len(fields) != 2 or not all(_WHOLE.fullmatch(field) for field in fields):
        raise Unreadable(f"{show(text.strip())} is no CPU quota and period")
    quota, period = map(int, fields)
    if not quota or not period:
        raise Unreadable(f"{show(text.strip())} leaves no CPU at all")
    return quota / period
