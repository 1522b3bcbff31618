"""What is over: attempts, and the lines that tasks printed. Read beside the loop."""

import re

from bistro_tui.engine import sentences
from bistro_tui.engine.api.encoding import encoded_items
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import (
    count_of,
    names_of,
    number_or_none,
    text_or_none,
)
from bistro_tui.engine.api.regexes import regex_of, text_of_lines
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.history import (
    MOST_ATTEMPTS,
    RESULTS,
    HistoryQuery,
    Place,
    attempt_json,
    place_in,
    place_text,
    within_reach,
)
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.places import MOST_DIGITS
from bistro_tui.engine.logs.query import (
    LAST_ID,
    OUTPUT,
    PAGE_LINES,
    LogQuery,
)
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream

_ATTEMPTS = 50
_TOGETHER = 20
"""Lines that are encoded in one go."""
_LINE_ID = re.compile(rf"[0-9]{{1,{MOST_DIGITS}}}", re.ASCII)


async def _history(desk: Desk, query: Query) -> Json:
    job, node = text_or_none(query, "job"), text_or_none(query, "node")
    statuses = names_of(query, "statuses")
    if unknown := [word for word in statuses if word not in RESULTS]:
        raise HandlerError(f"statuses: {unknown[0]!r} is none of {', '.join(RESULTS)}")
    if node is not None and job is None:
        raise HandlerError("node needs a job")
    limit = min(max(count_of(query, "limit", _ATTEMPTS), 1), MOST_ATTEMPTS)
    asked = HistoryQuery(
        job=JobName(job) if job is not None else None,
        node=NodeName(node) if node is not None else None,
        since=within_reach(number_or_none(query, "since")),
        results=statuses,
        limit=limit,
        before=_place(text_or_none(query, "before")),
    )
    found, place = await desk.past.attempts(asked)
    return {
        "attempts": [attempt_json(record) for record in found],
        "next": place_text(place) if place is not None else None,
    }


def _place(text: str | None) -> Place | None:
    found = place_in(text) if text is not None else None
    if text is not None and found is None:
        raise HandlerError(sentences.no_place())
    return found


async def _log_lines(desk: Desk, query: Query) -> Json:
    asked = LogQuery(
        streams=_streams(query),
        jobs=tuple(map(JobName, names_of(query, "jobs"))),
        nodes=tuple(map(NodeName, names_of(query, "nodes"))),
        line_id=_line_id(query, "line_id"),
        stop_id=_line_id(query, "stop_id"),
        ascending=query.get("sort", "desc") == "asc",
        limit=min(max(count_of(query, "limit", PAGE_LINES), 1), PAGE_LINES),
        pattern=await _pattern(query),
    )
    invocation = text_or_none(query, "invocation")
    if invocation is not None and not len(asked.jobs) == len(asked.nodes) == 1:
        raise HandlerError("invocation needs one job and one node")
    page = await desk.past.lines(asked, invocation=invocation)
    lines: list[Json] = []
    turns = Turns()
    for at in range(0, len(page.lines), _TOGETHER):
        some = page.lines[at : at + _TOGETHER]
        lines.append(encoded_items([_line_json(line) for line in some]))
        await turns.rest()
    answer: dict[str, Json] = {
        "lines": lines,
        "next_line_id": str(page.next_line_id),
        "last_id": str(page.last_id),
    }
    return answer | {"unasked": list(page.unasked)} if page.unasked else answer


def _line_json(line: StoredLine) -> list[Json]:
    # Bytes that are no UTF-8 become halves of surrogate pairs, which JSON can escape.
    text = line.line.decode("utf-8", "surrogateescape")
    job, node = line.task
    return [job, node, line.line_id >> 32, text, str(line.line_id), line.stream.value]


def _streams(query: Query) -> tuple[Stream, ...]:
    names = names_of(query, "streams")
    try:
        return tuple(dict.fromkeys(map(Stream, names))) or OUTPUT
    except ValueError:
        raise HandlerError(f"streams: each is one of {', '.join(Stream)}") from None


