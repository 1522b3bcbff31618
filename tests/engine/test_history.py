"""Questions to the table of attempts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.history import (
    RESULTS,
    HistoryQuery,
    done_seconds,
    place_of,
    read_attempts,
    result_word,
)
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.logs.attempts import COLUMNS, SCHEMA
from bistro_tui.engine.statuses.bits import DONE, FAILED, Bits
from bistro_tui.engine.statuses.report import describe
from bistro_tui.engine.statuses.status import TaskStatus

A, B = JobName("a"), JobName("b")
INSERT = f"INSERT INTO attempts VALUES ({', '.join('?' * len(COLUMNS))})"


@pytest.fixture
def store() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        yield connection


def row(
    start_time: int,
    rand: int = 0,
    *,
    job: str = "a",
    node: str = "n",
    at: float = 0.0,
    took: float = 1.0,
    bits: int = int(DONE),
) -> tuple[Any, ...]:
    started = start_time + at
    more = (None, None)
    return start_time, rand, job, node, started, 1.0, took, "x", bits, "", "w", *more


@given(st.integers(0, 2**12 - 1))
def test_each_status_has_the_word_that_is_logged_of_it(bits: int) -> None:
    assert result_word(bits) == describe(TaskStatus(bits=Bits(bits), time=0.0))
    assert [
        word for word, (mask, is_so) in RESULTS.items() if bits & mask == is_so
    ] == [result_word(bits)]


@given(
    rows=st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 30), st.integers(0, 2)),
        unique_by=lambda one: one[:2],
        max_size=30,
    ),
    size=st.integers(1, 7),
)
def test_pages_neither_skip_nor_repeat(
    rows: list[tuple[int, int, int]], size: int
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.executemany(
            INSERT, [row(second, rand, at=at / 4) for second, rand, at in rows]
        )
        found, query = [], HistoryQuery(limit=size)
        while page := read_attempts(connection, query):
            found += [place_of(one) for one in page]
            query = HistoryQuery(limit=size, before=found[-1])
    expected = sorted(((s, s + at / 4, r) for s, r, at in rows), reverse=True)
    assert found == expected


@pytest.mark.parametrize(
    "query",
    [
        HistoryQuery(limit=5),
        HistoryQuery(job=A, limit=5),
        HistoryQuery(job=A, node=NodeName("n"), limit=5),
        HistoryQuery(job=A, since=50.0, limit=5),
    ],
    ids=["all", "job", "task", "since"],
)
def test_no_question_reads_the_whole_table(
    query: HistoryQuery, store: sqlite3.Connection
) -> None:
    jobs = ("a", "b", "c", "d")
    many = [row(n, job=jobs[n % 4], node="mn"[n % 3 > 0]) for n in range(20_000)]
    store.executemany(INSERT, many)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    store.set_progress_handler(step, 100)
    assert len(read_attempts(store, query)) == 5
    assert steps < 20
    assert done_seconds(store, [A, B], 20) == {A: [1.0] * 20, B: [1.0] * 20}
    assert steps < 100


def test_only_done_attempts_tell_how_long_one_takes(store: sqlite3.Connection) -> None:
    store.executemany(
        INSERT,
        [
            row(1, took=9.0),
            row(2, took=1.0),
            row(3, took=100.0, bits=int(FAILED)),
            row(4, took=2.0),
            row(5, took=-1.0),
            row(6, took=float("inf")),
        ],
    )
    assert done_seconds(store, [A, B], 2) == {A: [1.0, 2.0]}


def test_without_the_table_nothing_is_known() -> None:
    with closing(sqlite3.connect(":memory:")) as empty:
        assert done_seconds(empty, [A], 20) == {}
        assert read_attempts(empty, HistoryQuery()) == []


def test_what_somebody_else_wrote_is_read_with_care(store: sqlite3.Connection) -> None:
    odd = (1, 2, None, b"\xff", "x", None, "y", 3, None, None, None, "z", -1.0)
    store.execute(INSERT, odd)
    (record,) = read_attempts(store, HistoryQuery())
    assert record.task == ("", "")
    assert (record.started, record.seconds, record.peak_memory) == (0.0, 0.0, None)
