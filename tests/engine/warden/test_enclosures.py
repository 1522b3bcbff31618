"""What is said when limits of attempts cannot be enforced."""

import os
from pathlib import Path

import pytest

from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.enclosures import Enclosures
from bistro_tui.engine.warden.wire import KILL, Start


class Folders:
    """Control groups without any controller but these."""

    controllers: tuple[str, ...] = ()

    def __init__(self, path: bytes) -> None:
        self.path = Path(os.fsdecode(path))

    def make(self, number: int) -> Cgroup:
        path = self.path / str(number)
        path.mkdir(parents=True)
        for name in self.controllers:
            (path / name).write_text("")
        return Cgroup(os.fsencode(path))


@pytest.fixture
def enclosures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Enclosures:
    monkeypatch.setattr("bistro_tui.engine.warden.enclosures.Cgroups", Folders)
    return Enclosures(os.fsencode(tmp_path / "groups"))


def a_start(number: int, memory_max: int, cpu_weight: int) -> Start:
    return Start(
        number=number,
        tag=number,
        record=b"{}",
        argv=(b"true",),
        environment=(),
        directory=b"/",
        status_file=b"",
        config_file=b"",
        config=b"",
        kill_method=KILL,
        kill_wait=0.0,
        timeout=0.0,
        memory_max=memory_max,
        cpu_weight=cpu_weight,
    )


def test_without_a_memory_controller_people_are_told_once_what_is_only_counted(
    enclosures: Enclosures,
) -> None:
    for number in (1, 2):
        assert enclosures.limited(a_start(number, 1 << 30, 50)) is not None
    assert enclosures.news() == (
        "ram_mb and cpu_core are counted, not enforced: no memory controller for our"
        " control groups; `bistro-tui doctor` says how"
    )
    enclosures.limited(a_start(3, 1 << 30, 50))
    assert enclosures.news() == ""


def test_without_a_cpu_controller_only_the_processors_are_not_enforced(
    enclosures: Enclosures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folders, "controllers", ("memory.max", "memory.swap.max"))
    enclosures.limited(a_start(1, 1 << 30, 50))
    assert enclosures.news().startswith("cpu_core is counted, not enforced: no cpu ")


def test_what_fails_again_for_each_attempt_is_told_once_and_without_paths(
    enclosures: Enclosures, tmp_path: Path
) -> None:
    for number in (1, 2):
        (tmp_path / "groups" / str(number)).mkdir(parents=True)
        assert enclosures.limited(a_start(number, 1 << 30, 0)) is None
    assert enclosures.news() == "limits of tasks cannot be enforced: File exists"
    assert enclosures.news() == ""
