"""Where the next page of tasks begins, as text that nobody has to understand. Pure."""

import base64
import binascii
import json

from bistro_tui.engine.api.handler import HandlerError
from bistro_tui.engine.scheduling.task_pages import OVER, Cursor

_LONGEST = 2**16


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as letters, digits, dashes and underscores."""
    text = json.dumps(cursor, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def read_cursor(text: str) -> Cursor:
    """Return the cursor of a text; HandlerError if it is of none."""
    try:
        padding = "=" * (-len(text) % 4)
        found = json.loads(base64.urlsafe_b64decode(text[:_LONGEST] + padding))
    except (ValueError, binascii.Error, RecursionError):
        raise _no_cursor() from None
    if not isinstance(found, list) or len(found) != len(Cursor._fields):
        raise _no_cursor()
    job, job_at, jobs, node, node_at, nodes = found
    is_text = isinstance(job, str) and isinstance(node, str)
    if not is_text or not all(map(_is_place, (job_at, jobs, node_at, nodes))):
        raise _no_cursor()
    return Cursor(job, job_at, jobs, node, node_at, nodes)


def _is_place(value: object) -> bool:
    return type(value) is int and OVER <= value < 2**31


def _no_cursor() -> HandlerError:
    return HandlerError("after is no cursor: give the next of an earlier answer")
