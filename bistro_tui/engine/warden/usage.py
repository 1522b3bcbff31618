"""What running attempts use: one look at every process of the host for all of them."""

import os
from collections.abc import Mapping

from bistro_tui.engine.warden.tags import tag_at
from bistro_tui.engine.warden.tree import all_pids, look


def usage_of(numbers: Mapping[int, int]) -> tuple[tuple[int, int, float, int], ...]:
    """Return (number, resident bytes, CPU seconds, processes) of attempts.

    ``numbers`` by tag. CPU time of processes that nobody waited for is lost with them.
    """
    found = dict.fromkeys(numbers.values(), (0, 0.0, 0))
    own = os.getpid()
    for pid in all_pids():
        # The warden itself carries the tag of the attempt that it started last.
        tag = tag_at(pid) if pid != own else None
        number = None if tag is None else numbers.get(tag)
        if number is not None and (seen := look(pid)) is not None:
            memory, seconds, processes = found[number]
            found[number] = (
                memory + seen.resident,
                seconds + seen.cpu_seconds,
                processes + (seen.state not in "ZX"),
            )
    return tuple((number, *used) for number, used in found.items())
