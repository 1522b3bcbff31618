"""Pages of log lines, compared with a plain list of all lines."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bistro_tui.engine.clock import Now
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs import paging, sources
from bistro_tui.engine.logs import query as query_module
from bistro_tui.engine.logs.deadline import PAGE_SEC, STEP_SEC, Deadline
from bistro_tui.engine.logs.paging import read_page
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import LAST_ID, THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from tests.engine.logs.builders import line, task
from tests.engine.logs.tables import insert, make_tables


@dataclass
class Impatient:
    """A clock by which the time of a page is over after so many looks."""

    looks: int
    late_by: float = 0.0

    def now(self) -> Now:
        self.looks -= 1
        return Now(wall=0.0, mono=0.0 if self.looks >= 0 else PAGE_SEC + self.late_by)


def page_of(
    connection: sqlite3.Connection, query: LogQuery, looks: int = 10**9
) -> QueryPage:
    return read_page(connection, query, Deadline(Impatient(looks)))


def pages_of(
    connection: sqlite3.Connection, query: LogQuery, looks: int = 10**9
) -> Iterator[QueryPage]:
    while True:
        page = page_of(connection, query, looks)
        yield page
        if page.next_line_id == THE_END:
            return
        query = replace(query, line_id=page.next_line_id)


def all_of(
    connection: sqlite3.Connection, query: LogQuery, looks: int = 10**9
) -> list[StoredLine]:
    return [one for page in pages_of(connection, query, looks) for one in page.lines]


def expected(lines: list[StoredLine], query: LogQuery) -> list[StoredLine]:
    """Return the answer as Bistro's page says it, from all lines there are."""
    found = [
        one
        for one in lines
        if one.stream in query.streams
        and (not query.jobs or one.task.job in query.jobs)
        and (not query.nodes or one.task.node in query.nodes)
        and query.lowest <= one.line_id <= query.highest
        and (query.pattern is None or query.pattern.matches(one.line))
    ]
    return sorted(found, key=lambda one: one.line_id, reverse=not query.ascending)


TASKS = [
    TaskId(JobName(job), NodeName(node))
    for job in ("a", "b", "", "é")
    for node in ("n1", "n2", "\ud800")
]
TEXTS = [b"x\n", b"y\n", b"xy", b"\xff x\n", b"", b"a\nb\n", b"\0", b"z"]
PATTERNS = [
    Pattern.text("x"),
    Pattern.text("X\n", ignore_case=True),
    Pattern.regex("^[xy]$"),
    Pattern.regex("\\A.?x"),
    Pattern.text("nowhere"),
]
WORLDS = 30


def some_lines(rng: random.Random) -> list[StoredLine]:
    """Draw lines; as in Bistro's files, two tables may have the same id."""
    lines: dict[tuple[int, Stream], StoredLine] = {}
    line_id = rng.randrange(3)
    for _ in range(rng.randrange(150)):
        line_id += rng.choice((1, 1, 1, 0, 9))
        stream = rng.choice((Stream.STDOUT, *Stream))
        text = rng.choice(TEXTS)
        lines[line_id, stream] = StoredLine(line_id, rng.choice(TASKS), stream, text)
    return list(lines.values())


