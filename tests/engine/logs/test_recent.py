import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.logs import recent
from bistro_tui.engine.logs.recent import Found, RecentLines
from bistro_tui.engine.logs.rows import StoredLine
from tests.engine.logs.builders import line, task, written


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "LINES_A_TASK", 4)
    monkeypatch.setattr(recent, "LINES_MERGED", 6)
    monkeypatch.setattr(recent, "BYTES_OF_TASKS", 10 * 210)
    monkeypatch.setattr(recent, "_WINDOW_OVERHEAD", 10)
    monkeypatch.setattr(recent, "BYTES_MERGED", 10 * 210)


def test_the_newest_lines_come_oldest_first() -> None:
    lines = RecentLines(0)
    for number in (1, 2, 3):
        lines.add(written(line(number)))
    assert [one.line_id for one in lines.of_task(task(), 0, 2).lines] == [2, 3]
    assert [one.line_id for one in lines.of_task(task(), 2, 9).lines] == [3]


def test_memory_knows_where_it_ends() -> None:
    lines = RecentLines(10)
    for number in range(11, 17):
        lines.add(written(line(number)))
    assert lines.of_task(task(), 0, 9).complete_after == 12
    assert lines.of_task(task("other"), 0, 9).complete_after == 10
    assert lines.of_all(0, 9).complete_after == 10


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([5, 100, 900]))),
    st.integers(0, 40),
    st.integers(1, 8),
)
def test_nothing_above_the_end_of_memory_is_missing(
    sizes: list[tuple[str, int]], after: int, limit: int
) -> None:
    lines = RecentLines(0)
    everything = [
        line(number, b"x" * size, of=task(node))
        for number, (node, size) in enumerate(sizes, start=1)
    ]
    for one in everything:
        lines.add(written(one))
    check(lines.of_all(after, limit), everything, after, limit)
    for node in "abcd":
        of_task = [one for one in everything if one.task == task(node)]
        check(lines.of_task(task(node), after, limit), of_task, after, limit)


def check(found: Found, written: list[StoredLine], after: int, limit: int) -> None:
    newest = [one for one in written if one.line_id > after][-limit:]
    count = len(newest) - len(found.lines)
    assert found.lines == newest[count:]
    assert all(one.line_id <= found.complete_after for one in newest[:count])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 900))))
def test_memory_is_bounded(sizes: list[tuple[str, int]]) -> None:
    lines = RecentLines(0)
    for number, (node, size) in enumerate(sizes, start=1):
        lines.add(written(line(number, b"x" * size, of=task(node))))
    kept = [lines.of_task(task(node), 0, 99).lines for node in "abcdefgh"]
    assert sum(len(one.line) for some in kept for one in some) <= 2100
    assert all(len(some) <= 4 for some in kept)
    assert len(lines.of_all(0, 99).lines) <= 6


def test_very_many_tasks_of_one_line_take_no_more_than_they_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(recent, "BYTES_OF_TASKS", 2**20)
    monkeypatch.setattr(recent, "LINES_MERGED", 1)
    tasks = [task(f"n{number}") for number in range(6_000)]
    lines = RecentLines(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number, of in enumerate(tasks, start=1):
            lines.add(written(line(number, b"hello from %d" % number, of=of)))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 2**19 < taken < 1.25 * 2**20
    assert lines.of_task(tasks[-1], 0, 9).lines
    assert not lines.of_task(tasks[0], 0, 9).lines
