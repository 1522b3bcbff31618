"""Ending a program with everything that it started."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import NamedTuple

_ROUNDS = 20
"""A program that forks all the time needs several; one cannot win the race."""


class _Process(NamedTuple):
    pid: int
    state: str
    parent: int
    session: int


def kill_session(leader: int) -> None:
    """Kill a session leader that is not yet waited for, and all that it started.

    That is its session and its descendants. A process that left both, as a daemon
    does, stays. Where there is no /proc, only the leader's process group is killed.
    """
    # All are stopped before one is killed: the children of a killed process belong to
    # nobody, and those with a session of their own would not be found any more.
    stopped: set[int] = set()
    for _ in range(_ROUNDS):
        found = _alive_below(leader) - stopped
        if not found:
            break
        _signal_all(found, signal.SIGSTOP)
        stopped |= found
    _signal_all(stopped, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _signal_all(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _alive_below(leader: int) -> set[int]:
    processes = list(_processes())
    children: dict[int, list[_Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found = {each.pid for each in processes if each.session == leader} | {leader}
    todo = list(found)
    while todo:
        for child in children.get(todo.pop(), ()):
            if child.pid not in found:
                found.add(child.pid)
                todo.append(child.pid)
    return {each.pid for each in processes if each.pid in found and each.state != "Z"}


def _processes() -> Iterator[_Process]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The program's name, in brackets, may hold anything.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it is gone already
            continue
        if len(fields) > 3:
            state = fields[0].decode()
            yield _Process(int(name), state, int(fields[1]), int(fields[3]))
