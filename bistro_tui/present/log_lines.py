"""Log lines as styled text."""

import enum
from collections.abc import Mapping
from datetime import tzinfo
from zlib import crc32

from bistro_tui.engine.view import LogLine, Stream, TaskId
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_name
from bistro_tui.present.sgr import has_sgr, runs, without_sgr
from bistro_tui.present.spans import Line, Span, plain_text

SHOWN_BYTES = 10_000
"""Of one line on the screen; the rest is only counted."""

_TAGS = ("accent", "running", "done", "backoff", "ready", "blocked")


class Times(enum.StrEnum):
    """What stands before each line of when it came."""

    OFF = "off"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"


_NEXT_TIMES: Mapping[Times, Times] = {
    Times.OFF: Times.ABSOLUTE,
    Times.ABSOLUTE: Times.RELATIVE,
    Times.RELATIVE: Times.OFF,
}


def next_times(times: Times) -> Times:
    """Return the choice after this one."""
    return _NEXT_TIMES[times]


def second_of(line: LogLine) -> int:
    """Return the wall second in which a line came."""
    return line.line_id >> 32


def when(line: LogLine, times: Times, now: float, zone: tzinfo | None = None) -> Span:
    """Return when a line came, always as many characters for the same choice."""
    match times:
        case Times.OFF:
            return Span("")
        case Times.RELATIVE:
            return Span(f"{words.coarse(now - second_of(line)):>4} ", "dim")
        case Times.ABSOLUTE:
            return Span(f"{words.clock_time(second_of(line), zone)} ", "dim")


def not_yet(times: Times) -> Span:
    """Return what stands there before a line that is not whole."""
    widths = {Times.OFF: 0, Times.RELATIVE: 5, Times.ABSOLUTE: 9}
    return Span("… ".rjust(widths[times]) if widths[times] else "", "dim")


def tag(task: TaskId) -> Span:
    """Return whose line it is, where lines of several tasks are mixed.

    The same task has the same colour everywhere and always.
    """
    name = str(task)
    number = crc32(name.encode(errors="surrogatepass"))
    return Span(clean_name(name), _TAGS[number % len(_TAGS)])


def tag_width(width: int) -> int:
    """Return how many cells whose line it is may take of a log that wide."""
    return max(8, min(24, width // 4))


def stream_mark(stream: Stream) -> Span:
    """Return the bar at the left of a line: thick and warm for stderr."""
    return Span("▌ ", "stderr") if stream is Stream.STDERR else Span("│ ", "faint")


def _decoded(raw: bytes) -> tuple[str, int]:
    """Return what a terminal would leave of a line, and how many bytes were cut."""
    raw = raw.rstrip(b"\n")
    if b"\r" in raw:
        # Of text overwritten by carriage returns the last segment that is not empty.
        raw = next((part for part in reversed(raw.split(b"\r")) if part), b"")
    if len(raw) <= SHOWN_BYTES:
        return raw.decode("utf-8", "replace"), 0
    end = SHOWN_BYTES
    while end > SHOWN_BYTES - 3 and raw[end] & 0xC0 == 0x80:
        end -= 1  # not between the bytes of one character
    return raw[:end].decode("utf-8", "replace"), len(raw) - end


def _expanded(text: str) -> str:
    return text.expandtabs(8) if "\t" in text else text


def body(raw: bytes, stream: Stream) -> Line:
    """Return the text of a line, safe to show, in the colours that it asks for."""
    text, rest = _decoded(raw)
    plain = "stderr" if stream is Stream.STDERR else ""
    if has_sgr(text):
        line = tuple(
            Span(clean(piece), style) for piece, style in runs(_expanded(text), plain)
        )
    else:
        line = (Span(clean(_expanded(text)), plain),)
    if rest:
        line = (*line, Span(cut_mark(rest), "dim"))
    return line


def text_of(raw: bytes) -> str:
    """Return the characters of a line as ``body`` shows them."""
    text, rest = _decoded(raw)
    if has_sgr(text):
        return plain_text(body(raw, Stream.STDOUT))
    text = clean(_expanded(text))
    return text + cut_mark(rest) if rest else text


def cut_mark(rest: int) -> str:
    """Return what stands for that many bytes of a line that are not shown."""
    return f" … {words.size(rest)} more"


def ascii_length(raw: bytes) -> int | None:
    """Return the length of ``text_of`` where it is seen at once: of plain ASCII."""
    if not raw.isascii():
        return None
    end = len(raw) - raw.endswith(b"\n")
    if not raw[: min(end, SHOWN_BYTES)].decode("ascii").isprintable():
        return None
    if end <= SHOWN_BYTES:
        return end
    return None if b"\r" in raw else SHOWN_BYTES + len(cut_mark(end - SHOWN_BYTES))


def whole_text(raw: bytes) -> str:
    """Return a line for a file or the clipboard: safe, and nothing is cut off."""
    parts = raw.rstrip(b"\n").decode("utf-8", "replace").split("\r")
    text = next((part for part in reversed(parts) if part), "")
    return clean(without_sgr(_expanded(text)))
