"""Where the value or the key at a path stands in a text."""

import json
import re
from collections.abc import Iterator

import tree_sitter
import tree_sitter_json

from bistro_tui.engine.config.lexis import BOM, STRING, Position
from bistro_tui.engine.config.places import RepeatedKey
from bistro_tui.engine.config.text import Path, parse_text

_PLUS = re.compile(rf"{STRING.pattern}|([0-9][eE])\+")

_PART_BYTES = 2**16


class JsonPlaces:
    """The positions of everything in one text. Building it parses the text again."""

    def __init__(self, text: str, blanked: str) -> None:
        """Take a text and its strict JSON of equal length, as ``parse_text`` gives."""
        language = tree_sitter.Language(tree_sitter_json.language())
        self._bytes = _without_plus(blanked).encode()
        # Told part by part, for other threads wait while the parser has the word.
        self._tree = tree_sitter.Parser(language).parse(self._part)
        self._is_ascii = blanked.isascii()
        self._hidden = 1 if text.startswith(BOM) else 0
        self._lines: list[bytes] | None = None
        self._members: dict[int, dict[str, tree_sitter.Node]] = {}
        self._items: dict[int, list[tree_sitter.Node]] = {}

    def _part(self, at: int, _point: tree_sitter.Point) -> bytes:
        return self._bytes[at : at + _PART_BYTES]

    def locate(self, path: Path, *, at_key: bool = False) -> Position:
        """Return where the value at ``path`` begins, or its key.

        What is missing is found at its nearest parent that exists.
        """
        node, pair = self.find(path)
        key = pair.child_by_field_name("key") if pair and at_key else None
        return self._position(key or node)

    def find(self, path: Path) -> tuple[tree_sitter.Node, tree_sitter.Node | None]:
        """Return the node of the value at ``path``, and the pair that it is in.

        The pair is None for an item of an array and for a missing value, which is
        answered by its nearest parent.
        """
        node = self.top()
        pair = None
        for step in path:
            found = self._child(node, step)
            if found is None:
                return node, None
            node, pair = found
        return node, pair

    def top(self) -> tree_sitter.Node:
        """Return the node of the whole value."""
        root = self._tree.root_node
        return root.named_children[0] if root.named_children else root

    def members(self, node: tree_sitter.Node) -> dict[str, tree_sitter.Node]:
        """Return the pairs of an object by key; of a repeated key the last one."""
        known = self._members.get(node.id)
        if known is None:
            known = dict(self._pairs(node))
            self._members[node.id] = known
        return known

    def offset(self, byte_offset: int) -> int:
        """Return the offset in characters for one in bytes of the blanked text."""
        if self._is_ascii:
            return byte_offset
        return len(self._bytes[:byte_offset].decode())

    def repeated_keys(self) -> Iterator[RepeatedKey]:
        """Return every key that some object has twice or more, in file order."""
        todo: list[tuple[Path, tree_sitter.Node]] = [((), self.top())]
        while todo:
            path, node = todo.pop()
            inner: list[tuple[Path, tree_sitter.Node]] = []
            if node.type == "array":
                inner += (
                    ((*path, index), item)
                    for index, item in enumerate(node.named_children)
                )
            elif node.type == "object":
                yield from self._repeated_in(path, node)
                for key, pair in self.members(node).items():
                    value = pair.child_by_field_name("value")
                    if value is not None:
                        inner.append(((*path, key), value))
            todo += reversed(inner)

    def _repeated_in(self, path: Path, node: tree_sitter.Node) -> Iterator[RepeatedKey]:
        first: dict[str, tree_sitter.Node] = {}
        for key, pair in self._pairs(node):
            first.setdefault(key, pair)
        for key, pair in self.members(node).items():
            if first[key].id != pair.id:
                yield RepeatedKey(
                    (*path, key), self._position(first[key]), self._position(pair)
                )

    def _pairs(self, node: tree_sitter.Node) -> Iterator[tuple[str, tree_sitter.Node]]:
        for pair in node.named_children:
            key = pair.child_by_field_name("key")
            if key is not None:
                yield json.loads(self._bytes[key.start_byte : key.end_byte]), pair

    def _child(
        self, node: tree_sitter.Node, step: str | int
    ) -> tuple[tree_sitter.Node, tree_sitter.Node | None] | None:
        if isinstance(step, int):
            if node.type != "array":
                return None
            items = self._items.get(node.id)
            if items is None:
                items = self._items[node.id] = node.named_children
            return (items[step], None) if step < len(items) else None
        if node.type != "object":
            return None
        pair = self.members(node).get(step)
        value = pair.child_by_field_name("value") if pair else None
        return (value, pair) if value is not None else None

    def _position(self, node: tree_sitter.Node) -> Position:
        row, column = node.start_point
        if not self._is_ascii:
            if self._lines is None:
                self._lines = self._bytes.split(b"\n")
            column = len(self._lines[row][:column].decode())
        return Position(row + 1, column + 1 - (self._hidden if row == 0 else 0))


def locate(text: str, path: Path) -> Position:
    """Return where the value at ``path`` begins in a text that parses.

    What is missing is found at its nearest parent. For many paths of one text, keep a
    ``JsonPlaces``.
    """
    return JsonPlaces(text, parse_text(text).blanked).locate(path)


def _without_plus(blanked: str) -> str:
    """Return the text with exponents such as e+16 written e016.

    The grammar takes e+16 for an error, and guesses from there on.
    """
    if "e+" not in blanked and "E+" not in blanked:
        return blanked
    return _PLUS.sub(_zero_for_plus, blanked)


def _zero_for_plus(found: re.Match[str]) -> str:
    return f"{found.group(1)}0" if found.group(1) else found.group()
