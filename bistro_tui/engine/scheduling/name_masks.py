"""Which names have a text in them, looked up once for all jobs of a level. Pure."""

from collections import OrderedDict
from collections.abc import Sequence

BLOCK = 2_000
"""Names that are looked at in one go: some tenths of a millisecond."""

_KEPT = 4
"""Texts that are remembered, a byte a name; there may be a million names."""


class NameMasks:
    """Remembers the last few texts that were looked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], _Blocks] = OrderedDict()

    def mask(self, names: Sequence[str], text: str, begin: int, end: int) -> int:
        """Return a number with a byte for each of these names: 1 if it has the text.

        The first name's byte is the greatest. ``names`` do not change any more.
        """
        key = id(names), text
        blocks = self._kept.get(key)
        if blocks is None:
            blocks = self._kept[key] = _Blocks(names, text)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return int.from_bytes(blocks.part(begin, end))


class _Blocks:
    def __init__(self, names: Sequence[str], text: str) -> None:
        # As long as they are held here, nothing else has their id.
        self._names = names
        self._text = text
        self._known: dict[int, bytes] = {}

    def part(self, begin: int, end: int) -> bytes:
        first = begin // BLOCK
        found = b"".join(map(self._block, range(first, -(-end // BLOCK))))
        return found[begin - first * BLOCK : end - first * BLOCK]

    def _block(self, number: int) -> bytes:
        known = self._known.get(number)
        if known is None:
            names = self._names[number * BLOCK : (number + 1) * BLOCK]
            text = self._text
            known = self._known[number] = bytes(text in name for name in names)
        return known
