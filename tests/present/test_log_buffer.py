"""What is held of a log, and what of it is in sight."""

import pytest

from bistro_tui.engine.view import (
    Attempt,
    JobName,
    LogLine,
    LogPage,
    LogSearch,
    Stream,
    TaskId,
)
from bistro_tui.present.log_buffer import (
    CAPACITY,
    CAPACITY_BYTES,
    PAGE,
    Change,
    LogBuffer,
)
from bistro_tui.present.log_target import Several, Target
from bistro_tui.present.sought import NOTHING_SOUGHT, Sought
from bistro_tui.present.tasks import Scope
from tests.ui.scripted import task

ETL = task("etl", "db7")
FIRST = 10_000
"""The id of the first line in these tests; there may be older ones in the store."""


def line(
    number: int, text: str = "x", stream: Stream = Stream.STDOUT, of: TaskId = ETL
) -> LogLine:
    return LogLine(line_id=number, task=of, stream=stream, line=text.encode() + b"\n")


def page(*lines: LogLine, partial: dict[Stream, bytes] | None = None) -> LogPage:
    last = lines[-1].line_id if lines else 0
    return LogPage(lines=lines, last_id=last, partial=partial or {})


def found(*lines: LogLine, more: int = 0) -> LogPage:
    """Return an answer of the store; ``more`` is where it goes on."""
    return LogPage(lines=lines, last_id=more)


def of_one_task() -> LogBuffer:
    buffer = LogBuffer()
    buffer.retarget(Target(task=ETL))
    return buffer


def full_page(first: int = FIRST, text: str = "x") -> LogPage:
    return page(*(line(n, text) for n in range(first, first + PAGE)))


def numbers(buffer: LogBuffer) -> list[int]:
    return [row.line_id for row in buffer.shown]


def test_lines_that_are_held_already_are_not_taken_twice() -> None:
    buffer = LogBuffer()
    assert buffer.add(page(line(1), line(2))) == Change(came=2)
    assert buffer.add(page(line(2), line(3))) == Change(came=1)
    assert numbers(buffer) == [1, 2, 3]
    assert buffer.last_id == 3


def test_streams_cycle_from_both_to_stdout_to_stderr_and_back() -> None:
    buffer = LogBuffer()
    buffer.add(
        page(line(1), line(2, stream=Stream.STDERR), partial={Stream.STDERR: b"half"})
    )
    buffer.next_streams()
    assert numbers(buffer) == [1]
    assert buffer.unfinished == {}
    buffer.next_streams()
    assert numbers(buffer) == [2]
    buffer.next_streams()
    assert numbers(buffer) == [1, 2]


def test_a_filter_holds_for_old_and_new_lines() -> None:
    buffer = LogBuffer()
    buffer.add(page(line(1, "good"), line(2, "bad")))
    buffer.seek(Sought.parse("BAD"))
    assert buffer.add(page(line(3, "good"), line(4, "bad too"))) == Change(came=1)
    assert numbers(buffer) == [2, 4]
    assert buffer.held == 4


def test_a_scope_hides_the_lines_of_other_tasks() -> None:
    buffer = LogBuffer()
    buffer.retarget(Target(scope=Scope(job=JobName("etl"))))
    buffer.add(page(line(1), line(2, of=task("other", "db7"))))
    assert numbers(buffer) == [1]


