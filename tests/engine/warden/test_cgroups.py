"""Control groups, the real ones of this machine where it lets us make any."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.processes.own_group import own_group
from bistro_tui.engine.warden.cgroups import Cgroup, Cgroups
from bistro_tui.engine.warden.journal import read_journal
from bistro_tui.engine.warden.wire import KILL, Exited, Kill, Started, Trouble
from tests.engine.warden.driver import Driven, driven, is_alive, pid_in
from tests.faults.needs import need

NAME = f"bistro-tui-test-{os.getpid()}"


def test_limits_are_written_as_the_kernel_takes_them(tmp_path: Path) -> None:
    for name in ("memory.max", "memory.swap.max", "cpu.weight"):
        (tmp_path / name).write_text("")
    Cgroup(os.fsencode(tmp_path)).limit(3 * 2**20, 50)
    assert (tmp_path / "memory.max").read_text() == "3145728"
    assert (tmp_path / "memory.swap.max").read_text() == "0"
    assert (tmp_path / "cpu.weight").read_text() == "50"


def test_a_kill_for_want_of_memory_is_seen(tmp_path: Path) -> None:
    group = Cgroup(os.fsencode(tmp_path))
    assert not group.ran_out_of_memory()
    (tmp_path / "memory.events").write_text("oom 1\noom_kill 1\n")
    assert group.ran_out_of_memory()


def test_a_place_where_we_may_not_make_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no cgroup\.kill"):
        Cgroups(os.fsencode(tmp_path / "group"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def place() -> Path:
    found = own_group()
    is_there = found is not None and os.access(found, os.W_OK)
    need(is_there, "a control group (version 2) that we may write to")
    assert found is not None
    return found


@pytest.fixture
def warden(tmp_path: Path, place: Path) -> Iterator[Driven]:
    yield from driven(tmp_path, cgroup=os.fsencode(place / NAME))


def _group_of(pid: int) -> str:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next(line[3:] for line in lines if line.startswith("0::"))


def test_a_task_that_lasts_gets_a_group_with_all_its_processes(warden: Driven) -> None:
    assert warden.ready.containment == "cgroup"
    start = warden.shell("(setsid sleep 60 & echo $! > daemon); sleep 60")
    daemon = pid_in(warden.directory / "job" / "daemon")
    main = warden.wait_for(Started).pid
    name = f"/{NAME}/{start.number}"
    while not (_group_of(main).endswith(name) and _group_of(daemon).endswith(name)):
        assert warden.listen(0.05)
    warden.send(Kill(start.number, KILL, 0))
    warden.end_of(start)
    assert not is_alive(daemon)


def test_groups_are_removed(warden: Driven, place: Path) -> None:
    ours = place / NAME
    assert read_journal(warden.journal).cgroup == os.fsencode(ours)
    start = warden.shell("sleep 0.4; sleep 60 & exit 0")
    warden.wait_for(Exited)
    warden.send(Kill(start.number, KILL, 0))
    warden.end_of(start)
    assert warden.vanish() == 0
    assert not ours.exists()


def test_a_group_that_someone_removed_is_made_again(
    warden: Driven, place: Path
) -> None:
    (place / NAME).rmdir()
    start = warden.start("echo", "runs", memory_max=1 << 30)
    assert warden.written_by(start) == b"runs\n"
    assert (place / NAME).exists()


def test_a_group_that_cannot_be_made_is_told_of_and_the_task_runs(
    warden: Driven, place: Path
) -> None:
    taken = place / NAME / "1"
    taken.mkdir()
    try:
        start = warden.start("sh", "-c", "echo runs; sleep 0.8", memory_max=1 << 30)
        assert "cannot be enforced" in warden.wait_for(Trouble).text
        assert warden.written_by(start) == b"runs\n"
    finally:
        taken.rmdir()


def test_a_limit_that_does_not_hold_is_told_of(tmp_path: Path, place: Path) -> None:
    refuse = (
        "from bistro_tui.engine.warden.cgroups import Cgroup\n"
        "def take(*_): raise PermissionError(1, 'may not be moved')\n"
        "Cgroup.take = take"
    )
    group = os.fsencode(place / NAME)
    for warden in driven(tmp_path, cgroup=group, before=refuse):
        start = warden.start("sleep", "69", memory_max=1 << 30)
        trouble = warden.wait_for(Trouble, lambda one: "moved" in one.text)
        assert "limits of tasks cannot be enforced: may not be moved" in trouble.text
        warden.send(Kill(start.number, KILL, 0))
        warden.end_of(start)


def test_limits_that_cannot_be_enforced_do_not_keep_a_task_from_running(
    warden: Driven,
) -> None:
    start = warden.start("echo", "runs", memory_max=1 << 30)
    assert warden.written_by(start) == b"runs\n"
