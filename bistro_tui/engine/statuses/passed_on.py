"""A status as a worker passes it on to its scheduler, as text. Pure.

Source: Bistro, statuses/TaskStatus (toString, fromString).
"""

import json

from bistro_tui.engine.statuses.report import (
    WORDS,
    UnreadableError,
    describe,
    error_backoff,
    from_json,
)
from bistro_tui.engine.statuses.status import Complaint, TaskStatus

_MADE = "made"
"""Tells that nobody wrote this for the task, so its checkpoint stays as it is."""


def as_text(status: TaskStatus) -> str:
    """Return a word where that says it all, else JSON with ``result_bits``.

    ``from_text`` makes the same of it, but for the time.
    """
    word = describe(status)
    if not status.data and WORDS.get(word) == status.bits:
        return word
    whole: dict[str, object] = {"result_bits": int(status.bits)}
    if status.data:
        whole["data"] = dict(status.data)
    if isinstance(status.data, Complaint):
        whole[_MADE] = True
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str, *, now_wall: float) -> TaskStatus:
    """Return the status that ``text`` says; never raises.

    What is none becomes an error with backoff that says so.
    """
    bits = WORDS.get(text)
    if bits is not None:
        return TaskStatus(bits=bits, time=now_wall)
    try:
        found, data = from_json(text)
    except UnreadableError as unreadable:
        return error_backoff(
            f"Cannot parse the status that the worker passed on: {unreadable}",
            now_wall=now_wall,
        )
    if _MADE in text and json.loads(text).get(_MADE) is True:
        data = Complaint(data)
    return TaskStatus(bits=found, time=now_wall, data=data)
