"""Answers as JSON text, without keeping the loop from others while a large one is made.

All of it is ASCII: whatever is in a name, the text can be sent.
"""

import json
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json

SMALL = 1_000
"""Values and characters by tens that are encoded in one go: some tenths of a
millisecond."""

encode_now = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""Returns a small value as JSON. Raises ValueError for what JSON cannot hold."""


class Encoded(str):
    """A piece of an answer that is JSON text already."""

    __slots__ = ()


def encoded_now(value: Json) -> Encoded:
    """Return a small value of which there will be thousands.

    As text they give the garbage collector nothing to look through, which would keep
    the loop for tens of milliseconds.
    """
    return Encoded(encode_now(value))


def encoded_items(items: list[Json]) -> Encoded:
    """Return some small items of a list, at least one, as if they were one item.

    To encode them together takes half the time.
    """
    return Encoded(encode_now(items)[1:-1])


async def encode(value: Json, hide: Callable[[str], str] | None = None) -> str:
    """Return the value as JSON. Raises ValueError for what JSON cannot hold.

    ``hide`` is given the text in pieces of whole tokens, and returns what is shown.
    """
    if _is_small(value):
        text = encode_now(value)
        return text if hide is None else hide(text)
    turns = Turns()
    pieces: list[str] = []
    for piece in _pieces(value):
        pieces.append(piece if hide is None else hide(piece))
        await turns.rest()
    return "".join(pieces)


def _is_small(value: Json) -> bool:
    """Return whether encoding it takes but a moment; that, too, is told in one."""
    left = SMALL
    waiting: list[Collection[Json]] = [(value,)]
    while waiting:
        some = waiting.pop()
        left -= 2 * len(some)
        if left < 0:
            return False
        for one in some:
            if isinstance(one, str):
                if isinstance(one, Encoded):
                    return False
                left -= len(one) // 10
            elif isinstance(one, dict):
                waiting.append(one.values())
            elif isinstance(one, list):
                waiting.append(one)
    return left >= 0


def _pieces(value: Json) -> Iterator[str]:
    if isinstance(value, Encoded):
        yield value
    elif isinstance(value, dict) and value:
        yield from _members(value)
    elif isinstance(value, list) and value:
        yield from _items(value)
    else:
        yield encode_now(value)


def _members(value: dict[str, Json]) -> Iterator[str]:
    opening, members = "{", iter(value.items())
    while some := list(islice(members, _CHUNK)):
        if _is_small(chunk := dict(some)):
            yield opening + encode_now(chunk)[1:-1]
            opening = ","
            continue
        for key, member in some:
            yield f"{opening}{encode_now(key)}:"
            yield from _pieces(member)
            opening = ","
    yield "}"


def _items(value: list[Json]) -> Iterator[str]:
    opening = "["
    for begin in range(0, len(value), _CHUNK):
        some = value[begin : begin + _CHUNK]
        if _is_small(some):
            yield opening + encode_now(some)[1:-1]
            opening = ","
            continue
        for item in some:
            yield opening
            yield from _pieces(item)
            opening = ","
    yield "]"


_CHUNK = 64
