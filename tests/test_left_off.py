"""The files that say how screens were left."""

import os
from pathlib import Path

import pytest

from bistro_tui import left_off
from bistro_tui.engine.ids import JobName
from bistro_tui.present.left_off import PageLeft, ScreenLeft
from bistro_tui.present.things import JobThing
from tests.ui.scripted import engine_state

LEFT = ScreenLeft(page="2", pages={"2": PageLeft(thing=JobThing(name=JobName("etl")))})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_it_is_told_once(home: Path) -> None:
    left_off.leave(engine_state(), LEFT)
    (path,) = (home / "bistro-tui" / "screens").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert left_off.take(engine_state()) == LEFT
    assert left_off.take(engine_state()) is None


def test_each_scheduler_has_its_own(home: Path) -> None:
    for instance in ("a", "b\udc80"):
        for data_dir in ("/a", "/b"):
            state = engine_state(instance=instance, data_dir=data_dir)
            left_off.leave(state, LEFT)
    assert len(list((home / "bistro-tui" / "screens").iterdir())) == 4


def test_of_a_picture_of_several_nothing_is_kept(home: Path) -> None:
    left_off.leave(engine_state(data_dir=""), LEFT)
    assert left_off.take(engine_state(data_dir="")) is None
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"page": 3}', b"[" * 100_000]
)
def test_a_bad_file_is_none(content: bytes, home: Path) -> None:
    left_off.leave(engine_state(), LEFT)
    (path,) = (home / "bistro-tui" / "screens").iterdir()
    path.write_bytes(content)
    assert left_off.take(engine_state()) is None
    assert not path.exists()


def test_only_a_file_is_read(home: Path) -> None:
    left_off.leave(engine_state(), LEFT)
    (path,) = (home / "bistro-tui" / "screens").iterdir()
    path.unlink()
    os.mkfifo(path)
    assert left_off.take(engine_state()) is None


def test_where_nothing_can_be_kept_nothing_fails(home: Path) -> None:
    (home / "bistro-tui").write_text("a file")
    left_off.leave(engine_state(), LEFT)
    assert left_off.take(engine_state()) is None
