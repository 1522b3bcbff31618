"""Control groups of the run before, with strangers and with ourselves in them."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.processes.own_group import own_group
from bistro_tui.engine.recovery.groups import end_groups, remove_groups
from tests.engine.recovery.processes import Household, is_alive, until
from tests.faults.needs import need

WITHIN = """
import os, subprocess, sys, time
sys.path.append(sys.argv[1])
from bistro_tui.engine.recovery.groups import end_groups, remove_groups
group, others = sys.argv[2], int(sys.argv[3])
open(group + "/7/cgroup.procs", "w").write(str(os.getpid()))
child = subprocess.Popen(["sleep", "60"])
deadline = time.monotonic() + 10
first = end_groups([os.fsencode(group)])[0].alive
while not end_groups([os.fsencode(group)])[0].is_clean:
    assert time.monotonic() < deadline
    time.sleep(0.01)
remove_groups([os.fsencode(group)])
print(first == (others,), child.poll(), os.path.isdir(group + "/7"))
child.kill()
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """Yield a group of the real kind, with the groups of two attempts."""
    ours = own_group()
    is_there = ours is not None and os.access(ours, os.W_OK)
    need(is_there, "a control group (version 2) that we may write to")
    assert ours is not None
    made = ours / f"bistro-tui-test-recovery-{os.getpid()}"
    made.mkdir()
    below = [made / name for name in ("7", "8")]
    for one in below:
        one.mkdir()
    yield made
    for one in (*below, made):
        if one.exists():
            one.rmdir()


def take(group: Path, pid: int) -> None:
    (group / "cgroup.procs").write_text(str(pid))


def test_everything_in_a_group_is_ended_and_the_group_removed(
    group: Path, home: Household
) -> None:
    pids = [home.start("sleep", "60") for _ in range(2)]
    for pid, name in zip(pids, ("7", "8"), strict=True):
        take(group / name, pid)
    path = os.fsencode(group)

    assert set(end_groups([path])[0].alive) == set(pids)
    while not end_groups([path])[0].is_clean:
        home.reap()
    remove_groups([path])

    assert not any(map(is_alive, pids))
    assert not group.exists()


def test_a_scheduler_in_a_task_s_group_ends_the_others_and_not_itself(
    group: Path, home: Household
) -> None:
    pid = home.start("sleep", "60")
    take(group / "8", pid)
    root = str(Path(__file__).parents[3])

    found = subprocess.run(
        [sys.executable, "-c", WITHIN, root, str(group), str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stdout == "True None True\n", found.stderr
    assert not is_alive(pid)


def test_a_group_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "gone")
    assert end_groups([path])[0].is_clean
    remove_groups([path])


@contextmanager
def few_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_descriptors_a_group_is_not_taken_for_empty(
    group: Path, home: Household
) -> None:
    pid = home.start("sleep", "60")
    take(group / "8", pid)
    path = os.fsencode(group)
    with few_descriptors(), pytest.raises(OSError, match="Too many open files"):
        end_groups([path])
    assert is_alive(pid)
    assert end_groups([path])[0].alive == (pid,)
    until(lambda: end_groups([path])[0].is_clean)
