"""Where the values and keys of a TOML text stand.

The grammar's tree has pairs and headers as they are written; here they become the
objects that they mean.
"""

import functools
import itertools
import tomllib
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tree_sitter

from bistro_tui.engine.config.lexis import BOM
from bistro_tui.engine.config.places import Form, Member, Spot, SpotPlaces

# Bytes that go on with a character are 10xxxxxx.
_BEGINS_CHARACTER = bytes(byte & 0xC0 != 0x80 for byte in range(256))
_TABLES = (Form.HEADER, Form.DOTTED, Form.IMPLICIT)
_LEAVES = ("bare_key", "quoted_key")


class Conflict(NamedTuple):
    """A key that is there already, which TOML refuses."""

    key: str
    first: int
    second: int


class _Key(NamedTuple):
    name: str
    start: int
    end: int


def toml_places(text: str) -> SpotPlaces:
    """Return the places of a text that parses."""
    return SpotPlaces(text, TomlTree(text).root)


class TomlTree:
    """The spots of one text; what conflicts is noted, not refused."""

    def __init__(self, text: str, *, is_eager: bool = False) -> None:
        """Take a text; if eager, look into every value for conflicts at once."""
        # Loading the grammar is for those who use TOML.
        import tree_sitter_toml

        language = tree_sitter.Language(tree_sitter_toml.language())
        marked = text.startswith(BOM)
        self._bytes = (" " + text[1:] if marked else text).encode()
        self._offsets = None if text.isascii() else _character_offsets(self._bytes)
        self._is_eager = is_eager
        self.root = Spot(0, len(text), Form.HEADER, members={})
        self.conflicts: list[Conflict] = []
        current = self.root
        tree = tree_sitter.Parser(language).parse(self._bytes)
        for node in tree.root_node.named_children:
            if node.type == "pair":
                self._put_pair(current, node)
            elif node.type in ("table", "table_array_element"):
                current = self._open_table(node)
                for pair in node.named_children:
                    if pair.type == "pair":
                        self._put_pair(current, pair)

    def _span(self, node: tree_sitter.Node) -> tuple[int, int]:
        if self._offsets is None:
            return node.start_byte, node.end_byte
        return self._offsets[node.start_byte], self._offsets[node.end_byte]

    def _open_table(self, node: tree_sitter.Node) -> Spot:
        """Return the table that a header opens."""
        keys = list(self._keys(node.named_children[0])) if node.named_children else []
        closing = [each for each in node.children if each.type in ("]", "]]")]
        start = self._span(node)[0]
        end = self._span(closing[0])[1] if closing else start
        if not keys:
            return Spot(start, end, members={})
        parent = self.root
        for key in keys[:-1]:
            parent = self._descend(parent, key, Form.IMPLICIT, (start, end))
        last = keys[-1]
        if node.type == "table_array_element":
            return self._add_to_array(parent, last, (start, end))
        table = self._descend(parent, last, Form.IMPLICIT, (start, end))
        if table.form is not Form.IMPLICIT:
            first = parent.members[last.name].key_start
            self.conflicts.append(Conflict(last.name, first, last.start))
        table.form, table.lead = Form.HEADER, (start, end)
        table.start, table.end = start, end
        parent.members[last.name] = Member(last.start, last.end, table)
        return table

    def _add_to_array(self, parent: Spot, key: _Key, header: tuple[int, int]) -> Spot:
        """Return the table that a ``[[header]]`` adds."""
        table = Spot(*header, Form.HEADER, header, members={})
        found = parent.members.get(key.name)
        if found is None:
            tables = Spot(*header, Form.FLOW, items=[table])
            parent.members[key.name] = Member(key.start, key.end, tables)
        elif found.value.items and found.value.items[0].form is Form.HEADER:
            found.value.items.append(table)
        else:
            self.conflicts.append(Conflict(key.name, found.key_start, key.start))
        return table

    def _descend(
        self, parent: Spot, key: _Key, form: Form, lead: tuple[int, int]
    ) -> Spot:
        """Return the table under a key, of an array of tables the last one."""
        found = parent.members.get(key.name)
        if found is None:
            spot = Spot(key.start, key.end, form, lead, members={})
            parent.members[key.name] = Member(key.start, key.end, spot)
            return spot
        table = found.value.items[-1] if found.value.items else found.value
        if table.form in _TABLES:
            return table
        self.conflicts.append(Conflict(key.name, found.key_start, key.start))
        return Spot(key.start, key.end, members={})

    def _put_pair(self, table: Spot, pair: tree_sitter.Node) -> None:
        children = [each for each in pair.named_children if each.type != "comment"]
        if len(children) != 2:
            return
        keys = list(self._keys(children[0]))
        if not keys:
            return
        start = self._span(pair)[0]
        for key in keys[:-1]:
            table = self._descend(table, key, Form.DOTTED, (start, key.end))
        last = keys[-1]
        known = table.members.get(last.name)
        if known is not None:
            self.conflicts.append(Conflict(last.name, known.key_start, last.start))
        value = self._value(children[1])
        table.members[last.name] = Member(last.start, last.end, value)

    def _value(self, node: tree_sitter.Node) -> Spot:
        start, end = self._span(node)
        if node.type not in ("array", "inline_table"):
            return Spot(start, end)
        unfold = functools.partial(self._unfold, node)
        spot = Spot(start, end, Form.FLOW, (start, start + 1), unfold=unfold)
        # Arrays may be long, and most of the time nobody asks for what is in them.
        return spot.open() if self._is_eager else spot

    def _unfold(self, node: tree_sitter.Node, spot: Spot) -> None:
        children = (each for each in node.named_children if each.type != "comment")
        if node.type == "array":
            spot.items = [self._value(each) for each in children]
            return
        spot.members = {}
        for pair in children:
            if pair.type == "pair":
                self._put_pair(spot, pair)

    def _keys(self, node: tree_sitter.Node) -> Iterator[_Key]:
        if node.type in _LEAVES:
            start, end = self._span(node)
            written = self._bytes[node.start_byte : node.end_byte].decode()
            yield _Key(_unquoted(written), start, end)
        for child in node.named_children:
            yield from self._keys(child)


def _unquoted(written: str) -> str:
    if written[0] not in "'\"":
        return written
    if "\\" not in written or written[0] == "'":
        return written[1:-1]
    try:
        return str(tomllib.loads(f"key = {written}")["key"])
    except tomllib.TOMLDecodeError:  # the text is broken there
        return written


def _character_offsets(content: bytes) -> Sequence[int]:
    """Return for each offset in bytes the one in characters."""
    begins = content.translate(_BEGINS_CHARACTER)
    return array("I", itertools.accumulate(begins, initial=0))
