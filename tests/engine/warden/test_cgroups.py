"""Control groups, the real ones of this machine where it lets us make any."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.warden.cgroups import Cgroup, Cgroups
from bistro_tui.engine.warden.own_cgroup import own_cgroup
from bistro_tui.engine.warden.wire import KILL, Exited, Kill, Started
from tests.engine.warden.driver import Driven, driven, is_alive, pid_in

MOUNTS = """\
24 18 0:22 / /proc rw - proc proc rw
35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
36 24 0:31 /ours /mnt/my\\040groups rw - cgroup2 cgroup2 rw
"""


def test_ones_own_group_is_found_below_the_mount() -> None:
    found = own_cgroup(mounts=MOUNTS, membership="1:name=x:/a\n0::/user.slice/me\n")
    assert found == Path("/sys/fs/cgroup/user.slice/me")


def test_a_mount_of_a_part_of_the_tree_is_understood() -> None:
    mounts = MOUNTS.splitlines()[2]
    found = own_cgroup(mounts=mounts, membership="0::/ours/below\n")
    assert found == Path("/mnt/my groups/below")
    assert own_cgroup(mounts=mounts, membership="0::/theirs\n") is None


def test_without_version_2_there_is_none() -> None:
    assert own_cgroup(mounts=MOUNTS, membership="4:memory:/x\n") is None
    assert own_cgroup(mounts="", membership="0::/\n") is None


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
        Cgroups(os.fsencode(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def place() -> Path:
    found = own_cgroup()
    if found is None or not os.access(found, os.W_OK):
        pytest.skip("no control group that we may write to")
    return found


@pytest.fixture
def warden(tmp_path: Path, place: Path) -> Iterator[Driven]:
    yield from driven(tmp_path, cgroup=os.fsencode(place))


def _group_of(pid: int) -> str:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next(line[3:] for line in lines if line.startswith("0::"))


def test_a_task_that_lasts_gets_a_group_with_all_its_processes(warden: Driven) -> None:
    assert warden.ready.containment == "cgroup"
    start = warden.shell("(setsid sleep 60 & echo $! > daemon); sleep 60")
    daemon = pid_in(warden.directory / "job" / "daemon")
    main = warden.wait_for(Started).pid
    name = f"/bistro-tui-{warden.process.pid}/{start.number}"
    while not (_group_of(main).endswith(name) and _group_of(daemon).endswith(name)):
        assert warden.listen(0.05)
    warden.send(Kill(start.number, KILL, 0))
    assert warden.end_of(start).survivors >= 1
    assert not is_alive(daemon)


def test_groups_are_removed(warden: Driven, place: Path) -> None:
    ours = place / f"bistro-tui-{warden.process.pid}"
    start = warden.shell("sleep 0.4; sleep 60 & exit 0")
    warden.wait_for(Exited)
    warden.send(Kill(start.number, KILL, 0))
    warden.end_of(start)
    assert warden.vanish() == 0
    assert not ours.exists()


def test_limits_that_cannot_be_enforced_do_not_keep_a_task_from_running(
    warden: Driven,
) -> None:
    start = warden.start("echo", "runs", memory_max=1 << 30)
    assert warden.written_by(start) == b"runs\n"
