"""The handlers ``nodes`` and ``sorted_node_names``.

Source: Bistro, server/HTTPMonitor. Both tell of the tree, in which no worker is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from json.encoder import encode_basestring_ascii as _quote

from bistro_tui.engine.api.encoding import Encoded, encode_now
from bistro_tui.engine.api.handler import Handler, HandlerError, Query
from bistro_tui.engine.api.inputs import names_of
from bistro_tui.engine.api.schemas import NAMES, by_name, closed
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json, ResourceSpec
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import ResourceName
from bistro_tui.engine.nodes.tree import NodeTree

_FIELDS = ("resources", "disabled")
_SLICE = 500
"""Nodes that are looked at between two looks at the clock."""


async def _sorted_node_names(desk: Desk, _query: Query) -> Json:
    tree, turns = desk.core.tree, Turns()
    found: dict[str, Json] = {}
    for level in tree.levels():
        pieces: list[str] = []
        for some in _slices(tree.at_level(level)):
            pieces.append(encode_now([tree.names[index] for index in some])[1:-1])
            await turns.rest()
        found[level] = Encoded(f"[{','.join(pieces)}]")
    return found


async def _nodes(desk: Desk, query: Query) -> Json:
    fields = names_of(query, "fields") or _FIELDS
    for field in fields:
        if field not in _FIELDS:
            raise HandlerError(f"Unknown field name: {field}")
    wanted = frozenset(names_of(query, "nodes"))
    specs = desk.config.settings.resources if desk.config is not None else {}
    tree, turns = desk.core.tree, Turns()
    results: dict[str, Json] = {}
    for level in tree.levels():
        # All nodes of a level have the same limits.
        texts = [
            encode_now(_object(specs.get(level, {}), fields, is_disabled=not enabled))
            for enabled in (False, True)
        ]
        found: dict[str, str] = {}
        for some in _slices(tree.at_level(level)):
            found.update(_some_nodes(tree, some, wanted, texts))
            await turns.rest()
        if found:
            results[level] = await _joined(found, turns)
    return {"results": results}


def _some_nodes(
    tree: NodeTree,
    indexes: Sequence[int],
    wanted: Collection[str],
    texts: Sequence[str],
) -> Iterator[tuple[str, str]]:
    names, enabled = tree.names, tree.enabled
    for index in indexes:
        if not wanted or names[index] in wanted:
            yield names[index], texts[enabled[index]]


async def _joined(found: Mapping[str, str], turns: Turns) -> Encoded:
    members, pieces = iter(found.items()), list[str]()
    while some := list(islice(members, _SLICE)):
        pieces.append(",".join([f"{_quote(name)}:{text}" for name, text in some]))
        await turns.rest()
    return Encoded(f"{{{','.join(pieces)}}}")


def _object(
    specs: Mapping[ResourceName, ResourceSpec],
    fields: Collection[str],
    *,
    is_disabled: bool,
) -> Json:
    found: dict[str, Json] = {}
    if "resources" in fields:
        found["resources"] = {name: _resource(specs[name]) for name in specs}
    if "disabled" in fields and is_disabled:
        found["disabled"] = True
    return found


def _resource(spec: ResourceSpec) -> Json:
    found = {"default": spec.default, "limit": spec.limit}
    if spec.weight > 0:
        found["weight"] = spec.weight
    return found


def _slices(indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(indexes), _SLICE):
        yield indexes[begin : begin + _SLICE]


_WHOLE = {"type": "integer"}
_RESOURCE = closed(
    {"default": _WHOLE, "limit": _WHOLE, "weight": _WHOLE}, optional=("weight",)
)
_NODE = closed(
    {"resources": by_name(_RESOURCE), "disabled": {"const": True}}, optional=_FIELDS
)

NODES = (
    Handler(
        name="sorted_node_names",
        answer=_sorted_node_names,
        about="The names of the nodes of each level, in the order in which they were"
        " fetched.",
        gives=by_name({"type": "array", "items": {"type": "string"}}),
    ),
    Handler(
        name="nodes",
        answer=_nodes,
        about="What the config gives each node, and which nodes are disabled"
        " themselves.",
        takes={
            "nodes": NAMES,
            "fields": {"type": ["array", "null"], "items": {"enum": list(_FIELDS)}},
        },
        gives=closed({"results": by_name(by_name(_NODE))}),
    ),
)
