"""What is found of the machine that the tests run on, and of made-up ones."""

import fcntl
import os
import resource
import socket
import sys
from pathlib import Path

import pytest

from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.doctor.cgroups import left_for_processes, look_at_cgroup
from bistro_tui.engine.doctor.data_directory import look_at_data_directory
from bistro_tui.engine.doctor.descent import look_at_descent
from bistro_tui.engine.doctor.host import (
    look_at_descriptors,
    look_at_gpu,
    look_at_space,
    look_at_terminal,
)

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")


def a_root(path: Path, cgroup: str, *mounts: str) -> Path:
    """Make a root with this process's cgroups and where they are mounted."""
    (path / "proc/self").mkdir(parents=True)
    (path / "proc/self/cgroup").write_text(cgroup)
    (path / "proc/self/mountinfo").write_text("\n".join(mounts))
    return path


V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"


@LINUX
def test_an_orphan_is_inherited_tagged_and_signalled_through_a_descriptor() -> None:
    found = look_at_descent()
    assert (found.subreaper, found.tag, found.pidfd) == (True, True, True)


def test_a_python_that_cannot_run_itself_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    found = look_at_descent()
    assert found.problem.startswith("/nowhere/python: ")
    assert (found.subreaper, found.tag, found.pidfd) == (False, False, False)


@LINUX
def test_trying_a_cgroup_leaves_none_behind() -> None:
    found = look_at_cgroup()
    if found.directory:
        below = [entry.name for entry in Path(found.directory).iterdir()]
        assert f"bistro-tui-doctor.{os.getpid()}" not in below


def test_without_cgroup_v2_there_is_no_directory(tmp_path: Path) -> None:
    v1 = "36 31 0:35 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids"
    root = a_root(tmp_path, "8:pids:/\n", v1)
    assert look_at_cgroup(root).directory == ""
    assert look_at_cgroup(tmp_path / "nowhere").directory == ""


def test_a_cgroup_that_cannot_be_made_is_a_problem_with_its_place(
    tmp_path: Path,
) -> None:
    found = look_at_cgroup(a_root(tmp_path, "0::/user/app\n", V2))
    assert found.directory == str(tmp_path / "sys/fs/cgroup/user/app")
    assert found.problem.startswith("no cgroup may be made in")
    assert "No such file" in found.problem


def test_a_cgroup_without_kill_is_removed_and_named(tmp_path: Path) -> None:
    root = a_root(tmp_path, "0::/app\n", V2)
    group = root / "sys/fs/cgroup/app"
    group.mkdir(parents=True)
    (group / "cgroup.procs").touch()
    (group / "cgroup.controllers").write_text("cpu memory pids\n")

    found = look_at_cgroup(root)

    assert "cannot be killed as a whole" in found.problem
    assert found.controllers == ("cpu", "memory", "pids")
    assert sorted(path.name for path in group.iterdir()) == [
        "cgroup.controllers",
        "cgroup.procs",
    ]


def test_the_cgroup_with_the_fewest_processes_left_counts(tmp_path: Path) -> None:
    root = a_root(tmp_path, "0::/a/b\n", V2)
    below = root / "sys/fs/cgroup/a/b"
    below.mkdir(parents=True)
    assert left_for_processes(root) is None
    for directory, most, now in ((below, "max", 5), (below.parent, "100", 40)):
        (directory / "pids.max").write_text(f"{most}\n")
        (directory / "pids.current").write_text(f"{now}\n")
    assert left_for_processes(root) == 60
    (below / "pids.max").write_text("3\n")
    assert left_for_processes(root) == 0


def test_descriptors_are_those_of_this_process() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = look_at_descriptors()
    assert (found.soft, found.hard) == (soft, hard)


def test_a_space_that_is_missing_or_a_file_is_a_problem(tmp_path: Path) -> None:
    assert look_at_space(tmp_path).problem == ""
    assert look_at_space(tmp_path).free > 0
    assert "No such file" in look_at_space(tmp_path / "x").problem
    (tmp_path / "file").touch()
    assert look_at_space(tmp_path / "file").problem == "is not a directory"


def test_nvidia_smi_is_looked_for_on_the_path_and_not_run(tmp_path: Path) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    smi.chmod(0o755)
    assert look_at_gpu({"PATH": str(tmp_path)}).program == str(smi)
    assert look_at_gpu({"PATH": str(tmp_path / "empty")}).program == ""
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("environment", "colours", "is_utf8"),
    [
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, "16", True),
        ({"TERM": "xterm-256color", "LANG": "de_DE.utf8"}, "256", True),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "LANG": "C"}, "24-bit", False),
        ({"TERM": "xterm-direct", "LC_ALL": "C", "LANG": "C.UTF-8"}, "24-bit", False),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "", False),
    ],
)
def test_colours_and_encoding_are_what_the_environment_says(
    environment: dict[str, str], colours: str, is_utf8: bool
) -> None:
    found = look_at_terminal(environment)
    assert (found.colours, found.is_utf8) == (colours, is_utf8)


def test_a_data_directory_that_is_not_there_stays_so(tmp_path: Path) -> None:
    found = look_at_data_directory(tmp_path / "a/b")
    assert (found.exists, found.space.path) == (False, str(tmp_path / "a/b"))
    assert found.space.problem == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_a_data_directory_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not look_at_data_directory(tmp_path / "file").is_directory
    below = look_at_data_directory(tmp_path / "file" / "below")
    assert below.space.problem == "is not a directory"


def test_a_link_that_leads_nowhere_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    assert "No such file" in look_at_data_directory(tmp_path / "link").space.problem


@LINUX
def test_who_serves_in_a_data_directory_is_told_while_it_does(tmp_path: Path) -> None:
    path = tmp_path / "data"
    held = DataDir(path, host="here", now=0.0)
    try:
        holder = look_at_data_directory(path).holder
        assert holder.startswith(f"pid {os.getpid()} on here, started ")
        # Looking does not let go of the lock, and takes none.
        with open(path / "run/lock") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (path / "run/lock").write_text("no JSON")
        assert "no note" in look_at_data_directory(path).holder
    finally:
        held.close()
    assert look_at_data_directory(path).holder == ""


def test_a_fifo_in_place_of_the_lock_keeps_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "lock")
    assert look_at_data_directory(tmp_path).holder == ""


def test_the_doctor_changes_nothing_in_a_data_directory(tmp_path: Path) -> None:
    path = tmp_path / "data"
    DataDir(path, host=socket.gethostname(), now=0.0).close()

    def listing() -> list[tuple[str, int]]:
        return sorted((str(p), p.stat().st_mtime_ns) for p in path.rglob("*"))

    before = listing()
    look_at_data_directory(path)
    assert listing() == before
