"""The handler ``notices``: the last of what the scheduler said of itself."""

from bistro_tui.engine.api.encoding import encoded_now
from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.api.inputs import count_of
from bistro_tui.engine.api.schemas import closed
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.notice_ring import KEPT
from bistro_tui.engine.wire.past import encode_notice


async def _notices(desk: Desk, query: Query) -> Json:
    found = await desk.past.notices(after=count_of(query, "after", 0))
    return {"notices": [encoded_now(encode_notice(one)) for one in found]}


NOTICES = (
    Handler(
        name="notices",
        answer=_notices,
        about=f"The last {KEPT:,} things that the scheduler said of itself, oldest"
        " first: edits, kills, reloads, pauses, errors, who asked for a change.",
        takes={
            "after": {
                "description": "Only those after this serial.",
                "type": "integer",
                "minimum": 0,
                "default": 0,
            }
        },
        gives=closed(
            {
                "notices": {
                    "type": "array",
                    "items": closed(
                        {
                            "serial": {"type": "integer"},
                            "at": {"type": "number"},
                            "level": {"enum": ["info", "warning", "error"]},
                            "text": {"type": "string"},
                        }
                    ),
                }
            }
        ),
    ),
)
