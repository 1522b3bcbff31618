"""Ending the processes that outlived both a scheduler and its warden."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Sequence

from bistro_tui.engine.recovery.groups import end_groups
from bistro_tui.engine.recovery.records import LeftAttempt
from bistro_tui.engine.recovery.stock import Entry
from bistro_tui.engine.warden.program import boot_id
from bistro_tui.engine.warden.tags import tag_at, tag_of
from bistro_tui.engine.warden.tree import (
    NO_PROCESS,
    Marks,
    Swept,
    environment_of,
    find_marked,
    kill_marked,
    look,
)

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_SIGKILL_BIT = 1 << (signal.SIGKILL - 1)


def end_what_is_left(
    attempts: Sequence[LeftAttempt], groups: Iterable[bytes] = ()
) -> Swept:
    """Send SIGKILL to every process of these attempts; return whom it met.

    ``groups``: the control groups that their wardens made. To be repeated until the
    result is clean: then none is alive. Blocks for up to a second. OSError where
    descriptors are wanting.
    """
    swept = end_groups(groups)
    mains = {pid for one in attempts if (pid := one.pid) and _hold(pid, one)}
    swept.append(kill_marked(_marks(attempts, mains)))
    alive = {pid for one in swept for pid in one.alive}
    hindrances = [one.hindrance for one in swept if one.hindrance]
    return Swept(
        sum(one.signalled for one in swept),
        tuple(sorted(alive)),
        hindrances[0] if hindrances else "",
    )


async def dead_among(entries: Sequence[Entry]) -> list[Entry]:
    """Return those of which nothing is alive, when something is of others.

    Half by half: each look costs the same for one attempt as for a thousand.
    """
    dead: list[Entry] = []
    middle = len(entries) // 2
    parts = [entries[:middle], entries[middle:]]
    while parts:
        part = parts.pop()
        groups = [entry.group for entry in part if entry.group]
        attempts = [entry.left for entry in part]
        if not part:
            continue
        swept = await asyncio.to_thread(end_what_is_left, attempts, groups)
        if swept.is_clean:
            dead += part
        elif len(part) > 1:
            middle = len(part) // 2
            parts += [part[:middle], part[middle:]]
    return dead


def immovable(attempts: Sequence[LeftAttempt]) -> tuple[int, ...]:
    """Return the processes of these attempts if no SIGKILL of ours would end any.

    They are another user's, or the kernel holds them although they were sent one.
    Nothing if there are none, or one that we can end. For attempts that a living warden
    watches. OSError where descriptors are wanting.
    """
    mains = {
        pid
        for one in attempts
        if (pid := one.pid) and _is_main(pid, one, is_watched=True)
    }
    found = find_marked(_marks(attempts, mains))
    return tuple(sorted(found)) if all(map(_is_immovable, found)) else ()


def is_told_of(attempt: LeftAttempt) -> bool:
    """Return whether its warden has written down how it ended, when all was gone.

    A task could write that itself, so a main process that is alive counts for more.
    """
    if not os.path.exists(attempt.end_record):
        return False
    pid = attempt.pid
    return pid is None or not _is_main(pid, attempt, is_watched=True)


def _marks(attempts: Sequence[LeftAttempt], mains: set[int]) -> Marks:
    tags = {tag_of(one.invocation.rand) for one in attempts}
    environment = {f"BISTRO_INVOCATION={one.invocation}".encode() for one in attempts}
    # A task may have started this very program; all that it starts carries that too.
    own = os.getpid()
    return Marks(
        frozenset(tags - {tag_at(own)}),
        frozenset(environment.difference(environment_of(own))),
        frozenset(mains - {os.getsid(0)}),
    )


def _hold(pid: int, attempt: LeftAttempt) -> bool:
    """Stop the main process; whether it is certainly still the one that was started.

    A stopped one keeps its number, and so its session cannot be anybody else's. One
    that we may not stop keeps it as long as it lives.
    """
    descriptor = -1
    try:
        # Refused by some containers.
        with contextlib.suppress(PermissionError, AttributeError):
            descriptor = os.pidfd_open(pid)
        if not _is_main(pid, attempt):
            return False
        with contextlib.suppress(PermissionError):
            if descriptor >= 0:
                signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
            else:
                os.kill(pid, signal.SIGSTOP)
    except OSError as error:
        if error.errno in NO_PROCESS:
            return False
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def _is_main(pid: int, attempt: LeftAttempt, *, is_watched: bool = False) -> bool:
    if attempt.boot_id != boot_id():
        return False
    found = look(pid, strictly=True)
    # A warden keeps the number of a dead one until it has ended all of the others.
    dead = "X" if is_watched else "ZX"
    if found is None or found.state in dead or found.session != pid:
        return False
    # Whole ticks, cut off; one more on either side costs no certainty.
    first, last = attempt.born_after_ns - _TICK_NS, attempt.born_before_ns + _TICK_NS
    return first <= found.started * _TICK_NS <= last


def _is_immovable(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/status", "rb") as file:
            pending = [
                int(line.split()[1], 16)
                for line in file
                if line.startswith((b"SigPnd:", b"ShdPnd:"))
            ]
    except PermissionError:
        return True
    except (FileNotFoundError, ProcessLookupError):
        # It has gone by itself.
        return True
    return any(mask & _SIGKILL_BIT for mask in pending)
