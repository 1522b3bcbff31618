"""Changing members of objects in a JSON text. Pure."""

import json
import re
from collections import deque

import tree_sitter

from bistro_tui.engine.config.brackets import (
    Bracketed,
    indent_of_line,
    with_item,
    without_item,
)
from bistro_tui.engine.config.laid_out import json_key, json_text
from bistro_tui.engine.config.locate import JsonPlaces
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import Path, blank, parse_text

_INDENT = re.compile(r"[ \t]*")
_BLOCK_COMMENT = r"/\*(?:[^*]++|\*(?!/))*+\*/"
_GAP = re.compile(rf"(?:[ \t\r\n]++|//[^\n]*+|{_BLOCK_COMMENT})*+")
_REST = re.compile(
    r"[ \t]*+(?:(?:/\*(?:[^*\n]++|\*(?!/))*+\*/[ \t]*+)|//[^\n\r]*+)?+\r?\n"
)


class JsonEditor:
    """Edits one JSON text after the other."""

    def guess(self, text: str, key: str, value: Json) -> tuple[int, int] | None:
        """Return where something of that key has that value, perhaps not at the top.

        It takes a small part of the time of ``span``.
        """
        blanked = parse_text(text).blanked
        written = re.escape(json_key(key))
        found = deque(re.finditer(rf"{written}[ \t\r\n]*:[ \t\r\n]*", blanked), 1)
        if not found:
            return None
        start = found[0].end()
        try:
            held, end = json.JSONDecoder().raw_decode(blanked, start)
        except json.JSONDecodeError:  # it was in a text
            return None
        return (start, end) if held == value else None

    def span(self, text: str, key: str) -> tuple[int, int] | None:
        """Return where the last top member of that key has its value."""
        found = _Object(text, ()).span_of_value(key)
        assert found is not None
        return found

    def set(self, text: str, path: Path, value: Json) -> str:
        """Return the text with another value for a member that is there."""
        return _Object(text, path[:-1]).set(str(path[-1]), value)

    def add(self, text: str, path: Path, value: Json) -> str:
        """Return the text with a new first member of its object."""
        return _Object(text, path[:-1]).add(str(path[-1]), value)

    def remove(self, text: str, path: Path) -> str:
        """Return the text without a member."""
        while _has(text, path):  # a repeated key is there more than once
            text = _Object(text, path[:-1]).without(str(path[-1]))
        return text

    def append(self, text: str, key: str, value: Json) -> str:
        """Return the text with a new last member of the whole."""
        return _Object(text, ()).append(key, value)


def _has(text: str, path: Path) -> bool:
    value = parse_text(text).value
    for step in path[:-1]:
        value = value[step]
    return path[-1] in value


