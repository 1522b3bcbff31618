"""The ``tasks`` handler: a table of tasks, a page at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from bistro_tui.engine.api.cursors import read_cursor, write_cursor
from bistro_tui.engine.api.encoding import encoded_now
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import count_of, text_or_none
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.api.unknown import check_job
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.near import nearest
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import removed_jobs
from bistro_tui.engine.scheduling.task_pages import Asked, Cursor, TaskRow

T = TypeVar("T")

_LIMIT = 100
MOST = 10_000
"""Rows of one page, whatever is asked."""

LOOK_SEC = 0.25
"""A page with fewer rows is answered when so much time went by looking for more."""


async def find_tasks(
    desk: Desk,
    asked: Asked,
    after: str | None,
    limit: int,
    make: Callable[[TaskRow], T],
) -> tuple[list[T], str | None]:
    """Return a page of what ``make`` makes of rows, and what the next page is after.

    None: that is all. Raises HandlerError.
    """
    if limit < 1:
        raise HandlerError("limit must be at least 1")
    if asked.job is not None and asked.job not in removed_jobs(desk.core.state):
        await check_job(desk, asked.job)
    begin = read_cursor(after) if after is not None else None
    if begin is not None and asked.job not in (None, begin.job):
        raise HandlerError(f"after is of job {begin.job}, not of {asked.job}")
    rows, end = await _page(desk, asked, begin, min(limit, MOST), make)
    return rows, write_cursor(end) if end is not None else None


async def _tasks(desk: Desk, query: Query) -> Json:
    job = text_or_none(query, "job")
    asked = Asked(
        job=JobName(job) if job is not None else None,
        reason=_reason(query),
        name=text_or_none(query, "name") or "",
    )
    limit, after = count_of(query, "limit", _LIMIT), text_or_none(query, "after")
    tasks, end = await find_tasks(
        desk, asked, after, limit, lambda row: encoded_now(row_of(desk, row))
    )
    return {"tasks": tasks, "next": end}


async def _page(
    desk: Desk,
    asked: Asked,
    after: Cursor | None,
    limit: int,
    make: Callable[[TaskRow], T],
) -> tuple[list[T], Cursor | None]:
    """Return a page, and where the next begins; None if there is nothing more."""
    rows: list[T] = []
    turns, loop = Turns(), asyncio.get_running_loop()
    end = loop.time() + LOOK_SEC
    last: Cursor | None = None
    while True:
        most = max(1, limit - len(rows))
        piece = desk.core.task_pages.piece(asked, after, most, desk.clock.now())
        if len(rows) == limit and piece.rows:
            # There is at least one more.
            return rows, last
        rows += map(make, piece.rows)
        after = piece.after
        if after is None:
            return rows, None
        if last is None and len(rows) == limit:
            last = after
        if loop.time() >= end:
            return rows, last or after
        await turns.rest()


def _reason(query: Query) -> Reason | None:
    word = text_or_none(query, "status")
    if word is None:
        return None
    try:
        return Reason(word)
    except ValueError:
        known = [reason.value for reason in Reason]
        near = nearest(word, known)
        meant = f"; did you mean {near}?" if near else ""
        words = ", ".join(known)
        raise HandlerError(f"Unknown status: {word}{meant} (one of {words})") from None


def row_of(desk: Desk, row: TaskRow) -> dict[str, Json]:
    """Return a row as it is answered."""
    return {
        "job": row.task.job,
        "node": row.task.node,
        "status": row.reason.value,
        "since": row.since,
        "attempts": row.attempts,
        "next_run": row.next_run,
        "why": row.why,
        "worker_shard": _shard(desk, row),
    }


def _shard(desk: Desk, row: TaskRow) -> str | None:
    """Return who runs that task; None: nobody does."""
    if row.reason is not Reason.RUNNING:
        return None
    state = desk.core.state
    attempt = state.attempts.get(row.task)
    if attempt is None or not state.workers.is_reported:
        return desk.worker
    return attempt.worker


_TIME: dict[str, Json] = {"type": ["number", "null"]}
_ROW: dict[str, Json] = {
    "job": {"type": "string"},
    "node": {"type": "string"},
    "status": {"enum": [reason.value for reason in Reason]},
    "since": _TIME,
    "attempts": {"type": "integer", "minimum": 0},
    "next_run": _TIME,
    "why": {"type": "string"},
    "worker_shard": {"type": ["string", "null"]},
}

TASK_ROWS = (
    Handler(
        name="tasks",
        answer=_tasks,
        about="Tasks in the order of the config and of their nodes, a page at a time."
        " A page may have fewer tasks than asked for, or none, and still a next.",
        takes={
            "job": {
                "type": ["string", "null"],
                "description": "Only tasks of this job.",
            },
            "status": {
                "type": ["string", "null"],
                "description": "Only tasks with this reason.",
            },
            "name": {
                "type": ["string", "null"],
                "description": "Only tasks on nodes with this in their name.",
            },
            "limit": {"type": "integer", "minimum": 1, "default": _LIMIT},
            "after": {
                "type": ["string", "null"],
                "description": "The next of an earlier answer.",
            },
        },
        gives={
            "type": "object",
            "properties": {
                "tasks": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": _ROW,
                        "required": list(_ROW),
                        "additionalProperties": False,
                    },
                },
                "next": {"type": ["string", "null"]},
            },
            "required": ["tasks", "next"],
            "additionalProperties": False,
        },
    ),
)
