"""Attempts that are over: pages, and how long one may take."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.history import (
    MOST_ATTEMPTS,
    HistoryQuery,
    place_of,
    read_attempts,
    search_attempts,
)
from bistro_tui.engine.logs.attempts import COLUMNS, SCHEMA
from bistro_tui.engine.logs.deadline import Deadline
from tests.engine.api.scene import Scene
from tests.engine.logs.builders import ManualClock

DONE, FAILED = 4, 16
INSERT = f"INSERT INTO attempts VALUES ({', '.join('?' * len(COLUMNS))})"


def row(number: int) -> tuple[Any, ...]:
    bits = DONE if number % 2_500 else FAILED
    began = (number, 7, "etl", "n1", float(number), 1.0, 1.0, "x", bits)
    return (*began, "", "local", None, None)


async def ask(scene: Scene, **values: Json) -> Any:
    answers: Any = await scene.ask(it={"handler": "history", **values})
    return answers["it"]["data"]


async def test_pages_follow_each_other_without_a_gap(scene: Scene) -> None:
    every = (await ask(scene))["attempts"]
    assert len(every) > 3
    found, before = [], None
    while True:
        page = await ask(scene, limit=2, before=before)
        found += page["attempts"]
        before = page["next"]
        if before is None:
            break
    assert found == every


def test_a_rare_status_is_looked_for_in_pages_that_end_in_time(tmp_path: Path) -> None:
    clock = ManualClock()
    with closing(sqlite3.connect(tmp_path / "x")) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.executemany(INSERT, map(row, range(4_000)))
        asked = HistoryQuery(results=("failed",), limit=10)
        every, place = search_attempts(connection, asked, Deadline(clock).is_over)
        assert [record.started for record in every] == [2_500.0, 0.0]
        assert place is None

        late = Deadline(clock)
        clock.wall += 1.0
        none, place = search_attempts(connection, asked, late.is_over)
        assert none == []
        newest = read_attempts(connection, HistoryQuery(limit=MOST_ATTEMPTS))
        assert place == place_of(newest[-1])


@pytest.mark.parametrize(
    "before", ["", "1/2", "1/x/2", "1/2.0/" + "9" * 30, "٣/1.0/2", "1/1e999/x"]
)
async def test_a_cursor_that_is_none_is_an_error(before: str, scene: Scene) -> None:
    answers: Any = await scene.ask(it={"handler": "history", "before": before})
    assert answers["it"] == {"error": "before must be the next of an earlier answer"}


@pytest.mark.parametrize("key", ["regex", "text"])
async def test_a_pattern_that_takes_long_to_make_is_an_error(
    key: str, scene: Scene
) -> None:
    query = {"handler": "log_lines", key: "a?" * 50_000, "ignore_case": True}
    answers: Any = await scene.ask(it=query)
    assert answers["it"] == {"error": f"{key} is too long: at most 3000 characters"}


async def test_since_may_be_a_text(scene: Scene) -> None:
    answers: Any = await scene.ask(it={"handler": "history", "since": "1e300"})
    assert answers["it"]["data"]["attempts"] == []
