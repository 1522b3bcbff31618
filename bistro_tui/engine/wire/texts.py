"""JSON as text in pieces: none of them takes long to make, however long the whole."""

import json
from collections.abc import Iterator

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.view import Snapshot
from bistro_tui.engine.wire.snapshots import encode_head, encode_rows, tables

_SLICE = 256
"""Rows that are encoded in one go: well below a millisecond."""


def json_text(value: Json) -> str:
    """Return a value as compact JSON in ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def json_pieces(value: Json) -> Iterator[str]:
    """Return a value as JSON, long lists in objects in slices."""
    if isinstance(value, dict):
        yield "{"
        for number, (key, one) in enumerate(value.items()):
            yield f"{',' if number else ''}{json_text(key)}:"
            yield from json_pieces(one)
        yield "}"
    elif isinstance(value, list) and len(value) > _SLICE:
        yield "["
        for at in range(0, len(value), _SLICE):
            yield f"{',' if at else ''}{json_text(value[at : at + _SLICE])[1:-1]}"
        yield "]"
    else:
        yield json_text(value)


def snapshot_pieces(snapshot: Snapshot) -> Iterator[str]:
    """Return ``encode_snapshot`` as JSON; no more rows are in memory than needed."""
    yield json_text(encode_head(snapshot))[:-1]
    for name, rows in tables(snapshot):
        yield f",{json_text(name)}:["
        for at in range(0, len(rows), _SLICE):
            encoded = encode_rows(name, rows[at : at + _SLICE])
            yield f"{',' if at else ''}{json_text(encoded)[1:-1]}"
        yield "]"
    yield "}"
