"""``doctor --salvage``: from a refused start to one that works."""

import json
import shlex
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.statuses.store import StatusStore, read_statuses
from tests.engine.statuses_store.damaging import Left, left_behind, put
from tests.engine.test_history import INSERT, row

CONFIG = {
    "bistro_settings": {
        "enabled": True,
        "nodes": {"levels": ["h"], "node_source": "empty"},
        "resources": {},
    }
}


@pytest.fixture
async def left(tmp_path: Path) -> Left:
    """Return a damaged database in a data directory with an odd name."""
    data = tmp_path / "my data; $HOME"
    data.mkdir(mode=0o700)
    left = await left_behind(tmp_path, rows=200, commits=6)
    wal = bytearray(left.wal)
    wal[len(wal) // 2] ^= 1
    put(data / "statuses.sql3", left._replace(wal=bytes(wal)))
    return left


def start(tmp_path: Path, data: Path) -> int:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    flags = ["--no-ui", "--exit-when-done", f"--data-dir={data}"]
    return run([str(config), *flags])


def test_a_refused_start_names_the_command_and_what_that_says_puts_it_right(
    tmp_path: Path, left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my data; $HOME"
    assert start(tmp_path, data) == 3
    refusal = capsys.readouterr().err
    assert "Traceback" not in refusal
    (named,) = [part for part in refusal.split("`") if "--salvage" in part]

    assert run(shlex.split(named)[1:]) == 0
    said = capsys.readouterr().out
    assert "200 rows of task_statuses" in said
    moves = [line for line in said.splitlines() if line.startswith("mv ")]
    assert len(moves) == 2
    for command in moves:
        subprocess.run(["/bin/sh", "-c", command], check=True)

    assert start(tmp_path, data) == 0
    found = read_statuses(data / "statuses.sql3", "task_statuses")
    assert found.keys() == left.known.keys()
    kept = {path.name for path in (data / "statuses.damaged").iterdir()}
    assert kept >= {"statuses.sql3", "statuses.sql3-wal"}


def test_a_file_overwritten_beside_its_whole_wal_is_saved_and_starts_without_a_warning(
    tmp_path: Path, left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my data; $HOME"
    junk = b"\x9c\x86" * 2048
    put(data / "statuses.sql3", left._replace(database=junk + left.database[4096:]))
    assert start(tmp_path, data) == 3
    assert "is not an SQLite database" in capsys.readouterr().err
    assert run(["doctor", f"--data-dir={data}"]) == 1
    assert "statuses.sql3: is not an SQLite database" in capsys.readouterr().out
    # SQLite makes it for whoever reads beside a WAL.
    (data / "statuses.sql3-shm").write_bytes(bytes(32768))

    assert run(["doctor", "--salvage", f"--data-dir={data}"]) == 0
    said = capsys.readouterr().out
    assert "saved: 200 rows" in said
    assert "lost: no row, by SQLite's own count" in said
    for command in said.splitlines():
        if command.startswith("mv "):
            subprocess.run(["/bin/sh", "-c", command], check=True)
    assert not list(data.glob("statuses.sql3-*"))

    assert start(tmp_path, data) == 0
    said = capsys.readouterr().err
    assert not [word for word in ("WARNING", "ERROR", "replaced") if word in said], said
    found = read_statuses(data / "statuses.sql3", "task_statuses")
    assert found.keys() == left.known.keys()


def test_an_emptied_file_beside_its_wal_is_refused_and_what_the_wal_has_is_saved(
    tmp_path: Path, left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my data; $HOME"
    put(data / "statuses.sql3", left._replace(database=b""))
    assert start(tmp_path, data) == 3
    said = capsys.readouterr().err
    assert "is empty although its -wal file is not" in said
    assert run(["doctor", "--salvage", "--json", f"--data-dir={data}"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["files"]
    assert told["rows"]["task_statuses"] > 100
    assert len(told["commands"]) == 2


def test_an_emptied_file_of_which_nothing_is_left_leaves_only_a_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    assert start(tmp_path, data) == 0
    capsys.readouterr()
    path = data / "statuses.sql3"
    path.write_bytes(b"")
    assert start(tmp_path, data) == 3
    said = capsys.readouterr().err
    assert "is empty although task_logs.sql3 beside it remembers runs" in said
    assert "put a backup back" in said
    assert path.read_bytes() == b""
    assert run(["plan", str(tmp_path / "config.json"), f"--data-dir={data}"]) == 3
    capsys.readouterr()

    assert run(["doctor", "--salvage", f"--data-dir={data}"]) == 1
    said = capsys.readouterr().out
    assert "nothing could be saved: with a new file everything runs again" in said
    assert "mv " not in said

    path.unlink()
    assert start(tmp_path, data) == 0


def test_missing_statuses_are_begun_anew_and_that_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    assert start(tmp_path, data) == 0
    (data / "statuses.sql3").unlink()
    assert start(tmp_path, data) == 0
    assert "is missing" not in capfd.readouterr().err
    (data / "statuses.sql3").unlink()
    with closing(sqlite3.connect(data / "task_logs.sql3")) as connection, connection:
        connection.executemany(INSERT, [row(number) for number in (1, 2)])

    assert start(tmp_path, data) == 0

    said = capfd.readouterr().err
    assert "statuses.sql3 is missing; task_logs.sql3 remembers 2 attempts" in said
    assert "everything runs again" in said
    assert start(tmp_path, data) == 0
    assert "is missing" not in capfd.readouterr().err


def test_while_a_scheduler_serves_there_it_saves_and_says_how_to_go_on(
    tmp_path: Path, left: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my data; $HOME"
    held = DataDir(data, host="here", now=5.0)
    try:
        assert run(["doctor", "--salvage", "--json", f"--data-dir={data}"]) == 0
        (told,) = json.loads(capsys.readouterr().out)["files"]
        assert (told["rows"], told["commands"]) == ({"task_statuses": 200}, [])
        assert run(["doctor", "--salvage", f"--data-dir={data}"]) == 0
        said = capsys.readouterr().out
        assert "stop it" in said
        assert "mv " not in said
    finally:
        held.close()


async def test_one_file_can_be_named_and_one_that_is_whole_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "copy.sql3"
    store = await StatusStore.open(path, "task_statuses")
    await store.close()
    assert run(["doctor", "--salvage", "--file", str(path)]) == 0
    assert "nothing is broken" in capsys.readouterr().out
    path.write_bytes(b"not a database at all")
    monkeypatch.chdir(tmp_path)
    assert run(["doctor", "--salvage", "--file", path.name]) == 1
    said = capsys.readouterr().out
    assert said == f"{path}: is not an SQLite database\n  nothing could be saved\n"
    assert run(["doctor", "--salvage", "--json", "--file", path.name]) == 1
    (told,) = json.loads(capsys.readouterr().out)["files"]
    assert (told["salvaged"], told["rows"], told["commands"]) == (None, {}, [])
    lines = path.rename(tmp_path / "task_logs.sql3")
    assert run(["doctor", "--salvage", "--file", lines.name]) == 1
    said = capsys.readouterr().out
    assert "nothing could be saved: with a new file, output and history" in said
    assert [one.name for one in tmp_path.iterdir()] == [lines.name]


def test_a_place_without_databases_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--salvage", f"--data-dir={tmp_path}"]) == 2
    assert "holds neither statuses.sql3" in capsys.readouterr().err
    assert run(["doctor", "--salvage", f"--file={tmp_path}/none"]) == 2
    assert run(["doctor", f"--file={tmp_path}"]) == 2
    assert "--file wants --salvage" in capsys.readouterr().err


def test_a_new_file_that_cannot_be_made_is_said_with_code_3(
    tmp_path: Path,
    left: Left,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bistro_tui.engine.salvage.saved._new_file", full)
    data = tmp_path / "my data; $HOME"
    assert run(["doctor", "--salvage", f"--data-dir={data}"]) == 3
    assert "No space left" in capsys.readouterr().err
