"""Whose the children are that a warden inherits, and whether they are all."""

import os
import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from bistro_tui.engine.warden import orphans
from bistro_tui.engine.warden.attempt import Attempt
from bistro_tui.engine.warden.orphans import Orphans


@pytest.fixture
def forked() -> Iterator[Callable[[], int]]:
    """Make a child that waits for a signal."""
    made: list[int] = []

    def fork() -> int:
        pid = os.fork()
        if pid == 0:
            signal.pause()
            os._exit(0)
        made.append(pid)
        return pid

    yield fork
    for pid in made:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


class Listed:
    """Lists of children, one after the other; those to come die once they are read."""

    def __init__(self, *lists: list[int], dying: Callable[[], int] | None = None):
        self._lists = list(lists)
        self._dying = dying

    def pids(self) -> list[int]:
        if self._lists:
            return [_dead(pid) for pid in self._lists.pop(0)]
        return [_dead(self._dying())] if self._dying is not None else []


class Alive(int):
    """A child that lives on."""


def _dead(pid: int) -> int:
    if not isinstance(pid, Alive):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def orphans_of(children: Listed) -> Orphans:
    told: list[str] = []
    made = Orphans({}, told.append)
    made._children = children  # type: ignore[assignment]  # a list in its place
    return made


def test_the_child_of_one_that_died_after_the_look_is_met(
    forked: Callable[[], int],
) -> None:
    dead, left = forked(), Alive(forked())
    ours = orphans_of(Listed([dead], [left], [left]))
    assert ours.alive() == [left]


def test_while_children_die_all_the_time_nobody_says_that_none_is_left(
    forked: Callable[[], int],
) -> None:
    ours = orphans_of(Listed(dying=forked))
    attempt = SimpleNamespace(
        number=1, pid=1, start=SimpleNamespace(tag=7, environment=())
    )
    assert ours.end_survivors(cast("Attempt", attempt))
    assert ours.end_all()

    quiet = orphans_of(Listed([forked() for _ in range(orphans._MOST_PASSES)]))
    assert not quiet.end_survivors(cast("Attempt", attempt))
    assert not quiet.end_all()
