"""The formats of ``range_label`` and ``add_time``: many names at once.

Source: Bistro, nodes/RangeLabelFetcher and nodes/AddTimeFetcher (folly::format).
"""

import string
from collections.abc import Mapping, Sequence
from typing import cast

from bistro_tui.engine.ids import NodeName

PARENT = "parent"


class LabelFormat:
    """A format whose placeholders are known. ``{{`` and ``}}`` are one brace each."""

    def __init__(self, text: str, *, moving: str, fixed: Mapping[str, str]) -> None:
        """Take the text, the placeholder that differs by child, and all others.

        ``parent`` is always one. Raises ValueError for a brace alone, KeyError for an
        unknown placeholder.
        """
        parts: list[list[str | None]] = [[]]
        for literal, name, spec, conversion in string.Formatter().parse(text):
            parts[-1].append(literal)
            if name is None:
                continue
            if spec or conversion:
                raise KeyError(name)
            if name == moving:
                parts.append([])
            else:
                parts[-1].append(None if name == PARENT else fixed[name])
        self._parts = parts

    def of(self, parent: NodeName, values: Sequence[str]) -> list[NodeName]:
        """Return the name of each child of a parent, one for each value."""
        return cast("list[NodeName]", self._texts(parent, values))  # no call for each

    def _texts(self, parent: str, values: Sequence[str]) -> list[str]:
        pieces = [
            "".join([parent if piece is None else piece for piece in part])
            for part in self._parts
        ]
        if len(pieces) == 1:
            return pieces * len(values)
        if len(pieces) == 2 and not pieces[1]:
            head = pieces[0]
            return [head + value for value in values]
        return [value.join(pieces) for value in values]
