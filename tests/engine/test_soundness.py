"""How long a look at a file may take."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine import soundness
from bistro_tui.engine.soundness import check_pages, damage
from bistro_tui.engine.sqlite import decode_text


class Endless(sqlite3.Connection):
    """To check its pages takes until somebody interrupts it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.is_interrupted = threading.Event()

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if "quick_check" in sql:
            assert self.is_interrupted.wait(10)
            error = sqlite3.OperationalError("interrupted")
            error.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
            raise error
        return super().execute(sql, *parameters)

    def interrupt(self) -> None:
        self.is_interrupted.set()


def test_a_check_that_takes_too_long_has_found_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(soundness, "_SMALL_BYTES", -1)
    with closing(sqlite3.connect(":memory:", factory=Endless)) as connection:
        assert check_pages(connection, 0.01) is None


def test_a_check_in_time_says_what_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "some.sql3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany(
            "INSERT INTO t VALUES (?)", [("x" * 900,) for _ in range(60)]
        )
    with closing(sqlite3.connect(path)) as connection:
        assert check_pages(connection, 10) == ""
    content = bytearray(path.read_bytes())
    content[8192:12288] = bytes(4096)
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        assert check_pages(connection, 10)


def test_a_wal_is_looked_at_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"d\xff.sql3")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
        assert damage(connection, is_synced=True) == ""
        connection.text_factory = decode_text
        with open(f"{path}-wal", "r+b") as wal:
            wal.write(b"broken")
        assert "-wal" in (damage(connection, is_synced=True) or "")


TRY_TO_LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as index:
    try:
        fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
    except BlockingIOError:
        print("held")
"""


def test_who_looks_keeps_the_locks_without_which_others_cut_the_index_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.sql3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        assert damage(connection, is_synced=True) == ""
        words = [sys.executable, "-c", TRY_TO_LOCK, f"{path}-shm"]
        said = subprocess.run(words, capture_output=True, text=True, check=True)
    # Byte 128 is that of all who have the index mapped.
    assert said.stdout == "held\n"
