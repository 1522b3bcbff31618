"""A damaged log database: refused as it is, or opened with its lines."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import ManualClock
from tests.engine.statuses_store.damaging import contents, mutations
from tests.engine.statuses_store.test_store import task

ROUNDS = 15
LINES = 600


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "task_logs.sql3"
    store = await LogStore.open(path, clock=ManualClock())
    for number, stream in enumerate(Stream):
        lines = [b"line %d of it\n" % i for i in range(LINES)]
        await store.append([Written(1 + number * LINES, task(), stream, lines)])
    await store.close()
    return path


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return sum(
            connection.execute(f"SELECT count(line) FROM {one.value}").fetchone()[0]
            for one in Stream
        )


async def test_it_is_refused_as_it_is_or_has_its_lines(path: Path) -> None:
    good, seen = path.read_bytes(), Counter[str]()
    for kind, content in mutations(good, random.Random(21), ROUNDS):
        if not content:
            continue
        path.write_bytes(content)
        before = contents(path)
        refusal = ""
        try:
            await (await LogStore.open(path, clock=ManualClock())).close()
        except DataDirUnusable as error:
            refusal = str(error)
        if refusal:
            assert contents(path) == before
            assert "it was not touched" in refusal
            seen["refused"] += 1
            continue
        # A page of another place is one that SQLite finds nothing wrong with.
        may_lack = 100 if kind == "moved" else 0
        assert count(path) >= len(Stream) * LINES - may_lack, kind
        seen[kind] += 1
    assert seen["refused"] > 40
    assert not seen["cut"]
