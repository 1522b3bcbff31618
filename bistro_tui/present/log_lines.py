"""Log lines as styled text."""

from datetime import tzinfo

from bistro_tui.engine.view import LogLine, Stream, TaskId
from bistro_tui.present import words
from bistro_tui.present.clean import clean_log, clean_name
from bistro_tui.present.spans import Span


def clock(line: LogLine, zone: tzinfo | None = None) -> Span:
    """Return when a line came."""
    return Span(words.clock_time(line.line_id >> 32, zone) + " ", "dim")


def tag(task: TaskId) -> Span:
    """Return whose line it is, where lines of several tasks are mixed."""
    return Span(clean_name(str(task)), "accent")


def tag_width(width: int) -> int:
    """Return how many cells whose line it is may take of a log that wide."""
    return max(8, min(24, width // 4))


def stream_mark(stream: Stream) -> Span:
    """Return the bar at the left of a line: thick and warm for stderr."""
    return Span("▌ ", "stderr") if stream is Stream.STDERR else Span("│ ", "faint")


def body(raw: bytes, stream: Stream) -> Span:
    """Return the text of a line, safe to show."""
    return Span(clean_log(raw), "stderr" if stream is Stream.STDERR else "")
