"""What is ok, what is weak, what is bad, and what is said about it."""

from dataclasses import replace
from typing import Any

import pytest

from bistro_tui.engine.doctor import judging
from bistro_tui.engine.doctor.facts import (
    Cgroup,
    DatabaseFile,
    DataDirectory,
    Descent,
    Descriptors,
    Gpu,
    Processes,
    Space,
    Terminal,
)
from bistro_tui.engine.doctor.finding import Finding, State

DELEGATED = Cgroup(directory="/sys/fs/cgroup/x", controllers=("cpu", "memory", "pids"))
REFUSED = Cgroup(directory="/sys/fs/cgroup/x", problem="no cgroup may be made in x")
NONE = Cgroup(directory="")
ALL = Descent(subreaper=True, tag=True, pidfd=True)
TERMINAL = Terminal(
    missing=(),
    term="xterm-256color",
    colours="256",
    is_utf8=True,
    locale="de_DE.UTF-8",
    columns=80,
    rows=24,
)
DATA = DataDirectory(
    space=Space(path="/d", free=2 << 30, filesystem="ext4"),
    exists=True,
    owner=1000,
    user=1000,
    mode=0o700,
)


def contained(cgroup: Cgroup, descent: Descent, *, is_linux: bool = True) -> Finding:
    return judging.containment(cgroup, descent, is_linux=is_linux)


@pytest.mark.parametrize(
    ("cgroup", "descent", "state", "text"),
    [
        (DELEGATED, ALL, State.OK, "cgroup:"),
        (REFUSED, ALL, State.WEAK, "subreaper, session and tag (no cgroup may"),
        (NONE, ALL, State.WEAK, "subreaper, session and tag (no cgroup v2 here)"),
        (NONE, replace(ALL, tag=False), State.WEAK, "subreaper and session, no tag"),
        (NONE, Descent(), State.WEAK, "session only:"),
        (NONE, Descent(tag=True), State.WEAK, "session only:"),
        (DELEGATED, Descent(problem="no"), State.BAD, "Python cannot run itself"),
    ],
)
def test_containment_is_named_by_the_best_there_is(
    cgroup: Cgroup, descent: Descent, state: State, text: str
) -> None:
    found = contained(cgroup, descent)
    assert found.state is state
    assert found.text.startswith(text)
    assert bool(found.remedy) is (state is not State.OK)


def test_another_kernel_is_told_to_be_what_it_lacks() -> None:
    found = contained(NONE, Descent(), is_linux=False)
    assert found.remedy == "run it on Linux"
    assert judging.pidfd(Descent(), is_linux=False).remedy == "run it on Linux"
    assert judging.pidfd(ALL, is_linux=True).state is State.OK


def test_limits_of_tasks_need_both_controllers() -> None:
    assert judging.task_limits(DELEGATED).state is State.OK
    some = judging.task_limits(replace(DELEGATED, controllers=("cpu",)))
    assert (some.state, "(no controller memory)" in some.text) == (State.WEAK, True)
    assert judging.task_limits(REFUSED).state is State.WEAK
    assert judging.task_limits(NONE).state is State.WEAK


@pytest.mark.parametrize(
    ("hard", "state", "tasks"),
    [
        (None, State.OK, "unlimited"),
        (1024, State.OK, " 337 tasks"),
        (204, State.OK, " 64 tasks"),
        (203, State.WEAK, " 63 tasks"),
        (64, State.WEAK, " 17 tasks"),
        (14, State.BAD, " 0 tasks"),
        (3, State.BAD, " 0 tasks"),
    ],
)
def test_descriptors_are_counted_in_tasks(
    hard: int | None, state: State, tasks: str
) -> None:
    limits = Descriptors(soft=hard, hard=hard)
    found = judging.descriptors(limits, reserved=12, per_task=3)
    assert found.state is state
    assert tasks in found.text


@pytest.mark.parametrize(
    ("user_limit", "left", "state"),
    [
        (None, None, State.OK),
        (4096, None, State.OK),
        (None, 64, State.OK),
        (4096, 63, State.WEAK),
        (30, 1000, State.WEAK),
        (None, 3, State.BAD),
    ],
)
def test_the_lowest_limit_of_processes_counts(
    user_limit: int | None, left: int | None, state: State
) -> None:
    found = Processes(user_limit=user_limit, left_in_cgroup=left)
    assert judging.processes(found).state is state


