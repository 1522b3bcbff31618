"""The handler ``failures``: what failed, and the last that it said."""

from bistro_tui.engine.api.encoding import encoded_now
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import count_of, text_or_none
from bistro_tui.engine.api.schemas import closed
from bistro_tui.engine.api.tails import UNFINISHED
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.inquiring_past import MOST_FAILURES
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.wire.past import encode_failure


async def _failures(desk: Desk, query: Query) -> Json:
    job = text_or_none(query, "job")
    limit = count_of(query, "limit", MOST_FAILURES)
    if not limit:
        raise HandlerError("limit must be at least 1")
    turns = Turns()
    found = await desk.past.failures(
        job=JobName(job) if job is not None else None, limit=limit, rest=turns.rest
    )
    failures: list[Json] = []
    for one in found:
        failures.append(encoded_now(encode_failure(one)))
        await turns.rest()
    return {"failures": failures}


_TEXT: Json = {"type": "string"}

FAILURES = (
    Handler(
        name="failures",
        answer=_failures,
        about="Tasks that failed or wait for their backoff, newest first: how the last"
        " attempt ended, and its last line that is not blank.",
        takes={
            "job": {
                "type": ["string", "null"],
                "description": "Only tasks of this job.",
            },
            "limit": {
                "description": f"Above {MOST_FAILURES} it counts as that.",
                "type": "integer",
                "minimum": 1,
                "default": MOST_FAILURES,
            },
        },
        gives=closed(
            {
                "failures": {
                    "type": "array",
                    "items": closed(
                        {
                            "job": _TEXT,
                            "node": _TEXT,
                            "status": {
                                "enum": [Reason.FAILED.value, Reason.BACKOFF.value]
                            },
                            "ended": {"type": "number"},
                            "exit": _TEXT,
                            "last_line": UNFINISHED,
                            "line_id": {
                                "description": 'Of that line, "0" without one.',
                                **_TEXT,
                            },
                        }
                    ),
                }
            }
        ),
    ),
)
