"""How far the owed tasks are, and waiting until they are done or nothing runs."""

import asyncio

from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import number_or_none
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.scheduling.reasons import Reason

LONGEST_WAIT_SEC = 5
"""A request is not kept waiting longer, by all its subqueries together; who wants to
wait on asks again."""

_DONE, _IDLE = "done", "idle"


async def _progress(desk: Desk, query: Query) -> Json:
    until, wait_sec = _until(query), _wait_sec(query)
    found = _now(desk)
    if until is None or not wait_sec:
        return found
    end = asyncio.get_running_loop().time() + wait_sec
    changed = asyncio.Event()
    unsubscribe = desk.subscribe(changed.set)
    try:
        while not _is_over(found, until):
            if not await desk.patience.wait(changed, until=end):
                break
            changed.clear()
            found = _now(desk)
    finally:
        unsubscribe()
    return found


def _now(desk: Desk) -> dict[str, Json]:
    core = desk.core
    progress = core.progress()
    running = core.state.attempts.live
    is_settled = not (
        running or core.unstored or core.recovering() or desk.world.awaits_nodes
    )
    can_progress = progress.can_progress or (
        desk.world.awaits_nodes and not core.is_stopping
    )
    return {
        "done": progress.done,
        "failed": progress.failed,
        "blocked": progress.blocked,
        "running": running,
        "can_progress": can_progress,
        "is_done": progress.is_all_done and not can_progress,
        "is_idle": is_settled and (core.is_stopping or not _can_start(desk)),
    }


def _can_start(desk: Desk) -> bool:
    """Return whether a task could start now, where nothing runs."""
    core = desk.core
    if core.config is None:
        return True
    # Most jobs have no candidates; to count takes several times as long as to see that.
    return any(
        tasks.count(Reason.RUNNABLE) and core.counts(job).get(Reason.RUNNABLE)
        for job, tasks in core.state.jobs.items()
    )


def _is_over(found: dict[str, Json], until: str) -> bool:
    """Return whether there is nothing to wait for any more, come to that or not."""
    if until == _IDLE:
        return bool(found["is_idle"])
    return bool(found["is_done"]) or not found["can_progress"]


def _until(query: Query) -> str | None:
    until = query.get("until")
    if until is None or until in (_DONE, _IDLE):
        return None if until is None else str(until)
    raise HandlerError(f"until must be {_DONE} or {_IDLE}")


def _wait_sec(query: Query) -> float:
    wait_sec = number_or_none(query, "wait_sec") or 0.0
    if not 0 <= wait_sec <= LONGEST_WAIT_SEC:
        raise HandlerError(f"wait_sec must be a number from 0 to {LONGEST_WAIT_SEC}")
    return wait_sec


_COUNT = {"type": "integer", "minimum": 0}
_FLAG = {"type": "boolean"}
_GIVES: dict[str, Json] = {
    "done": _COUNT,
    "failed": _COUNT,
    "blocked": _COUNT,
    "running": _COUNT,
    "can_progress": _FLAG,
    "is_done": _FLAG,
    "is_idle": _FLAG,
}

PROGRESS = (
    Handler(
        name="progress",
        answer=_progress,
        about="How many owed tasks are done, failed, or neither; whether any of them"
        " can get further, all are done, or none runs or can start now. With until,"
        " answered when it came to that or cannot any more, or after wait_sec; all"
        f" subqueries of a request wait {LONGEST_WAIT_SEC} s together at most.",
        takes={
            "until": {"enum": [_DONE, _IDLE, None]},
            "wait_sec": {
                "type": ["number", "string", "null"],
                "minimum": 0,
                "maximum": LONGEST_WAIT_SEC,
            },
        },
        gives={
            "type": "object",
            "properties": _GIVES,
            "required": list(_GIVES),
            "additionalProperties": False,
        },
    ),
)