def test_the_oldest_lines_go_and_are_counted() -> None:
    buffer = LogBuffer()
    for first in range(1, CAPACITY, 1_000):
        buffer.add(page(*(line(n) for n in range(first, first + 1_000))))
    more = [line(n) for n in range(CAPACITY + 1, CAPACITY + CAPACITY // 10 + 10)]
    change = buffer.add(page(*more))
    assert change == Change(gone=len(more), came=len(more))
    assert buffer.held == len(buffer.shown) == CAPACITY
    assert buffer.shown[-1].line_id == more[-1].line_id


def test_lines_held_are_bounded_in_bytes_too() -> None:
    buffer = of_one_task()
    for n in range(2 * CAPACITY_BYTES // 65_000):
        buffer.add(page(line(FIRST + n, "x" * 65_000)))
    held = sum(len(row.line) for row in buffer.shown)
    assert CAPACITY_BYTES * 0.8 < held < CAPACITY_BYTES * 1.2


def test_a_page_that_may_hide_a_gap_replaces_what_was_held() -> None:
    buffer = LogBuffer()
    buffer.add(page(line(1)))
    change = buffer.add(full_page(100))
    assert change.anew
    assert buffer.shown[0].line_id == 100


def test_nothing_goes_while_somebody_reads() -> None:
    buffer = of_one_task()
    buffer.add(page(line(1), line(2)))
    change = buffer.add(full_page(100), keep=True)
    assert change == Change(unseen=PAGE)
    assert numbers(buffer) == [1, 2]
    assert not buffer.at_end
    assert buffer.add(page(line(90_000)), keep=True) == Change(unseen=1)


def test_what_came_while_somebody_read_is_found_in_the_store() -> None:
    buffer = of_one_task()
    buffer.add(page(line(1), line(2)))
    buffer.add(full_page(100), keep=True)
    question = buffer.newer_question()
    assert question is not None
    assert (question.line_id, question.backwards) == (3, False)
    assert buffer.add_newer(found(line(100), more=101)) == Change(came=1)
    assert buffer.newer_question() is not None
    assert buffer.add_newer(found(line(101), line(102))) == Change(came=2)
    assert buffer.newer_question() is None
    assert buffer.add(page(line(102), line(103))) == Change(came=1)
    assert numbers(buffer) == [1, 2, 100, 101, 102, 103]


def test_a_short_first_page_is_the_whole_log() -> None:
    buffer = of_one_task()
    assert buffer.older_question() is None
    buffer.add(page(line(FIRST)))
    assert buffer.older_question() is None


def test_older_lines_are_asked_for_from_the_oldest_that_is_held() -> None:
    buffer = of_one_task()
    buffer.add(full_page())
    question = buffer.older_question()
    assert question is not None
    assert (question.task, question.line_id) == (ETL, FIRST - 1)
    assert question.backwards
    assert buffer.add_older(found(line(8), line(9), more=7)) == Change(older=2)
    assert numbers(buffer)[:3] == [8, 9, FIRST]
    again = buffer.older_question()
    assert again is not None
    assert again.line_id == 7
    assert buffer.add_older(found(line(7))) == Change(older=1)
    assert buffer.older_question() is None


def test_looking_far_back_lets_the_newest_lines_go() -> None:
    buffer = of_one_task()
    at, lost = FIRST + 100_000, 0
    buffer.begin_at(found(line(at)), found())
    while not lost:
        at -= 1_000
        older = found(*map(line, range(at, at + 1_000)), more=at - 1)
        lost = buffer.add_older(older).lost
    assert buffer.held <= CAPACITY * 1.1
    assert buffer.shown[0].line_id == at
    assert buffer.newer_question() is not None


def test_the_store_is_asked_only_for_lines_that_fit() -> None:
    buffer = of_one_task()
    buffer.add(full_page(text="good"))
    buffer.seek(Sought.parse("bad !worse"))
    buffer.next_streams()
    question = buffer.older_question()
    assert question is not None
    assert (question.text, question.streams) == ("bad", (Stream.STDOUT,))
    page_of_hits = found(line(5, "bad"), line(6, "bad, worse"), more=4)
    assert buffer.add_older(page_of_hits) == Change(older=1)
    assert numbers(buffer) == [5]


def test_hits_of_the_store_go_with_the_filter_that_found_them() -> None:
    buffer = of_one_task()
    buffer.add(full_page(text="good"))
    buffer.seek(Sought.parse("bad"))
    buffer.add_older(found(line(5, "bad")))
    buffer.seek(NOTHING_SOUGHT)
    assert numbers(buffer)[0] == FIRST
    question = buffer.older_question()
    assert question is not None
    assert question.line_id == FIRST - 1


def test_hits_stay_when_the_lines_around_them_have_gone() -> None:
    buffer = of_one_task()
    buffer.add(page(line(1, "bad")))
    buffer.seek(Sought.parse("bad"))
    for first in range(FIRST, FIRST + 3 * CAPACITY, 4_000):
        buffer.add(page(*(line(n, "good") for n in range(first, first + 4_000))))
    assert numbers(buffer) == [1]
    assert buffer.held <= CAPACITY * 1.1 + 1


def test_an_attempt_is_read_from_the_store_alone() -> None:
    attempt = Attempt(
        task=ETL, invocation="7_1", started=1, ended=2, result="done", exit="",
        detail="", worker="local", peak_memory=None, cpu_seconds=None,
    )  # fmt: skip
    buffer = LogBuffer()
    buffer.retarget(Target(task=ETL, attempt=attempt))
    assert buffer.older_question() == LogSearch(
        task=ETL, invocation="7_1", backwards=True, limit=1_000
    )
    assert buffer.add_older(found(line(1), line(2))) == Change(older=2)
    assert buffer.older_question() is None


def test_lines_of_several_tasks_stand_in_the_order_in_which_they_came() -> None:
    other = task("dump", "db1")
    buffer = LogBuffer()
    buffer.retarget(Target(scope=Several(tasks=frozenset((ETL, other)))))
    assert buffer.add(page(line(1), line(5))) == Change(came=2)
    change = buffer.add(page(line(3, of=other), line(6, of=other)))
    assert (change.anew, change.came) == (True, 2)
    assert numbers(buffer) == [1, 3, 5, 6]


def test_a_part_of_the_log_begins_and_ends_where_the_store_says() -> None:
    buffer = of_one_task()
    buffer.add(full_page())
    before, after = buffer.around_questions(500)
    assert (before.line_id, before.backwards) == (500, True)
    assert (after.line_id, after.backwards) == (501, False)
    buffer.begin_at(found(line(499), line(500), more=498), found(line(501), more=502))
    assert numbers(buffer) == [499, 500, 501]
    older, newer = buffer.older_question(), buffer.newer_question()
    assert older is not None
    assert newer is not None
    assert (older.line_id, newer.line_id) == (498, 502)


def test_another_log_begins_empty_and_keeps_streams_and_filter() -> None:
    buffer = LogBuffer()
    buffer.add(page(line(1), partial={Stream.STDOUT: b"half"}))
    buffer.next_streams()
    before = buffer.target
    buffer.retarget(Target(task=ETL))
    assert (buffer.shown, buffer.unfinished, buffer.last_id) == ([], {}, 0)
    assert buffer.streams == (Stream.STDOUT,)
    assert buffer.target is not before


@pytest.mark.parametrize(
    ("of", "runs", "is_silent"),
    [(ETL, False, True), (ETL, True, False), (None, False, False)],
)
def test_a_log_is_silent_when_its_task_printed_nothing_and_does_not_run(
    of: TaskId | None, runs: bool, is_silent: bool
) -> None:
    buffer = LogBuffer()
    buffer.retarget(Target(task=of))
    buffer.add(LogPage(lines=(), last_id=0, attempt_running=runs))
    assert buffer.is_silent is is_silent


def test_a_log_that_nobody_has_read_yet_is_not_said_to_be_silent() -> None:
    buffer = LogBuffer()
    buffer.retarget(Target(task=ETL))
    assert not buffer.is_silent
