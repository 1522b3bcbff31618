"""What an ended attempt left behind, made into a status.

Source: Bistro, statuses/TaskStatus (fromString) and processes/TaskSubprocessQueue.
"""

import json
import math
import re
from typing import Any, NamedTuple

from bistro_tui.engine.config.model import StatusFrom
from bistro_tui.engine.statuses import bits as status_bits
from bistro_tui.engine.statuses.bits import MAIN_BITS, Bits
from bistro_tui.engine.statuses.status import TaskStatus, complaint

MAX_REPORT_BYTES = 65536
"""What a status may hold, its final newline not counted."""

READ_BYTES = MAX_REPORT_BYTES + 3
"""Reading this much of a status file is enough to know that it is too long."""

MAX_DATA_DEPTH = 200
"""Data nested deeper could not be written as JSON again everywhere."""

QUOTED_CHARS = 200

KILLED = "Task killed, no status returned"
"""What is told of an attempt that was killed and reported no status."""

WORDS = {
    "done": status_bits.DONE,
    "incomplete": status_bits.INCOMPLETE,
    "incomplete_backoff": status_bits.INCOMPLETE_BACKOFF,
    "error_backoff": status_bits.ERROR_BACKOFF,
    "backoff": status_bits.ERROR_BACKOFF,
    "failed": status_bits.FAILED,
}
"""The words that a task may write."""

_REPORTABLE = (
    Bits.DONE
    | Bits.INCOMPLETE
    | Bits.FAILED
    | Bits.ERROR
    | Bits.USES_BACKOFF
    | Bits.DOES_NOT_ADVANCE_BACKOFF
    | Bits.OVERWRITEABLE
)
_BACKOFF_COMBINATIONS = frozenset(
    {
        status_bits.ERROR_BACKOFF,
        status_bits.ERROR_BACKOFF | Bits.DOES_NOT_ADVANCE_BACKOFF,
        status_bits.INCOMPLETE_BACKOFF,
    }
)
_WORD_LINES = {
    (word + end).encode(): bits
    for word, bits in WORDS.items()
    for end in ("", "\n", "\r\n")
}
"""Almost every report is one of these."""

_SAVED_BACKOFF = "__bistro_saved_backoff"
_INTEGER = re.compile(r"[ \t\r]*[+-]?[0-9]{1,19}[ \t\r]*", re.ASCII)


class Exit(NamedTuple):
    """How the main process of an attempt ended; one of the two is given."""

    code: int | None = None
    signal: int | None = None

    @property
    def text(self) -> str:
        """What people are told: ``exited with status 1``, ``killed by signal 9``."""
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        if self.code is not None:
            return f"exited with status {self.code}"
        return "ended in an unknown way"


class UnreadableError(Exception):
    """The text is not a status; the message says why."""


def error_backoff(exception: str, *, now_wall: float) -> TaskStatus:
    """Return an error with backoff whose data says what went wrong."""
    return TaskStatus(
        bits=status_bits.ERROR_BACKOFF, time=now_wall, data=complaint(exception)
    )


def killed(*, now_wall: float) -> TaskStatus:
    """Return the status of an attempt that was killed and reported none."""
    return TaskStatus(
        bits=status_bits.INCOMPLETE_BACKOFF,
        time=now_wall,
        data=complaint(KILLED),
    )


def final_status(
    content: bytes | None,
    *,
    ended: Exit,
    killed_by_us: bool,
    timed_out_sec: float | None,
    status_from: StatusFrom,
    now_wall: float,
) -> TaskStatus:
    """Return the status of an ended attempt; never raises.

    ``content`` is what the status file holds (at most ``READ_BYTES`` of it), None
    where it is gone or no regular file. ``timed_out_sec`` is the limit that the
    attempt ran into, None if it did not. A written status always wins.
    """
    if content:
        return parse_report(content, now_wall=now_wall)
    if timed_out_sec is not None:
        return error_backoff(f"timed out after {timed_out_sec:g} s", now_wall=now_wall)
    if killed_by_us:
        return killed(now_wall=now_wall)
    if content is None:
        return parse_report(None, now_wall=now_wall)
    if status_from is StatusFrom.EXIT_CODE:
        if ended.code == 0 and ended.signal is None:
            return TaskStatus(bits=Bits.DONE, time=now_wall)
        return error_backoff(ended.text, now_wall=now_wall)
    return error_backoff(f"No status returned: {ended.text}", now_wall=now_wall)


