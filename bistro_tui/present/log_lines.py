"""Log lines as styled text."""

from datetime import tzinfo

from bistro_tui.engine.view import LogLine, Stream, TaskId
from bistro_tui.present import words
from bistro_tui.present.clean import clean_log, clean_name
from bistro_tui.present.spans import Line, Span

TAG_WIDTH = 24
"""Characters of ``job@node`` before a line of several tasks' output."""


def tag(task: TaskId) -> str:
    """Return ``job@node`` in exactly ``TAG_WIDTH`` characters where they are narrow."""
    text = clean_name(str(task))
    if len(text) > TAG_WIDTH:
        text = text[: TAG_WIDTH - 1] + "…"
    return text.ljust(TAG_WIDTH)


def gutter(
    line: LogLine, *, merged: bool, times: bool, zone: tzinfo | None = None
) -> Line:
    """Return what stands before a line: its time, its task, and its stream."""
    spans: list[Span] = []
    if times:
        spans.append(Span(words.clock_time(line.line_id >> 32, zone) + " ", "dim"))
    if merged:
        spans.append(Span(tag(line.task) + " ", "accent"))
    spans.append(stream_mark(line.stream))
    return tuple(spans)


def stream_mark(stream: Stream) -> Span:
    """Return the bar at the left of a line: thick and warm for stderr."""
    return Span("▌ ", "stderr") if stream is Stream.STDERR else Span("│ ", "faint")


def body(raw: bytes, stream: Stream) -> Span:
    """Return the text of a line, safe to show."""
    return Span(clean_log(raw), "stderr" if stream is Stream.STDERR else "")
