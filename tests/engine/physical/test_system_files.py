"""CPU and memory from trees like /proc and /sys, and from the real ones."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.physical.own_cgroups import own_cgroups
from bistro_tui.engine.physical.system_files import SystemFiles
from bistro_tui.engine.physical.texts import Unreadable

MEMINFO = {"proc/meminfo": "MemTotal: 8388608 kB\n"}
V2_MOUNT = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1_MOUNTS = (
    "33 32 0:30 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 32 0:32 {root} /sys/fs/cgroup/mem\\040ory rw shared:9 - cgroup cgroup rw,memory"
)


def v2(path: str, root: str = "/") -> dict[str, str]:
    return {
        "proc/self/cgroup": f"0::{path}\n",
        "proc/self/mountinfo": V2_MOUNT.format(root=root),
    }


def v1(path: str, root: str = "/") -> dict[str, str]:
    return {
        "proc/self/cgroup": f"5:memory:{path}\n2:cpu,cpuacct:{path}\n0::/\n",
        "proc/self/mountinfo": V1_MOUNTS.format(root=root),
    }


def files(root: Path, *texts: Mapping[str, str], cpus: int = 8) -> SystemFiles:
    for path, text in {k: v for one in texts for k, v in one.items()}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return SystemFiles(root, count_cpus=lambda: cpus)


def test_without_cgroups_it_is_all_that_the_machine_has(tmp_path: Path) -> None:
    found = files(tmp_path, MEMINFO)
    assert (found.cpu_cores(), found.ram_mb()) == (8.0, 8192.0)


def test_the_lowest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    found = files(
        tmp_path,
        MEMINFO,
        v2("/user/ann/job"),
        {
            "sys/fs/cgroup/user/ann/job/memory.max": "max\n",
            "sys/fs/cgroup/user/ann/job/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/user/ann/memory.max": str(2**30),
            "sys/fs/cgroup/user/memory.max": str(2**31),
            "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
        },
    )
    assert (found.cpu_cores(), found.ram_mb()) == (1.5, 1024.0)


def test_a_limit_above_what_there_is_adds_nothing(tmp_path: Path) -> None:
    limits = {
        "sys/fs/cgroup/a/memory.max": str(2**50),
        "sys/fs/cgroup/a/cpu.max": "6400000 100000",
    }
    found = files(tmp_path, MEMINFO, v2("/a"), limits)
    assert (found.cpu_cores(), found.ram_mb()) == (8.0, 8192.0)


def test_cgroups_of_the_first_version_have_a_tree_for_each_controller(
    tmp_path: Path,
) -> None:
    cpu, memory = "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/mem ory"
    found = files(
        tmp_path,
        MEMINFO,
        v1("/a/b"),
        {
            f"{cpu}/a/b/cpu.cfs_quota_us": "-1\n",
            f"{cpu}/a/b/cpu.cfs_period_us": "100000\n",
            f"{cpu}/a/cpu.cfs_quota_us": "250000\n",
            f"{cpu}/a/cpu.cfs_period_us": "100000\n",
            f"{memory}/a/b/memory.limit_in_bytes": f"{2**29}\n",
            f"{memory}/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert (found.cpu_cores(), found.ram_mb()) == (2.5, 512.0)


@pytest.mark.parametrize(
    ("path", "root"),
    [("/docker/abc", "/docker/abc"), ("/docker/abc", "/kubepods/x"), ("/../abc", "/")],
)
def test_in_a_container_the_mount_is_the_group_itself(
    tmp_path: Path, path: str, root: str
) -> None:
    limits = {"sys/fs/cgroup/memory.max": str(2**30)}
    assert files(tmp_path, MEMINFO, v2(path, root), limits).ram_mb() == 1024.0


def test_memory_of_nodes_that_the_process_may_not_use_does_not_count(
    tmp_path: Path,
) -> None:
    nodes = "sys/devices/system/node"
    numa = {
        f"{nodes}/online": "0-2\n",
        f"{nodes}/node0/meminfo": "Node 0 MemTotal: 1048576 kB\n",
        f"{nodes}/node2/meminfo": "Node 2 MemTotal: 2097152 kB\n",
    }
    some = {"proc/self/status": "Mems_allowed_list:\t0,2-7\n"}
    assert files(tmp_path, MEMINFO, numa, some).ram_mb() == 3072.0
    every = {"proc/self/status": "Mems_allowed_list:\t0-7\n"}
    assert files(tmp_path, every).ram_mb() == 8192.0


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"proc/meminfo": "x"}, "/proc/meminfo: no line MemTotal"),
        (
            {**v2("/a"), "sys/fs/cgroup/a/memory.max": "lots\n"},
            '/sys/fs/cgroup/a/memory.max: "lots" is no memory limit',
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_file(
    tmp_path: Path, texts: dict[str, str], told: str
) -> None:
    with pytest.raises(Unreadable, match=told):
        files(tmp_path, MEMINFO, texts).ram_mb()


def test_no_file_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="/proc/meminfo: No such file"):
        files(tmp_path).ram_mb()


def test_this_machine_can_be_read() -> None:
    found = SystemFiles()
    assert 0 < found.cpu_cores() <= len(os.sched_getaffinity(0))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert 0 < found.ram_mb() <= pages * 1.01


PATHS = (":", "/", "//", "a", "..", "\\040", "é", "\x00", "0::", "4:memory:")
FIELDS = (" ", "\n", " - ", "30 23 0:26 ", "cgroup", "cgroup2", "rw,memory")
parts = st.sampled_from((*PATHS, *FIELDS))


@given(st.lists(parts).map("".join), st.lists(parts).map("".join))
def test_any_text_leads_to_directories_or_none(cgroup: str, mountinfo: str) -> None:
    mounted = mountinfo + V2_MOUNT.format(root="/") + V1_MOUNTS.format(root="/a")
    for group in own_cgroups(cgroup, mounted, "memory"):
        assert group.directory.is_absolute()
        assert group.is_v2 or "memory" in cgroup
