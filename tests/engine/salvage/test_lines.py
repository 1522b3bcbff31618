"""What is saved of a damaged log database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.salvage.salvage import salvage
from tests.engine.logs.builders import ManualClock
from tests.engine.salvage.saving import made_by
from tests.engine.statuses_store.damaging import contents
from tests.engine.statuses_store.test_store import task

Lines = dict[str, set[tuple[Any, ...]]]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "task_logs.sql3"
    store = await LogStore.open(path, clock=ManualClock())
    for number, stream in enumerate(Stream):
        lines = [b"line %d of it\n" % i for i in range(400)]
        lines[7] = b"\xff no text\0"
        lines[9] = b"long " * 9000
        await store.append([Written(1 + number * 1000, task(), stream, lines)])
    record = AttemptRecord(
        invocation=InvocationId(5, 7),
        task=task(),
        started=5.0,
        ended=6.0,
        seconds=1.0,
        exit_text="exited with status 0",
        result_bits=4,
        detail="",
        worker="local",
    )
    await store.append([], [record])
    await store.close()
    return path


def lines_in(path: Path) -> Lines:
    columns = "job_id, node_id, time_and_count, line"
    with closing(sqlite3.connect(path)) as connection:
        return {
            stream.value: set(
                connection.execute(f"SELECT {columns} FROM {stream.value}")
            )
            for stream in Stream
        }


def attempts_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return len(connection.execute("SELECT * FROM attempts").fetchall())


async def test_lines_on_pages_that_are_whole_are_saved_where_they_were(
    path: Path,
) -> None:
    known, content = lines_in(path), path.read_bytes()
    for page in range(1, len(content) // 4096, 11):
        damaged = bytearray(content)
        damaged[page * 4096 : page * 4096 + 4096] = bytes(4096)
        path.write_bytes(damaged)
        before = contents(path)
        saved = salvage(path, "task_statuses")
        if saved is None:
            # A page in the middle of a long line: nothing shows that it is gone.
            continue
        found = lines_in(made_by(saved))
        lost = sum(len(known[name] - found[name]) for name in known)
        assert lost <= 160
        assert all(found[name] <= known[name] for name in known)
        assert saved.rows["stdout"] == len(found["stdout"])
        made_by(saved).unlink()
        assert contents(path) == before


async def test_without_any_schema_every_line_is_saved_somewhere(path: Path) -> None:
    known, content = lines_in(path), path.read_bytes()
    path.write_bytes(bytes(4096) + content[4096:])
    saved = salvage(path, "task_statuses")
    assert saved is not None
    assert lines_in(made_by(saved))["stdout"] == set().union(*known.values())


async def test_attempts_are_saved_where_sqlite_can_read_them(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[-4096:] = bytes(4096)
    path.write_bytes(damaged)
    saved = salvage(path, "task_statuses")
    assert saved is not None
    assert attempts_in(made_by(saved)) == saved.rows.get("attempts", 0) == 1


async def test_attempts_are_saved_from_a_file_whose_last_page_is_cut_off(
    path: Path,
) -> None:
    known = lines_in(path)
    path.write_bytes(path.read_bytes()[:-1])
    saved = salvage(path, "task_statuses")
    assert saved is not None
    assert attempts_in(made_by(saved)) == 1
    found = lines_in(made_by(saved))
    assert all(found[name] <= known[name] for name in known)


async def test_what_was_saved_opens_and_goes_on(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 40 * 4096])
    saved = salvage(path, "task_statuses")
    assert saved is not None
    store = await LogStore.open(made_by(saved), clock=ManualClock())
    assert await store.last_id() > 0
    await store.close()
