"""The links by which schedulers with a data directory elsewhere are found."""

import os
from pathlib import Path

import pytest

from bistro_tui.engine.live import announced, known_data_dirs


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "bistro-tui"


def data_dir(tmp_path: Path, name: str = "d") -> Path:
    path = tmp_path / name
    path.mkdir()
    return path


def test_a_scheduler_is_found_while_it_serves(tmp_path: Path, state: Path) -> None:
    first, second = data_dir(tmp_path, "b"), data_dir(tmp_path, "a\udcff")
    with announced(first), announced(second):
        assert known_data_dirs() == [second, first]
        for directory in (state, state / "live"):
            assert directory.stat().st_mode & 0o777 == 0o700
    assert known_data_dirs() == []
    assert os.listdir(state / "live") == []


def test_what_a_killed_one_left_is_taken_over(tmp_path: Path, state: Path) -> None:
    path = data_dir(tmp_path)
    killed = announced(path)
    killed.__enter__()
    with announced(path):
        assert known_data_dirs() == [path]
    assert known_data_dirs() == []


def test_a_link_that_leads_nowhere_is_taken_away(tmp_path: Path, state: Path) -> None:
    path = data_dir(tmp_path)
    with announced(path):
        path.rmdir()
        assert known_data_dirs() == []
        assert os.listdir(state / "live") == []


def test_where_nothing_can_be_written_nothing_is_found(
    tmp_path: Path, state: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    with announced(data_dir(tmp_path)):
        assert known_data_dirs() == []


def test_a_directory_that_is_a_link_is_not_trusted(tmp_path: Path, state: Path) -> None:
    elsewhere = data_dir(tmp_path, "elsewhere")
    state.mkdir(parents=True)
    (state / "live").symlink_to(elsewhere)
    with announced(data_dir(tmp_path)):
        assert os.listdir(elsewhere) == []
        assert known_data_dirs() == []


def test_what_is_no_link_to_a_directory_of_yours_is_passed_over(
    tmp_path: Path, state: Path
) -> None:
    path = data_dir(tmp_path)
    with announced(path):
        (state / "live" / "file").write_text(str(tmp_path))
        (state / "live" / "to-a-file").symlink_to(__file__)
        (state / "live" / "relative").symlink_to("../..")
        (state / "live" / "round").symlink_to("round")
        assert known_data_dirs() == [path]
