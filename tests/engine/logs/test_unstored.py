"""Pages of lines of which the newest are not stored yet, and spans of attempts."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.line_ids import first_id_of
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import THE_END, LogQuery
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.spans import NOTHING, Span, span_of
from bistro_tui.engine.logs.store import schema_of
from bistro_tui.engine.logs.unstored import Unstored, read_page_with
from tests.engine.logs.builders import (
    SECOND,
    ManualClock,
    all_written,
    line,
    task,
    written,
)

LINES = [
    line(
        number,
        b"%d\n" % number,
        of=task("n1" if number % 3 else "n2"),
        stream=Stream.STDERR if number % 2 else Stream.STDOUT,
    )
    for number in range(1, 13)
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(made()) as connection:
        yield connection


def made(lines: Sequence[StoredLine] = ()) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema_of(connection):
        connection.execute(statement)
    put(connection, lines)
    return connection


def put(connection: sqlite3.Connection, lines: Sequence[StoredLine]) -> None:
    for one in lines:
        connection.execute(
            f"INSERT INTO {one.stream.value} VALUES (?, ?, ?, ?)",
            (*one.task, one.line_id, one.line.decode()),
        )


@given(
    st.integers(0, 12), st.integers(0, 12), st.booleans(), st.integers(1, 5), st.data()
)
def test_all_pages_together_are_the_answer_wherever_the_store_ends(
    stored: int, more: int, is_ascending: bool, limit: int, data: st.DataObject
) -> None:
    # The store may have taken some more since what is not in it was looked at.
    with closing(made(LINES[: max(stored, more)])) as connection:
        unstored = Unstored(stored_up_to=stored, written=all_written(LINES[stored:]))
        pattern = data.draw(st.sampled_from([None, Pattern.regex("1|5")]))
        nodes = data.draw(st.sampled_from([(), (task("n1").node,)]))
        first, last = data.draw(st.tuples(st.integers(0, 14), st.integers(0, 14)))
        query = LogQuery(nodes=nodes, pattern=pattern, ascending=is_ascending)
        found: list[StoredLine] = []
        begin: int | None = first
        while begin != THE_END:
            asked = LogQuery(
                nodes=nodes,
                pattern=pattern,
                ascending=is_ascending,
                line_id=begin,
                stop_id=last,
                limit=limit,
            )
            page = read_page_with(connection, asked, unstored, Deadline(ManualClock()))
            assert len(page.lines) <= limit
            assert page.last_id == LINES[-1].line_id
            found += page.lines
            begin = page.next_line_id
        low, high = (first, last) if is_ascending else (last, first)
        wanted = [
            one
            for one in LINES
            if low <= one.line_id <= high
            and (not nodes or one.task.node in nodes)
            and (query.pattern is None or query.pattern.matches(one.line))
        ]
        assert found == (wanted if is_ascending else wanted[::-1])


def attempt(connection: sqlite3.Connection, invocation: InvocationId) -> None:
    began = float(invocation.start_time)
    connection.execute(
        "INSERT INTO attempts (start_time, rand, job_id, node_id, started, ended)"
        " VALUES (?, ?, 'etl', 'db7', ?, ?)",
        (*invocation, began, began + 1.5),
    )


def event(line_id: int, invocation: InvocationId, word: str) -> StoredLine:
    start_time, rand = invocation
    text = (
        f'{{"event": "{word}", "invocation_start_time": {start_time},'
        f' "invocation_rand": {rand}}}'
    )
    return line(line_id, text.encode(), stream=Stream.STATUSES)


def test_an_attempt_lies_between_its_rows_and_the_next_one(
    connection: sqlite3.Connection,
) -> None:
    first, second = InvocationId(SECOND, 1), InvocationId(SECOND, 11)
    base = first_id_of(SECOND)
    rows = [
        event(base + 2, first, "running"),
        event(base + 5, first, "got_status"),
        event(base + 8, second, "running"),
    ]
    put(connection, rows[:2])
    attempt(connection, first)
    queued = [written(rows[2])]
    found = span_of(connection, task(), first, is_running=False, queued=queued)
    assert found == Span(base + 2, base + 7)
    found = span_of(connection, task(), second, is_running=True, queued=queued)
    assert found.low == base + 8
    assert span_of(connection, task(), second, is_running=False) == NOTHING


def test_an_attempt_without_rows_lies_within_its_seconds(
    connection: sqlite3.Connection,
) -> None:
    invocation = InvocationId(SECOND, 1)
    attempt(connection, invocation)
    found = span_of(connection, task(), invocation, is_running=False)
    assert found == Span(first_id_of(SECOND), first_id_of(SECOND + 2) - 1)
