"""Ending what is in the control groups that a warden of the run before made."""

import contextlib
import errno
import os
import signal
from collections.abc import Iterable

from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.tree import NO_PROCESS, Swept, all_pids, look


def end_groups(paths: Iterable[bytes]) -> list[Swept]:
    """Send SIGKILL to all that is in these groups and below; return whom, for each.

    A task may have started this very program: then it, those who started it and those
    whom it started are spared.
    """
    return [_end_others(path) if _holds_us(path) else _end_all(path) for path in paths]


def remove_groups(paths: Iterable[bytes]) -> None:
    """Remove those that are empty; OSError where descriptors are wanting."""
    for path in paths:
        if not _holds_us(path):
            Cgroup(path).remove()


def _holds_us(path: bytes) -> bool:
    return os.getpid() in _members(path)


def _end_all(path: bytes) -> Swept:
    pids = _members(path)
    number = Cgroup(path).kill()
    if not number and not pids:
        return Swept(0, ())
    hindrance = "" if pids else f"{os.fsdecode(path)} does not tell its processes"
    return Swept(number, tuple(pids), hindrance)


def _end_others(path: bytes) -> Swept:
    others = _members(path) - _family()
    signalled = sum(_kill(pid, path) for pid in others)
    return Swept(signalled, tuple(others))


def _members(path: bytes) -> set[int]:
    found: set[int] = set()
    for directory, _, _ in os.walk(path, onerror=_raise_if_lack):
        try:
            with open(directory + b"/cgroup.procs", "rb") as file:
                found.update(map(int, file.read().split()))
        except OSError as error:
            # It may be gone, or hold threads only.
            _raise_if_lack(error)
    # 0 stands for what is in a namespace that we do not see.
    return found - {0}


def _family() -> set[int]:
    """Return this process, its ancestors and its descendants."""
    parents = {
        pid: found.parent
        for pid in all_pids(strictly=True)
        if (found := look(pid, strictly=True))
    }
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    family, pid = set[int](), os.getpid()
    heads = [pid]
    while heads:
        family.add(head := heads.pop())
        heads += children.get(head, ())
    while (pid := parents.get(pid, 0)) and pid not in family:
        family.add(pid)
    return family


def _kill(pid: int, path: bytes) -> bool:
    descriptor = -1
    try:
        # Refused by some containers.
        with contextlib.suppress(PermissionError, AttributeError):
            descriptor = os.pidfd_open(pid)
        # The number may have gone to another process before it was opened.
        if pid not in _members(path):
            return False
        if descriptor >= 0:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except PermissionError:
        return False
    except OSError as error:
        if error.errno in NO_PROCESS:
            return False
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def _raise_if_lack(error: OSError) -> None:
    """Raise what says nothing about a group, but keeps us from seeing it."""
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise error
