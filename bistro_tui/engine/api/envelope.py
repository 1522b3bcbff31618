"""One request: a JSON object of subqueries, each answered by itself.

Source: Bistro, server/HTTPMonitor.
"""

import asyncio
import dataclasses
import json
import logging
import math
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bistro_tui.engine.api.encoding import encode
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.places import SHORT
from bistro_tui.engine.api.progress import LONGEST_WAIT_SEC
from bistro_tui.engine.api.registry import HANDLERS
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.patience import Patience

log = logging.getLogger("bistro_tui")

MAX_DEPTH = 32
"""Brackets in brackets in a body."""
MAX_SUBQUERIES = 1_000
MAX_ANSWER = 16 * 2**20
"""Bytes of all answers to a request; what comes later is an error instead."""
SMALL_ANSWER = 64 * 1024
"""Bytes of answers that anybody may have at once."""
_SLICE = 256 * 1024
"""Characters that are encoded in one go."""

_TASKS = "tasks"
_NAMES = ("job_id", "node_id", "job", "node", "jobs", _TASKS, "level", "resource")
"""The input keys that tell what a change is about; no others are logged."""
_LOGGED = 5
"""So many of a list of names."""
_PREFS = "prefs"


class BadRequest(Exception):
    """The body is no JSON object of subqueries; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The subqueries of a request by name, in their order."""

    subqueries: Mapping[str, Json]

    @property
    def changes(self) -> bool:
        """Whether any of its handlers changes something."""
        return any(
            isinstance(one, dict)
            and isinstance(name := one.get("handler"), str)
            and name in HANDLERS
            and HANDLERS[name].changes
            for one in self.subqueries.values()
        )


def parse_request(body: bytes) -> Request:
    """Return what a body asks for. Raises BadRequest.

    Of a repeated name the last one counts, and ``prefs`` is no subquery.
    """
    try:
        text = body.decode("utf-8-sig")
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8: {error}") from None
    except RecursionError:
        raise _too_deep() from None
    except (json.JSONDecodeError, _BadNumber) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    except ValueError:
        # Python's own bound; its words are for programmers in Python.
        raise BadRequest("the body is not JSON: a number has too many digits") from None
    if not isinstance(found, dict):
        raise BadRequest("the body is not a JSON object of subqueries")
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(found)
    found.pop(_PREFS, None)
    if len(found) > MAX_SUBQUERIES:
        raise BadRequest(
            f"a request has at most {MAX_SUBQUERIES} subqueries, not {len(found)}"
        )
    return Request(subqueries=found)


class _BadNumber(ValueError):
    pass


def _refuse(word: str) -> Json:
    raise _BadNumber(f"{word} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _BadNumber(f"the number {shorten(digits)} is too large")
    return number


def _check_depth(body: Json) -> None:
    level, depth = [body], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]


def _too_deep() -> BadRequest:
    return BadRequest(f"the body is nested too deeply: more than {MAX_DEPTH} levels")


async def _no_bounds() -> None:
    pass


async def respond(
    desk: Desk,
    request: Request,
    *,
    who: str,
    is_trusted: bool = True,
    patience: Patience | None = None,
    enter: Callable[[], Awaitable[None]] = _no_bounds,
) -> bytearray:
    """Return the answers by the names of the subqueries, in their order, as JSON.

    Always an object. ``who`` asked is logged with everything that changes something.
    ``is_trusted``: whether secrets in jobs may be shown. ``enter`` is awaited before
    any subquery whose answer may be large or comes after large ones. Raises
    ConnectionResetError where whoever asked has left and only read.
    """
    if patience is None:
        patience = Patience(asyncio.get_running_loop().time() + LONGEST_WAIT_SEC)
    # One config for the whole request, whatever is loaded meanwhile.
    desk = dataclasses.replace(
        desk,
        seen=desk.core.config,
        hides_secrets=not is_trusted,
        patience=patience,
    )
    hide = None if is_trusted else await desk.hiding.of(desk.config)
    reads = not request.changes
    answer, turns = bytearray(b"{"), Turns()
    for name, query in request.subqueries.items():
        if len(answer) > MAX_ANSWER:
            found = _error(_too_large())
        else:
            if len(answer) > SMALL_ANSWER or not _is_short(query):
                await enter()
            if reads and patience.is_alone:
                raise ConnectionResetError
            found = await _one(desk, query, who, hide)
            if hide is not None and len(found) == 1:
                found = (hide(found[0]),)
            # Each is quick; a thousand of them would keep the loop for seconds.
            await turns.rest()
        for piece in ("," if len(answer) > 1 else "", json.dumps(name), ":", *found):
            for begin in range(0, len(piece), _SLICE):
                answer += piece[begin : begin + _SLICE].encode("ascii")
                await turns.rest()
    answer += b"}"
    return answer