def _line_id(query: Query, key: str) -> int | None:
    text = text_or_none(query, key)
    if text is None:
        return None
    if not _LINE_ID.fullmatch(text):
        raise HandlerError(f"{key} must be a line id: a string of digits")
    number = int(text)
    # Between the greatest line id and the least place there is nothing.
    return number if number >> 64 else min(number, LAST_ID)


async def _pattern(query: Query) -> Pattern | None:
    ignore_case = query.get("ignore_case") is True
    if query.get("text") is not None:
        return await text_of_lines(query, "text", ignore_case=ignore_case)
    return await regex_of(query, "regex", ignore_case=ignore_case)


_TEXT: Json = {"type": "string"}
_TEXT_OR_NULL: dict[str, Json] = {"type": ["string", "null"]}
_NUMBER: Json = {"type": "number"}
_NAMES: dict[str, Json] = {"type": "array", "items": _TEXT}
_ID: Json = {
    "type": ["string", "null"],
    "pattern": f"^[0-9]{{1,{MOST_DIGITS}}}$",
}
_ATTEMPT: dict[str, Json] = {
    "job": _TEXT,
    "node": _TEXT,
    "invocation": _TEXT,
    "started": _NUMBER,
    "ended": _NUMBER,
    "seconds": _NUMBER,
    "status": {"enum": list(RESULTS)},
    "result_bits": {"type": "integer"},
    "exit": _TEXT,
    "detail": _TEXT,
    "worker": _TEXT,
    "peak_memory": {"type": ["integer", "null"]},
    "cpu_seconds": {"type": ["number", "null"]},
}

PAST = (
    Handler(
        name="history",
        answer=_history,
        about="Attempts that are over, newest first, a page at a time; one may be empty"
        " and still have a next, which is given as before.",
        takes={
            "job": _TEXT_OR_NULL,
            "node": _TEXT_OR_NULL,
            "since": {"type": ["number", "string", "null"]},
            "statuses": {"type": "array", "items": {"enum": list(RESULTS)}},
            "before": _TEXT_OR_NULL,
            "limit": {"type": "integer", "minimum": 0},
        },
        gives={
            "type": "object",
            "properties": {
                "attempts": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": _ATTEMPT,
                        "required": list(_ATTEMPT),
                        "additionalProperties": False,
                    },
                },
                "next": _TEXT_OR_NULL,
            },
            "required": ["attempts", "next"],
            "additionalProperties": False,
        },
    ),
    Handler(
        name="log_lines",
        answer=_log_lines,
        about="Lines of several logs at once, merged by time: [job, node, time, text,"
        " line id, stream]. Bytes that are no UTF-8 come as \\udc80 to \\udcff.",
        takes={
            "streams": {
                "type": "array",
                "items": {"enum": [stream.value for stream in Stream]},
            },
            "jobs": _NAMES,
            "nodes": _NAMES,
            "line_id": _ID,
            "stop_id": _ID,
            "sort": {"enum": ["asc", "desc"]},
            "limit": {"type": "integer", "minimum": 0},
            "invocation": {
                "description": "Only lines of that attempt, of one job and one node.",
                **_TEXT_OR_NULL,
            },
            "text": _TEXT_OR_NULL,
            "regex": _TEXT_OR_NULL,
            "ignore_case": {"type": "boolean"},
        },
        gives={
            "type": "object",
            "properties": {
                "lines": {
                    "type": "array",
                    "items": {"type": "array", "minItems": 6, "maxItems": 6},
                },
                "next_line_id": _TEXT,
                "last_id": _TEXT,
                "unasked": {
                    "description": "Why lines of some workers are not among these.",
                    **_NAMES,
                },
            },
            "required": ["lines", "next_line_id", "last_id"],
            "additionalProperties": False,
        },
    ),
)