def test_status_files_want_memory_with_room() -> None:
    space = Space(path="/dev/shm", free=64 << 20, filesystem="tmpfs")
    assert judging.status_files(space).state is State.OK
    for worse in (replace(space, problem="no"), replace(space, free=4000)):
        assert judging.status_files(worse).state is State.WEAK


def test_an_sqlite_with_the_wal_reset_bug_is_weak() -> None:
    assert judging.sqlite((3, 51, 3)).state is State.OK
    assert judging.sqlite((3, 52, 0)).state is State.OK
    old = judging.sqlite((3, 51, 2))
    assert (old.state, old.text[:6]) == (State.WEAK, "3.51.2")


def test_a_gpu_that_nobody_can_ask_is_weak() -> None:
    assert judging.gpu(Gpu(program="", has_device=False)).state is State.OK
    assert judging.gpu(Gpu(program="", has_device=True)).state is State.WEAK
    smi = judging.gpu(Gpu(program="/usr/bin/nvidia-smi", has_device=True))
    assert (smi.state, "/usr/bin/nvidia-smi" in smi.text) == (State.OK, True)


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({}, State.OK, "xterm-256color, 80×24, 256 colours, UTF-8"),
        ({"colours": ""}, State.OK, "no colours"),
        ({"missing": ("stdin",)}, State.WEAK, "stdin is no terminal"),
        ({"missing": ("stdin", "stderr")}, State.WEAK, "stdin and stderr are no"),
        ({"term": "dumb"}, State.WEAK, "TERM is dumb"),
        ({"term": ""}, State.WEAK, "TERM is not set"),
        ({"columns": 39}, State.WEAK, "too small"),
        ({"rows": 9}, State.WEAK, "too small"),
        ({"columns": 0, "rows": 0}, State.OK, "0×0"),
        ({"is_utf8": False, "locale": "C"}, State.WEAK, "locale C"),
    ],
)
def test_a_terminal_is_judged_by_what_the_screen_needs(
    changes: dict[str, Any], state: State, said: str
) -> None:
    found = judging.terminal(replace(TERMINAL, **changes))
    assert found.state is state
    assert said in found.text


def test_root_is_weak() -> None:
    assert judging.user(0).state is State.WEAK
    assert judging.user(1000).state is State.OK


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({}, State.OK, "/d: yours, mode 0700, 2,048 MB free"),
        ({"exists": False}, State.OK, "will be made"),
        ({"holder": "pid 7 on h"}, State.OK, "served by pid 7 on h"),
        ({"is_directory": False}, State.BAD, "is not a directory"),
        ({"owner": 0}, State.BAD, "belongs to uid 0, you are 1000"),
        ({"owner": 0, "exists": False}, State.OK, "will be made"),
        ({"mode": 0o770}, State.WEAK, "other users may write"),
        ({"mode": 0o705}, State.OK, "mode 0705"),
        ({"space": replace(DATA.space, problem="no")}, State.BAD, "/d: no"),
        ({"space": replace(DATA.space, filesystem="nfs4")}, State.WEAK, "nfs4"),
        ({"space": replace(DATA.space, free=1 << 20)}, State.WEAK, "only 1 MB"),
    ],
)
def test_a_data_directory_must_be_ours_writable_and_local(
    changes: dict[str, Any], state: State, said: str
) -> None:
    found = judging.data_directory(replace(DATA, **changes))
    assert found.state is state
    assert said in found.text
    assert bool(found.remedy) is (state is not State.OK)


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({}, State.OK, "5 rows, version 2, 8 KB, whole; a power cut takes nothing"),
        ({"version": 0}, State.OK, "5 rows, of Bistro"),
        ({"rows": None}, State.OK, "very many rows"),
        ({"is_checked": False}, State.OK, "too large to look at all of it"),
        ({"is_synced": False}, State.OK, "a power cut may take the last lines"),
        ({"problem": "is torn"}, State.BAD, "/a d/statuses.sql3: is torn"),
    ],
)
def test_a_database_must_be_whole(
    changes: dict[str, Any], state: State, said: str
) -> None:
    sound = DatabaseFile(path="/a d/statuses.sql3", version=2, rows=5, size=8192)
    found = judging.database(replace(sound, **changes))
    assert (found.what, found.state) == ("statuses.sql3", state)
    assert said in found.text
    assert found.remedy in ("", "bistro-tui doctor --salvage --data-dir '/a d'")
    assert bool(found.remedy) is (state is not State.OK)
