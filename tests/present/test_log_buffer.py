"""What is held of a log, and what of it is in sight."""

from bistro_tui.engine.view import JobName, LogLine, LogPage, Stream, TaskId
from bistro_tui.present.filters import Filter
from bistro_tui.present.log_buffer import CAPACITY, LogBuffer
from bistro_tui.present.tasks import EVERYTHING, Scope
from tests.ui.scripted import task

ETL = task("etl", "db7")


def line(
    number: int, text: str = "x", stream: Stream = Stream.STDOUT, of: TaskId = ETL
) -> LogLine:
    return LogLine(line_id=number, task=of, stream=stream, line=text.encode() + b"\n")


def page(*lines: LogLine, partial: dict[Stream, bytes] | None = None) -> LogPage:
    last = lines[-1].line_id if lines else 0
    return LogPage(lines=lines, last_id=last, partial=partial or {})


def test_lines_that_are_held_already_are_not_taken_twice() -> None:
    buffer = LogBuffer()
    assert buffer.add(page(line(1), line(2))) == (0, 2)
    assert buffer.add(page(line(2), line(3))) == (0, 1)
    assert [row.line_id for row in buffer.shown] == [1, 2, 3]
    assert buffer.last_id == 3


def test_streams_cycle_from_both_to_stdout_to_stderr_and_back() -> None:
    buffer = LogBuffer()
    buffer.add(
        page(line(1), line(2, stream=Stream.STDERR), partial={Stream.STDERR: b"half"})
    )
    buffer.next_streams()
    assert [row.line_id for row in buffer.shown] == [1]
    assert buffer.unfinished == {}
    buffer.next_streams()
    assert [row.line_id for row in buffer.shown] == [2]
    buffer.next_streams()
    assert [row.line_id for row in buffer.shown] == [1, 2]


def test_a_filter_holds_for_old_and_new_lines() -> None:
    buffer = LogBuffer()
    buffer.add(page(line(1, "good"), line(2, "bad")))
    buffer.set_filter(Filter.parse("BAD"))
    assert buffer.add(page(line(3, "good"), line(4, "bad too"))) == (0, 1)
    assert [row.line_id for row in buffer.shown] == [2, 4]
    assert buffer.held == 4


def test_a_scope_hides_the_lines_of_other_tasks() -> None:
    buffer = LogBuffer()
    buffer.retarget(None, Scope(job=JobName("etl")))
    buffer.add(page(line(1), line(2, of=task("other", "db7"))))
    assert [row.line_id for row in buffer.shown] == [1]


def test_the_oldest_lines_go_and_are_counted() -> None:
    buffer = LogBuffer()
    first = [line(n) for n in range(1, CAPACITY)]
    buffer.add(page(*first))
    more = [line(n) for n in range(CAPACITY, CAPACITY + CAPACITY // 10 + 10)]
    gone, came = buffer.add(page(*more))
    assert came == len(more)
    assert gone == len(first) + len(more) - CAPACITY
    assert buffer.held == len(buffer.shown) == CAPACITY
    assert buffer.shown[-1].line_id == more[-1].line_id


def test_a_page_that_may_hide_a_gap_replaces_what_was_held() -> None:
    buffer = LogBuffer()
    buffer.add(page(line(1)))
    flood = [line(n) for n in range(100, 100 + CAPACITY)]
    assert buffer.add(page(*flood)) == (1, CAPACITY)
    assert buffer.shown[0].line_id == 100


def test_another_log_begins_empty_and_keeps_streams_and_filter() -> None:
    buffer = LogBuffer()
    buffer.add(page(line(1), partial={Stream.STDOUT: b"half"}))
    buffer.next_streams()
    before = buffer.target
    buffer.retarget(ETL, EVERYTHING)
    assert (buffer.shown, buffer.unfinished, buffer.last_id) == ([], {}, 0)
    assert buffer.streams == (Stream.STDOUT,)
    assert buffer.target is not before
