"""Ending the processes that outlived both a scheduler and its warden."""

import contextlib
import os
import signal
from collections.abc import Iterable

from bistro_tui.engine.recovery.records import LeftAttempt
from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.program import boot_id
from bistro_tui.engine.warden.tags import tag_at, tag_of
from bistro_tui.engine.warden.tree import (
    Marks,
    environment_of,
    kill_marked,
    look,
)

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def end_what_is_left(
    attempts: Iterable[LeftAttempt], cgroups: Iterable[Cgroup] = ()
) -> int:
    """Send SIGKILL to every process of these attempts; return to how many.

    ``cgroups``: those that their wardens made. To be repeated until it returns 0: then
    none is alive. Blocks for up to a second.
    """
    in_groups = sum(cgroup.kill() for cgroup in cgroups)
    sessions: set[int] = set()
    tags: set[int] = set()
    environment: set[bytes] = set()
    here, own = boot_id(), os.getpid()
    for attempt in attempts:
        tags.add(tag_of(attempt.invocation.rand))
        environment.add(f"BISTRO_INVOCATION={attempt.invocation}".encode())
        pid = attempt.pid
        if pid and attempt.boot_id == here and _hold(pid, attempt):
            sessions.add(pid)
    # A task may have started this very program; all that it starts carries that too.
    sessions.discard(os.getsid(0))
    tags.discard(tag_at(own) or 0)
    environment.difference_update(environment_of(own))
    marks = Marks(frozenset(tags), frozenset(environment), frozenset(sessions))
    return in_groups + kill_marked(marks)


def _hold(pid: int, attempt: LeftAttempt) -> bool:
    """Stop the main process if it is certainly still the one that was started.

    A stopped one keeps its number, and so its session cannot be anybody else's.
    """
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            if _was_born_then(pid, attempt):
                signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
                return True
        finally:
            os.close(descriptor)
    return False


def _was_born_then(pid: int, attempt: LeftAttempt) -> bool:
    found = look(pid)
    if found is None or found.state in "ZX" or found.session != pid:
        return False
    # Whole ticks, cut off; one more on either side costs no certainty.
    first, last = attempt.born_after_ns - _TICK_NS, attempt.born_before_ns + _TICK_NS
    return first <= found.started * _TICK_NS <= last
