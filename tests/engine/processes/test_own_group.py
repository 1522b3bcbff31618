"""Our own control group, and controllers for the groups of tasks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.processes.own_group import hand_down_controllers, own_group
from tests.faults.needs import need

STEP = """
import os, sys
from pathlib import Path
from bistro_tui.engine.processes.own_group import hand_down_controllers
group = Path(sys.argv[1])
(group / "cgroup.procs").write_text(str(os.getpid()))
handed_down = hand_down_controllers(group, (sys.argv[2],))
print(handed_down, (group / "cgroup.subtree_control").read_text().split())
print(next(l for l in open("/proc/self/cgroup") if l.startswith("0::")).strip())
"""


def test_the_group_of_this_process_is_found() -> None:
    found = own_group()
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    if not any(line.startswith("0::") for line in lines):
        assert found is None
    elif found is not None:
        assert str(os.getpid()) in (found / "cgroup.procs").read_text().split()


def test_without_proc_there_is_none(tmp_path: Path) -> None:
    assert own_group(tmp_path) is None


def test_nothing_is_handed_down_that_was_not_offered(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    assert not hand_down_controllers(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == ""


def test_what_is_handed_down_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    assert hand_down_controllers(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "cpu memory\n"


@pytest.fixture
def offered() -> Iterator[tuple[Path, str]]:
    """Yield a group of the real kind, below ours, and a controller it is offered."""
    ours = own_group()
    is_there = ours is not None and os.access(ours, os.W_OK)
    need(is_there, "a control group (version 2) that we may write to")
    assert ours is not None
    controllers = (ours / "cgroup.controllers").read_text().split()
    need(bool(controllers), "a controller that is left for version 2")
    name = controllers[0]
    (ours / "cgroup.subtree_control").write_text(f"+{name}")
    group = ours / f"bistro-tui-test-{os.getpid()}"
    group.mkdir()
    yield group, name
    for below in group.glob("bistro-tui-*"):
        below.rmdir()
    group.rmdir()
    (ours / "cgroup.subtree_control").write_text(f"-{name}")


def test_a_scheduler_alone_in_its_group_steps_down_to_hand_controllers_on(
    offered: tuple[Path, str],
) -> None:
    group, name = offered
    run = subprocess.run(
        [sys.executable, "-c", STEP, str(group), name],
        capture_output=True,
        text=True,
        check=True,
    )
    handed_down, where = run.stdout.splitlines()
    assert handed_down == f"True ['{name}']"
    assert f"/{group.name}/bistro-tui-scheduler-" in where


def test_a_group_with_others_in_it_is_left_as_it_is(offered: tuple[Path, str]) -> None:
    group, name = offered
    with subprocess.Popen(["sleep", "60"]) as other:
        (group / "cgroup.procs").write_text(str(other.pid))
        run = subprocess.run(
            [sys.executable, "-c", STEP, str(group), name],
            capture_output=True,
            text=True,
            check=True,
        )
        other.kill()
    assert run.stdout.splitlines()[0] == "False []"
    assert run.stdout.splitlines()[1].endswith(group.name)


def test_the_groups_of_schedulers_that_are_gone_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    names = [f"bistro-tui-scheduler-{pid}" for pid in (gone.pid, os.getpid())]
    for name in (*names, "bistro-tui-scheduler-", "others"):
        (tmp_path / name).mkdir()
    (tmp_path / "cgroup.controllers").write_text("pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    hand_down_controllers(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert left == ["bistro-tui-scheduler-", names[1], "others"]
