"""The newest lines of a log, as those who follow it want them."""

from collections.abc import Sequence
from dataclasses import replace

from bistro_tui.engine.api.encoding import encoded_items
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import count_of, text_or_none
from bistro_tui.engine.api.schemas import by_name, closed
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.view import LogLine
from bistro_tui.engine.wire.answers import encode_line, encode_page

MOST_LINES = 5_000
MOST_BYTES = 2**20
"""Of lines in one answer; more would take the loop's time."""

_TOGETHER = 20
"""Lines that are encoded in one go, if they are short: some tenths of a millisecond."""
_SHORT = 2**14

_LARGEST_ID = 2**63 - 1


async def _log_tail(desk: Desk, query: Query) -> Json:
    limit = min(count_of(query, "limit", 500), MOST_LINES)
    page = await desk.control.read_log(_task(query), after=_after(query), limit=limit)
    answer = encode_page(replace(page, lines=()))
    turns = Turns()
    lines = _newest(page.lines)
    for at in range(0, len(lines), _TOGETHER):
        some = lines[at : at + _TOGETHER]
        encoded = list(map(encode_line, some))
        if sum(len(line.line) for line in some) < _SHORT:
            encoded = [encoded_items(encoded)]
        answer["lines"] += encoded
        await turns.rest()
    return answer


def _newest(lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """Return the last lines that are not too long together, and at least one."""
    size = 0
    for number, line in enumerate(reversed(lines)):
        size += len(line.line)
        if size > MOST_BYTES and number:
            return tuple(lines[len(lines) - number :])
    return tuple(lines)


def _task(query: Query) -> TaskId | None:
    job, node = text_or_none(query, "job"), text_or_none(query, "node")
    if job is None and node is None:
        return None
    if job is None or node is None:
        raise HandlerError("job and node belong together: give both or none")
    return TaskId(JobName(job), NodeName(node))


def _after(query: Query) -> int:
    value = query.get("after")
    if value is None:
        return 0
    if isinstance(value, str) and value.isascii() and 0 < len(value) < 20:
        value = int(value) if value.isdecimal() else value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise HandlerError("after must be the id of a line")
    return min(value, _LARGEST_ID)


_LINE: Json = closed(
    {
        "line_id": {"type": "string"},
        "job": {"type": "string"},
        "node": {"type": "string"},
        "stream": {"enum": ["stdout", "stderr"]},
        "text": {"type": "string", "description": "The line, if it is UTF-8."},
        "base64": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "The bytes of any other line.",
        },
    },
    optional=("text", "base64"),
)
UNFINISHED: Json = closed(
    {key: _LINE["properties"][key] for key in ("text", "base64")},
    optional=("text", "base64"),
)

TAILS = (
    Handler(
        name="log_tail",
        answer=_log_tail,
        about="The newest lines of stdout and stderr after one that is known, of one"
        " task or of all; bytes that are no UTF-8 as base64.",
        takes={
            "job": {"type": ["string", "null"]},
            "node": {"type": ["string", "null"]},
            "after": {
                "type": ["string", "integer", "null"],
                "description": "A last_id of an answer before; nothing: all lines.",
            },
            "limit": {"type": "integer", "minimum": 0, "default": 500},
        },
        gives=closed(
            {
                "lines": {"type": "array", "items": _LINE},
                "last_id": {"type": "string"},
                "partial": by_name(UNFINISHED),
                "attempt_running": {"type": "boolean"},
                "unasked": {
                    "description": "Why lines of some workers are not among these.",
                    "type": "array",
                    "items": {"type": "string"},
                },
            },
            optional=("unasked",),
        ),
    ),
)