def parse_report(content: bytes | None, *, now_wall: float) -> TaskStatus:
    """Return the status that ``content`` says; never raises.

    Whatever is not a status becomes an error with backoff whose ``data.exception``
    quotes it and says why. None means that there is no regular file to read.
    """
    if content is None:
        return error_backoff(
            "Cannot read status: the status file is gone or is not a regular file",
            now_wall=now_wall,
        )
    if not content:
        return error_backoff("No status returned", now_wall=now_wall)
    bits = _WORD_LINES.get(content)
    if bits is not None:
        return TaskStatus(bits=bits, time=now_wall)
    try:
        found, data = from_json(_line(content))
    except UnreadableError as unreadable:
        return error_backoff(
            f"Cannot parse status: {_quote(content)}, {unreadable}", now_wall=now_wall
        )
    return TaskStatus(bits=found, time=now_wall, data=data)


def describe(status: TaskStatus) -> str:
    """Return a short word: one that a task may write, or ``error``."""
    if status.is_done:
        return "done"
    if status.is_failed:
        return "failed"
    word = "incomplete" if Bits.INCOMPLETE in status.bits else "error"
    return f"{word}_backoff" if status.uses_backoff else word


def _line(content: bytes) -> str:
    if content.endswith(b"\n"):
        content = content[: -2 if content.endswith(b"\r\n") else -1]
    if not content:
        raise UnreadableError("it is an empty line")
    if len(content) > MAX_REPORT_BYTES:
        raise UnreadableError(f"it is longer than {MAX_REPORT_BYTES} bytes")
    if b"\n" in content:
        raise UnreadableError("it has several lines; write exactly one")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8 (byte {error.start + 1})") from error


def from_json(text: str) -> tuple[Bits, dict[str, Any]]:
    """Return bits and data of a status that is JSON. Raises UnreadableError."""
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(
            f"it is neither a word that is known ({', '.join(WORDS)}) nor JSON"
        ) from error
    if not isinstance(found, dict):
        raise UnreadableError("JSON, but not an object")
    if "result_bits" in found:
        bits = _checked_bits(found["result_bits"])
    elif "result" in found:
        result = found["result"]
        if not isinstance(result, str) or result not in WORDS:
            raise UnreadableError(f"its result is none of {', '.join(WORDS)}")
        bits = WORDS[result]
    else:
        raise UnreadableError("it has neither result nor result_bits")
    return bits, _checked_data(found.get("data", {}))


def _checked_bits(value: object) -> Bits:
    number = _integer(value)
    if number is None:
        raise UnreadableError("its result_bits is not an integer")
    if number == Bits.RUNNING:
        raise UnreadableError("a task cannot report that it is running")
    if number < 0 or number & ~int(_REPORTABLE):
        raise UnreadableError("its result_bits has bits that a task cannot set")
    bits = Bits(number)
    if (bits & MAIN_BITS).bit_count() != 1:
        raise UnreadableError(
            "its result_bits has not exactly one of done, incomplete, failed, error"
        )
    if (
        Bits.USES_BACKOFF in bits
        and bits & ~Bits.OVERWRITEABLE not in _BACKOFF_COMBINATIONS
    ):
        raise UnreadableError(
            "its result_bits asks for a backoff that cannot be; 96, 608 and 584 can"
        )
    return bits


def _integer(value: object) -> int | None:
    """Return ``value`` as Bistro coerces it to an integer, None if it cannot."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def _checked_data(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise UnreadableError("its data is not an object")
    if _is_deeper_than(MAX_DATA_DEPTH, data):
        raise UnreadableError(f"its data is nested deeper than {MAX_DATA_DEPTH}")
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UnreadableError("its data has half a surrogate pair") from error
    return {key: value for key, value in data.items() if key != _SAVED_BACKOFF}


def _is_deeper_than(limit: int, value: object) -> bool:
    layer = [value]
    for _ in range(limit + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return True


def _refuse(word: str) -> float:
    raise ValueError(word)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _quote(content: bytes) -> str:
    """Return at most ``QUOTED_CHARS`` characters, none of them unprintable."""
    quoted = repr(content[: 4 * QUOTED_CHARS].decode("utf-8", "backslashreplace"))
    if len(quoted) <= QUOTED_CHARS:
        return quoted
    return quoted[: QUOTED_CHARS - 1] + "…"
