"""The handler ``task_logs``: stored lines of output and events, a page at a time.

Source: Bistro, server/HTTPMonitor and utils/LogWriter.
"""

from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import (
    names_of,
    number_or_none,
    place_or_none,
    text_of,
    text_or_none,
)
from bistro_tui.engine.api.regexes import regex_of
from bistro_tui.engine.api.schemas import NAMES, closed
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.logs.line_ids import LAST_SECOND
from bistro_tui.engine.logs.patterns import LONGEST_REGEX
from bistro_tui.engine.logs.query import THE_END, LogQuery
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream

_COUNTERS = 0xFFFFFFFF


async def _task_logs(desk: Desk, query: Query) -> Json:
    if "columns" in query:
        raise HandlerError("columns is not supported: lines have a fixed form")
    ascending = _is_ascending(query)
    asked = LogQuery(
        streams=(_stream(query),),
        jobs=tuple(map(JobName, dict.fromkeys(names_of(query, "jobs")))),
        nodes=tuple(map(NodeName, dict.fromkeys(names_of(query, "nodes")))),
        line_id=_start(query, ascending),
        ascending=ascending,
        pattern=await regex_of(query, "regex_filter"),
    )
    if refusal := desk.lines.refusal():
        raise HandlerError(refusal)
    page = await desk.lines.page(asked)
    # As lines with the id -1 they stand where that is: first or last.
    now = int(desk.clock.now().wall)
    notes: list[Json] = [["", "", now, text, str(THE_END)] for text in page.unasked]
    lines = list(map(_row, page.lines))
    return {
        "next_line_id": str(page.next_line_id),
        "lines": notes + lines if ascending else lines + notes,
    }


def _stream(query: Query) -> Stream:
    name = text_of(query, "log_type")
    try:
        return Stream(name)
    except ValueError:
        raise HandlerError(f"Unknown table for logs: {name}") from None


def _is_ascending(query: Query) -> bool:
    order = text_or_none(query, "sort")
    if order is None:
        return False
    if order.lower() not in ("asc", "desc"):
        raise HandlerError(f"Unknown sort order: {order}")
    return order.lower() == "asc"


def _start(query: Query, ascending: bool) -> int | None:
    """Return the first id that may be in the answer; None: from the end there is."""
    line_id, time = place_or_none(query, "line_id"), number_or_none(query, "time")
    if line_id is not None and time is not None:
        raise HandlerError("Cannot specify both time and line_id")
    if time is not None:
        return _id_of(int(time // 1), ascending)
    return None if line_id == THE_END else line_id


def _id_of(second: int, ascending: bool) -> int:
    """Return where a second begins in that direction: all of it is in the answer."""
    within = min(max(second, -1), LAST_SECOND)
    return within << 32 | (0 if ascending else _COUNTERS)


def _row(line: StoredLine) -> Json:
    return [
        line.task.job,
        line.task.node,
        line.line_id >> 32,
        line.line.decode("utf-8", "replace"),
        str(line.line_id),
    ]


_LINE_ID = {"type": "string", "pattern": "^-?[0-9]+$"}
_LINE: Json = {
    "description": "Job, node, second, text, line id. Bytes that are no UTF-8 are"
    " U+FFFD.",
    "type": "array",
    "prefixItems": [
        {"type": "string"},
        {"type": "string"},
        {"type": "integer"},
        {"type": "string"},
        _LINE_ID,
    ],
    "minItems": 5,
    "maxItems": 5,
}

TASK_LOGS = (
    Handler(
        name="task_logs",
        answer=_task_logs,
        about="Stored lines, here and on workers; what could not be asked of some is a"
        " line of no job with the id -1. A page may be empty and yet not be the last:"
        ' only a next_line_id of "-1" is the end of the data.',
        takes={
            "log_type": {"enum": [stream.value for stream in Stream]},
            "jobs": NAMES,
            "nodes": NAMES,
            "sort": {
                "description": "Oldest or newest first; upper case is as good.",
                "enum": ["asc", "desc", "ASC", "DESC", None],
                "default": "desc",
            },
            "time": {
                "description": "Begin with this second, all of it.",
                "type": ["number", "string", "null"],
            },
            "line_id": {
                "description": "Begin with this line: the next_line_id of a page, which"
                " is longer than an id where several workers have lines.",
                "type": ["string", "integer", "null"],
            },
            "regex_filter": {
                "description": "Only lines that contain a match (RE2).",
                "type": ["string", "null"],
                "maxLength": LONGEST_REGEX,
            },
        },
        requires=("log_type",),
        gives=closed(
            {"next_line_id": _LINE_ID, "lines": {"type": "array", "items": _LINE}}
        ),
    ),
)
