"""The last lines of running tasks, and marks of activity and silence."""

from bistro_tui.engine.view import LogLine, RunningRow, Stream
from bistro_tui.present.last_lines import Last, LastLines
from tests.ui.scripted import NOW, running


def line(row: RunningRow, text: str, ago: float) -> LogLine:
    at = int(NOW - ago) << 32
    return LogLine(
        line_id=at, task=row.task, stream=Stream.STDOUT, line=text.encode() + b"\n"
    )


def test_the_newest_line_that_is_not_blank_counts() -> None:
    last, row = LastLines(), running("etl", "db1", 100)
    last.take([line(row, "one", 50), line(row, "two", 3), line(row, "  ", 1)])
    assert last.of(row) == Last(NOW - 3, b"two\n")
    assert last.mark(row, NOW).text == "◆"
    assert last.mark(row, NOW + 30).text == " "
    assert last.mark(row, NOW + 90).text == "◇"


def test_lines_of_an_earlier_attempt_do_not_count() -> None:
    last, row = LastLines(), running("etl", "db1", 10)
    last.take([line(row, "of the attempt before", 60)])
    assert last.of(row) is None
    assert last.mark(row, NOW).text == " "
    assert last.unknown([row]) is row


def test_a_task_without_output_is_silent_since_its_start_once_that_is_known() -> None:
    last, row = LastLines(), running("etl", "db1", 100)
    assert last.mark(row, NOW).text == " "
    last.looked(row, ())
    assert last.unknown([row]) is None
    assert last.of(row) == Last(row.since, b"")
    assert last.mark(row, NOW).text == "◇"
    assert last.of(row._replace(invocation="another", since=NOW)) is None


def test_what_does_not_run_any_more_is_forgotten() -> None:
    last, row, other = LastLines(), running("etl", "db1", 9), running("etl", "db2", 9)
    last.take([line(row, "x", 1), line(other, "y", 1)])
    last.keep([row])
    assert last.of(row) is not None
    assert last.of(other) is None


def test_only_the_beginning_of_a_long_line_is_kept() -> None:
    last, row = LastLines(), running("etl", "db1", 9)
    last.take([line(row, "x" * 10**6, 1)])
    kept = last.of(row)
    assert kept is not None
    assert len(kept.line) < 1000
