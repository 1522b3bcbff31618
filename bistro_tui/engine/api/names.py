"""Names of jobs and nodes, for who completes a word or has misspelt one."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice

from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import count_of, text_of, text_or_none
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.near import nearest

MOST = 1_000
_DEFAULT = 200
_SLICE = 2_000
"""Names that are looked at in one turn of the loop; there may be a million."""


async def _names(desk: Desk, query: Query) -> Json:
    known = _known(desk, text_of(query, "kind"))
    near = text_or_none(query, "near")
    if near is not None:
        some = list(islice(known, MOST))
        # It takes a twentieth of a second.
        found = await asyncio.to_thread(nearest, near, some)
        return {"names": [] if found is None else [found]}
    prefix = text_or_none(query, "prefix") or ""
    limit = min(count_of(query, "limit", _DEFAULT), MOST)
    return {"names": await _beginning_with(prefix, iter(known), limit)}


async def _beginning_with(prefix: str, known: Iterator[str], limit: int) -> list[Json]:
    found: list[Json] = []
    while len(found) < limit and (some := list(islice(known, _SLICE))):
        found += [name for name in some if name.startswith(prefix)]
        await asyncio.sleep(0)
    return found[:limit]


def _known(desk: Desk, kind: str) -> Iterable[str]:
    if kind == "jobs":
        config = desk.config
        return config.jobs if config is not None else ()
    if kind == "nodes":
        return desk.core.tree.names
    raise HandlerError("kind must be jobs or nodes")


NAMES = (
    Handler(
        name="names",
        answer=_names,
        about="Names of jobs or nodes that begin with prefix; or the one nearest to a"
        " misspelt name.",
        takes={
            "kind": {"enum": ["jobs", "nodes"]},
            "prefix": {"type": ["string", "null"]},
            "near": {"type": ["string", "null"]},
            "limit": {"type": "integer", "minimum": 0},
        },
        requires=("kind",),
        gives={
            "type": "object",
            "properties": {"names": {"type": "array", "items": {"type": "string"}}},
            "required": ["names"],
            "additionalProperties": False,
        },
    ),
)