class _Object:
    """One object of one text, ready to have a member changed."""

    def __init__(self, text: str, path: Path) -> None:
        self._text = text
        self._places = JsonPlaces(text, parse_text(text).blanked)
        self._object, _ = self._places.find(path)
        self._pairs = self._object.named_children

    def span_of_value(self, key: str) -> tuple[int, int] | None:
        """Return where the value of a member stands; None if there is no such one."""
        pair = self._places.members(self._object).get(key)
        value = pair.child_by_field_name("value") if pair else None
        return None if value is None else self._span(value)

    def set(self, key: str, value: Json) -> str:
        """Return the text with another value for that member."""
        pair = self._places.members(self._object)[key]
        found = self.span_of_value(key)
        assert found is not None
        start, end = found
        opening = self._span(self._object)[0] + 1
        indent = indent_of_line(self._text, self._span(pair)[0], opening)
        return self._text[:start] + self._written(value, indent) + self._text[end:]

    def add(self, key: str, value: Json) -> str:
        """Return the text with a new first member."""
        at, inserted = self._insertion(key, value)
        return self._text[:at] + inserted + self._text[at:]

    def without(self, key: str) -> str:
        """Return the text without the last member of that key."""
        pair = self._places.members(self._object)[key]
        ids = [each.id for each in self._pairs]
        return without_item(self._bracketed(), ids.index(pair.id))

    def append(self, key: str, value: Json) -> str:
        """Return the text with a new last member, a line for each of its own."""
        if not self._pairs:
            return self.add(key, value)

        def make(indent: str | None) -> str:
            text = self._written(value, indent, spreads=True)
            return f"{json_key(key)}{self._colon(self._pairs[-1])}{text}"

        return with_item(self._bracketed(), make)

    def _bracketed(self) -> Bracketed:
        items = [self._span(each) for each in self._pairs]
        opening = self._span(self._object)[0] + 1
        return Bracketed(self._text, opening, items, _GAP, _REST)

    def _span(self, node: tree_sitter.Node) -> tuple[int, int]:
        offset = self._places.offset
        return offset(node.start_byte), offset(node.end_byte)

    def _written(
        self, value: Json, indent: str | None, *, spreads: bool = False
    ) -> str:
        newline = "\r\n" if "\r\n" in self._text else "\n"
        step = self._step(indent or "")
        return json_text(
            value, indent=indent, step=step, newline=newline, spreads=spreads
        )

    def _step(self, indent: str) -> str:
        """Return how much deeper the members of a member stand."""
        closing = self._span(self._object)[1] - 1
        outer = indent_of_line(self._text, closing, 0)
        if outer is not None and len(outer) < len(indent) and indent.startswith(outer):
            return indent[len(outer) :]
        return "\t" if "\t" in indent else "  "

    def _insertion(self, key: str, value: Json) -> tuple[int, str]:
        """Return where to insert a member, and its text with all that goes with it."""
        opening = self._span(self._object)[0] + 1
        if not self._pairs:
            return opening, self._only_member(key, value)
        first = self._span(self._pairs[0])[0]
        named = f"{json_key(key)}{self._colon(self._pairs[0])}"
        line_start = self._line_start_between(opening, first)
        if line_start is None:
            member = f"{named}{self._written(value, None)},"
            return first, member + self._inline_gap()
        first_line = self._text.rfind("\n", 0, first) + 1
        indent = self._indent(first_line)
        member = f"{named}{self._written(value, indent)},"
        return line_start, indent + member + self._newline(line_start)

    def _colon(self, pair: tree_sitter.Node) -> str:
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is None or value is None:
            return ": "
        between = self._text[self._span(key)[1] : self._span(value)[0]]
        return between if re.fullmatch(r" *: *", between) else ": "

    def _inline_gap(self) -> str:
        if len(self._pairs) == 1:
            return "" if self._colon(self._pairs[0]) == ":" else " "
        end, start = self._span(self._pairs[0])[1], self._span(self._pairs[1])[0]
        return "" if self._text[end:start] == "," else " "

    def _line_start_between(self, opening: int, first: int) -> int | None:
        """Return the start of the first whole line between ``{`` and its first member.

        What stands behind the ``{`` belongs to it, and a comment above the member to
        the member; so the new line goes between them. None: they share a line.
        """
        comments = [span for span in blank(self._text).comments if span[1] > opening]
        at = self._text.find("\n", opening, first)
        while at >= 0:
            if not any(start < at < end for start, end in comments):
                return at + 1
            at = self._text.find("\n", at + 1, first)
        return None

    def _newline(self, line_start: int) -> str:
        return "\r\n" if self._text[:line_start].endswith("\r\n") else "\n"

    def _indent(self, line_start: int) -> str:
        found = _INDENT.match(self._text, line_start)
        return found.group() if found else ""

    def _only_member(self, key: str, value: Json) -> str:
        start, end = self._span(self._object)
        inside = self._text[start + 1 : end - 1]
        if "\n" not in inside:
            member = f"{json_key(key)}: {self._written(value, None)}"
            return f" {member}" if inside.startswith(" ") else member
        closing = self._indent(self._text.rfind("\n", 0, end) + 1)
        indent = closing + ("\t" if "\t" in closing else closing or "  ")
        newline = "\r\n" if "\r\n" in inside else "\n"
        return f"{newline}{indent}{json_key(key)}: {self._written(value, indent)}"