def some_query(rng: random.Random) -> LogQuery:
    jobs = {one.job for one in rng.choices(TASKS, k=rng.choice((0, 0, 1, 3)))}
    nodes = {one.node for one in rng.choices(TASKS, k=rng.choice((0, 0, 1, 2)))}
    return LogQuery(
        streams=tuple(rng.sample(list(Stream), k=rng.randrange(1, 4))),
        jobs=(*jobs, JobName("nobody")) if jobs else (),
        nodes=tuple(nodes),
        line_id=rng.choice((None, None, rng.randrange(-3, 200))),
        stop_id=rng.choice((None, None, rng.randrange(-3, 200))),
        ascending=rng.random() < 0.5,
        limit=rng.choice((1, 3, 10, 40)),
        pattern=rng.choice((None, *PATTERNS)),
    )


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most_parts", [1, 300])
def test_paging_never_skips_or_repeats_whatever_time_there_is(
    seed: int, most_parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(sources, "MOST_PARTS", most_parts)
    for _ in range(WORLDS):
        lines, query = some_lines(rng), some_query(rng)
        monkeypatch.setattr(sources, "FIRST_ROWS", rng.choice((1, 64)))
        monkeypatch.setattr(sources, "WINDOW_BYTES", rng.choice((3, 2**16)))
        with closing(make_tables(":memory:")) as connection:
            insert(connection, lines)
            found = list(pages_of(connection, query, rng.randrange(30)))
        together = [one for page in found for one in page.lines]
        wanted = expected(lines, query)
        assert [one.line_id for one in together] == [one.line_id for one in wanted]
        assert sorted(together) == sorted(wanted)
        last_id = max(
            (one.line_id for one in lines if one.stream in query.streams), default=0
        )
        for page in found:
            assert len({one.line_id for one in page.lines}) <= query.limit
            assert page.last_id == last_id


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_arrive_while_paging_upwards_are_all_seen_once(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(WORLDS):
        lines, seen, bound = list[StoredLine](), list[StoredLine](), 0
        query = replace(some_query(rng), ascending=True, stop_id=None)
        with closing(make_tables(":memory:")) as connection:
            for batch in [*(rng.randrange(40) for _ in range(5)), 0]:
                new = [
                    StoredLine(
                        1 + len(lines) + number,
                        rng.choice(TASKS),
                        rng.choice(list(Stream)),
                        rng.choice(TEXTS),
                    )
                    for number in range(batch)
                ]
                lines += new
                insert(connection, new)
                while True:
                    now = replace(query, line_id=bound)
                    page = page_of(connection, now, rng.randrange(10))
                    seen += page.lines
                    if page.next_line_id == THE_END:
                        bound = max(bound, page.last_id + 1)
                        break
                    bound = page.next_line_id
                    if batch and rng.random() < 0.5:
                        break
        assert seen == expected(lines, replace(query, line_id=0))


def test_the_page_before_is_the_same_id_in_the_other_direction() -> None:
    lines = [line(line_id) for line_id in range(10)]
    with closing(make_tables(":memory:")) as connection:
        insert(connection, lines)
        page = page_of(connection, LogQuery(ascending=True, limit=4))
        assert (page.lines, page.next_line_id) == (tuple(lines[:4]), 4)
        back = page_of(connection, LogQuery(line_id=page.next_line_id, limit=3))
        assert (back.lines, back.next_line_id) == (tuple(lines[4:1:-1]), 1)


@pytest.mark.parametrize("number", [1_000, 1_001])
def test_a_page_of_all_lines_is_the_end_and_one_more_line_is_another_page(
    number: int,
) -> None:
    with closing(make_tables(":memory:")) as connection:
        insert(connection, [line(line_id) for line_id in range(number)])
        page = page_of(connection, LogQuery(limit=5_000))
        assert len(page.lines) == 1_000
        assert page.next_line_id == (THE_END if number == 1_000 else 0)


def test_a_page_has_at_most_a_mebibyte_but_always_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(make_tables(":memory:")) as connection:
        insert(connection, [line(i, b"x" * 65_000) for i in range(40)])
        page = page_of(connection, LogQuery())
        assert len(page.lines) == 2**20 // 65_000
        monkeypatch.setattr("bistro_tui.engine.logs.paging.PAGE_BYTES", 10)
        assert len(page_of(connection, LogQuery()).lines) == 1
        assert len(all_of(connection, LogQuery(ascending=True))) == 40


@pytest.mark.parametrize("steps", [10, 300, 3_000])
def test_a_step_that_takes_too_long_is_interrupted_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(paging, "STEPS_BETWEEN_LOOKS", steps)
    lines = [line(i, stream=list(Stream)[i % 2]) for i in range(3_000)]
    with closing(make_tables(":memory:")) as connection:
        insert(connection, lines)
        for ascending in (True, False):
            query, found, pages = LogQuery(ascending=ascending), list[StoredLine](), 0
            while True:
                late = Impatient(2, late_by=STEP_SEC)
                page = read_page(connection, query, Deadline(late))
                found += page.lines
                pages += 1
                if page.next_line_id == THE_END:
                    break
                query = replace(query, line_id=page.next_line_id)
            assert found == (lines if ascending else lines[::-1])
            assert pages > 10


def test_a_page_shows_all_tables_as_they_are_at_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "WINDOW_BYTES", 30)
    path = tmp_path / "l.sql3"
    with closing(make_tables(path)) as writer, closing(_another(path)) as reader:
        insert(writer, [line(i, stream=list(Stream)[i % 2]) for i in range(1, 100)])

        @dataclass
        class Busy:
            """A clock by which new lines come at each look."""

            line_id: int = 100

            def now(self) -> Now:
                self.line_id += 2
                streams = (Stream.STDERR, Stream.STDOUT)
                new = [line(self.line_id - i, stream=streams[i]) for i in (0, 1)]
                insert(writer, new)
                return Now(wall=0.0, mono=0.0)

        page = read_page(reader, LogQuery(ascending=True), Deadline(Busy()))
        assert page.last_id > 100
        assert [one.line_id for one in page.lines if one.line_id != 100] == [
            i for i in range(1, page.last_id + 1) if i != 100
        ]


def _another(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_ids_that_no_table_can_hold_are_no_error() -> None:
    with closing(make_tables(":memory:")) as connection:
        insert(connection, [line(5)])
        assert len(page_of(connection, LogQuery(line_id=2**70)).lines) == 1
        assert len(page_of(connection, LogQuery(line_id=-9, ascending=True)).lines) == 1
        for query in (LogQuery(line_id=2**70, ascending=True), LogQuery(line_id=-9)):
            page = page_of(connection, query)
            assert (page.lines, page.next_line_id) == ((), THE_END)


def test_the_last_possible_id_is_no_error() -> None:
    with closing(make_tables(":memory:")) as connection:
        insert(connection, [line(0), line(LAST_ID)])
        for ascending in (True, False):
            found = all_of(connection, LogQuery(ascending=ascending, limit=1), looks=0)
            assert {one.line_id for one in found} == {0, LAST_ID}


def test_a_page_of_no_lines_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="at least one"):
        LogQuery(limit=0)


def test_a_file_without_the_index_is_read_all_the_same() -> None:
    with closing(make_tables(":memory:")) as connection:
        connection.execute("DROP INDEX stdout_job_node_idx")
        insert(connection, [line(1), line(2, of=task("other"))])
        found = all_of(connection, LogQuery(nodes=(task().node,)))
        assert [one.line_id for one in found] == [1]


def test_one_task_among_many_costs_what_it_has_and_not_what_all_have() -> None:
    with closing(make_tables(":memory:")) as connection:
        lines = [line(i, of=task(f"n{i % 7}")) for i in range(20_000)]
        insert(connection, [*lines, line(50_000, of=task("rare"))])
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        parts = sources.parts_of(
            connection, LogQuery(nodes=(NodeName("rare"),)), lambda: False
        )
        connection.set_progress_handler(count, 100)
        assert len([one for part in parts for one in part.next_lines()]) == 1
        assert steps < 5


def test_lines_of_the_page_size_are_the_contracts() -> None:
    assert (query_module.PAGE_LINES, query_module.PAGE_BYTES) == (1_000, 2**20)