def _is_short(query: Json) -> bool:
    """Return whether the answer is short whatever the query asks for."""
    name = query.get("handler") if isinstance(query, dict) else None
    return not isinstance(name, str) or name not in HANDLERS or name in SHORT


def _too_large() -> str:
    return (
        f"the answers before this one have more than {MAX_ANSWER // 2**20} MiB by now:"
        " ask for it in another request"
    )


async def _one(
    desk: Desk, query: Json, who: str, hide: Callable[[str], str] | None
) -> tuple[str, ...]:
    """Return the answer to a subquery, in pieces; an error is one piece.

    Of an error, nothing is hidden yet.
    """
    try:
        handler = _handler_of(query)
    except HandlerError as error:
        return _error(str(error))
    try:
        outcome = data = await handler.answer(desk, query)
        found: tuple[str, ...] = ('{"data":', await encode(data, hide), "}")
    except (HandlerError, ControlRefused) as error:
        outcome, found = f"refused: {error}", _error(str(error))
    except sqlite3.Error as error:
        outcome = f"the store cannot be read now: {error}"
        found = _error(outcome)
    except Exception as error:
        # Whatever is wrong with one handler, the others have to be answered.
        log.exception("internal error in the handler %s", handler.name)
        outcome = f"internal error {type(error).__name__}; see the scheduler's log"
        found = _error(outcome)
    desk.measures.subquery(handler.name, ok=len(found) > 1)
    if handler.changes:
        log.info("%s asked for %s: %s", who, _asked(handler, query), _cut(outcome))
    return found


def _error(text: str) -> tuple[str, ...]:
    return (json.dumps({"error": text}),)


def _handler_of(query: Json) -> Handler:
    if not isinstance(query, dict):
        raise HandlerError("a subquery must be an object with a handler")
    if "handler" not in query:
        raise HandlerError("Missing key: handler")
    name = query["handler"]
    if not isinstance(name, str):
        raise HandlerError("handler must be a string")
    handler = HANDLERS.get(name)
    if handler is None:
        raise HandlerError(f"Unknown handler: {name}")
    return handler


def _asked(handler: Handler, query: Query) -> str:
    """Return the handler and the names that a change is about, on one line."""
    asked = handler.name
    for key in _NAMES:
        value = query.get(key)
        # Not the job that is to be saved: there may be secrets in it.
        names = value[:_LOGGED] if isinstance(value, list) else [value]
        if key == _TASKS:
            names = [_task_name(one) for one in names]
        shown = [_cut(one) for one in names if isinstance(one, str)]
        if shown:
            more = ", …" if isinstance(value, list) and len(value) > _LOGGED else ""
            asked += f" {key}={', '.join(shown)}{more}"
    return asked


def _task_name(value: Json) -> str | None:
    """Return a task as people read it, None for what names none."""
    parts = (value.get("job"), value.get("node")) if isinstance(value, dict) else ()
    texts = [one for one in parts if isinstance(one, str)]
    return "@".join(texts) if len(texts) > 1 else None


def _cut(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return shorten(" ".join(text.splitlines()), 200)
