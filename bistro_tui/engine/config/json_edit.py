"""Changing one member of a job in a JSON text."""

import re

import tree_sitter

from bistro_tui.engine.config.locate import JsonPlaces
from bistro_tui.engine.config.text import blank, parse_text

_INDENT = re.compile(r"[ \t]*")


def edit_json(text: str, job_key: str, key: str, literal: str) -> str:
    """Return the text with that member of the job set; the job is there."""
    return _Edit(text, job_key).set_member(key, literal)


class _Edit:
    """One object of one text, ready to have a member changed."""

    def __init__(self, text: str, job_key: str) -> None:
        self._text = text
        self._places = JsonPlaces(text, parse_text(text).blanked)
        self._object, _ = self._places.find((job_key,))

    def set_member(self, key: str, literal: str) -> str:
        pair = self._places.members(self._object).get(key)
        value = pair.child_by_field_name("value") if pair else None
        if value is not None:
            start, end = self._span(value)
            return self._text[:start] + literal + self._text[end:]
        at, inserted = self._insertion(key, literal)
        return self._text[:at] + inserted + self._text[at:]

    def _span(self, node: tree_sitter.Node) -> tuple[int, int]:
        offset = self._places.offset
        return offset(node.start_byte), offset(node.end_byte)

    def _insertion(self, key: str, literal: str) -> tuple[int, str]:
        """Return where to insert a member, and its text with all that goes with it."""
        opening = self._span(self._object)[0] + 1
        pairs = self._object.named_children
        if not pairs:
            return opening, self._only_member(key, literal)
        first = self._span(pairs[0])[0]
        member = f'"{key}"{self._colon(pairs[0])}{literal},'
        line_start = self._line_start_between(opening, first)
        if line_start is None:
            return first, member + self._inline_gap(pairs)
        first_line = self._text.rfind("\n", 0, first) + 1
        return line_start, self._indent(first_line) + member + self._newline(line_start)

    def _colon(self, pair: tree_sitter.Node) -> str:
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is None or value is None:
            return ": "
        between = self._text[self._span(key)[1] : self._span(value)[0]]
        return between if re.fullmatch(r" *: *", between) else ": "

    def _inline_gap(self, pairs: list[tree_sitter.Node]) -> str:
        if len(pairs) == 1:
            return "" if self._colon(pairs[0]) == ":" else " "
        end, start = self._span(pairs[0])[1], self._span(pairs[1])[0]
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

    def _only_member(self, key: str, literal: str) -> str:
        start, end = self._span(self._object)
        member = f'"{key}": {literal}'
        inside = self._text[start + 1 : end - 1]
        if "\n" not in inside:
            return f" {member}" if inside.startswith(" ") else member
        closing = self._indent(self._text.rfind("\n", 0, end) + 1)
        step = "\t" if "\t" in closing else closing or "  "
        newline = "\r\n" if "\r\n" in inside else "\n"
        return newline + closing + step + member
