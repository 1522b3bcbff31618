"""Changing members of objects in a YAML text. Pure."""

import re

from bistro_tui.engine.config.brackets import (
    Bracketed,
    Span,
    with_item,
    without_item,
)
from bistro_tui.engine.config.laid_out import yaml_key, yaml_lines, yaml_text
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.places import Form, Member, Spot
from bistro_tui.engine.config.text import ConfigSyntaxError, Path
from bistro_tui.engine.config.yaml_text import MERGE_KEY, yaml_places
from bistro_tui.engine.errors import ControlRefused

_GAP = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_REST = re.compile(r"[ \t]*+(?:#[^\n]*+)?+\n")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?\n")
_KEY_LINE = re.compile(
    r"[ \t]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ ]*"
)
_ELSEWHERE = "it is written elsewhere, behind an alias; please edit the file"


class YamlEditor:
    """Edits one YAML text after the other; ControlRefused where it cannot."""

    def guess(self, _text: str, _key: str, _value: Json) -> Span | None:
        """Return None, as ``span`` does."""
        return None

    def span(self, _text: str, _key: str) -> Span | None:
        """Return None: what a part means depends on what stands before it."""
        return None

    def set(self, text: str, path: Path, value: Json) -> str:
        """Return the text with another value for a member that is there."""
        holder = _holder(text, path)
        member = holder.members[str(path[-1])]
        if member.is_merged:
            return self.add(text, path, value)
        spot = member.value
        if spot.decorated:
            message = f"{path[-1]} has an anchor or a tag there; please edit the file"
            raise ControlRefused(message)
        end = _end(text, spot)
        has_no_gap = spot.start == spot.end and text[spot.start - 1] == ":"
        gap = " " if has_no_gap else ""
        return text[: spot.start] + gap + yaml_text(value) + text[end:]

    def add(self, text: str, path: Path, value: Json) -> str:
        """Return the text with a new first member of its object."""
        _holder(text, path)
        _, found = yaml_places(text).find(path[:-1])
        assert found is not None
        at, inserted = _insertion(text, found, str(path[-1]), yaml_text(value))
        return text[:at] + inserted + text[at:]

    def remove(self, text: str, path: Path) -> str:
        """Return the text without a member: its lines, or its part of a line."""
        holder, key = _holder(text, path), str(path[-1])
        while (member := holder.members.get(key)) is not None:
            if member.is_merged:
                raise ControlRefused(
                    f"{key} comes by {MERGE_KEY}; please edit the file"
                )
            if holder.form is Form.FLOW:
                text = _without_in_braces(text, holder, key)
            else:
                text = self._without_lines(text, path, holder, member)
            holder = _holder(text, path)  # a repeated key is there more than once
        return text

    def append(self, text: str, key: str, value: Json) -> str:
        """Return the text with a new last member of the whole."""
        root = yaml_places(text).root.open()
        if root.form is Form.FLOW and root.members:
            written = f"{yaml_key(key)}: {yaml_text(value)}"
            return with_item(_bracketed(text, root), lambda _: written)
        if root.form is not Form.BLOCK:
            raise ControlRefused("there is nothing to add to; please edit the file")
        first = min(each.key_start for each in root.members.values())
        indent = " " * (first - _line_start(text, first))
        newline = "\r\n" if "\r\n" in text else "\n"
        if not isinstance(value, dict) or not value:
            added = f"{indent}{yaml_key(key)}: {yaml_text(value)}{newline}"
        else:
            lines = yaml_lines(value, indent + "  ", newline)
            added = f"{indent}{yaml_key(key)}:{newline}{lines}"
        return _appended(text, root, added, newline)

    def _without_lines(
        self, text: str, path: Path, holder: Spot, member: Member
    ) -> str:
        end = max(_end(text, member.value), member.key_end)
        line_end = text.find("\n", end)
        end = len(text) if line_end < 0 else line_end + 1
        start = _line_start(text, member.key_start)
        if text[start : member.key_start].strip(" "):
            # Something else begins this line; what comes next takes the place.
            start = member.key_start
            own = (each for each in holder.members.values() if not each.is_merged)
            later = [one.key_start for one in own if one.key_start > start]
            end = min(later, default=end)
        changed = text[:start] + text[end:]
        if _is_object(changed, path[:-1]):
            return changed
        if len(path) > 1:
            return self.set(text, path[:-1], {})
        return f"{text[:start]}{{}}\n{text[end:]}"


def _holder(text: str, path: Path) -> Spot:
    """Return the object of a member, which has to be written where it is."""
    places = yaml_places(text)
    spot = places.root
    for step in path[:-1]:
        member = spot.open().members.get(str(step))
        if member is None or member.is_merged or member.value.form is Form.ALIAS:
            raise ControlRefused(_ELSEWHERE)
        spot = member.value
    return spot.open()


def _is_object(text: str, path: Path) -> bool:
    try:
        places = yaml_places(text)
    except ConfigSyntaxError:
        return False
    spot, member = places.find(path)
    is_there = member is not None or not path
    return is_there and spot.form in (Form.FLOW, Form.BLOCK)


def _end(text: str, spot: Spot) -> int:
    """Return where a value ends; the line ends of a block belong to the file."""
    end = spot.end
    while end > spot.start and text[end - 1].isspace():
        end -= 1
    return end


def _own(spot: Spot) -> dict[str, Member]:
    return {key: each for key, each in spot.members.items() if not each.is_merged}


def _bracketed(text: str, spot: Spot) -> Bracketed:
    own = _own(spot).values()
    items = [(each.key_start, max(each.key_end, each.value.end)) for each in own]
    return Bracketed(text, spot.lead[1], items, _GAP, _REST)


def _without_in_braces(text: str, spot: Spot, key: str) -> str:
    return without_item(_bracketed(text, spot), list(_own(spot)).index(key))


def _appended(text: str, root: Spot, added: str, newline: str) -> str:
    """Return the text with lines at its end, or before what ends the document."""
    last = max(_end(text, each.value) for each in root.members.values())
    mark = re.compile(r"^(?:\.\.\.|---)", re.MULTILINE).search(text, last)
    end = mark.start() if mark else len(text)
    head = text[:end]
    if not head.endswith("\n"):
        head += newline
    own = sorted(each.key_start for each in _own(root).values())
    if len(own) > 1 and not text[: _line_start(text, own[-1])].rstrip(" ").endswith(
        ("\n\n", "\n\r\n")
    ):
        return head + added + text[end:]
    return head + newline + added + text[end:]


def _insertion(text: str, job: Member, key: str, literal: str) -> tuple[int, str]:
    """Return where an object's first member goes, and its text with what goes along."""
    spot = job.value
    first = min((each.key_start for each in _own(spot).values()), default=None)
    if spot.form is Form.FLOW:
        return _flow_insertion(text, spot, first, key, literal)
    if first is None:  # only a merge key is there
        first = _first_visible(text, spot.lead[1])
    line_start = _line_start(text, first)
    prefix = text[line_start:first]
    newline = "\r\n" if text[:line_start].endswith("\r\n") else "\n"
    indent = prefix if not prefix.strip() else " " * len(prefix)
    member = f"{_quoted_alike(text, first, key)}: {literal}{newline}"
    head = _KEY_LINE.match(text, job.key_end)
    if head is not None and head.end() == first:
        # A comment above the first member belongs to that member.
        return text.index("\n", job.key_end) + 1, indent + member
    return first, member + indent


def _flow_insertion(
    text: str, spot: Spot, first: int | None, key: str, literal: str
) -> tuple[int, str]:
    opening = spot.lead[1]
    if first is None:
        at = _first_visible(text, opening)
        if text[at : at + 1] == "}":
            return opening, f"{yaml_key(key)}: {literal}"
        first = at  # only a merge key is there
    member = f"{_quoted_alike(text, first, key)}: {literal},"
    line = _REST_OF_LINE.match(text, opening)
    if line is not None and line.end() <= first:
        newline = "\r\n" if line.group().endswith("\r\n") else "\n"
        first_line = _line_start(text, first)
        prefix = text[first_line:first]
        indent = prefix if not prefix.strip() else " " * len(prefix)
        return line.end(), indent + member + newline
    return first, f"{member} "


def _quoted_alike(text: str, other: int, key: str) -> str:
    quote, written = text[other], yaml_key(key)
    return f"{quote}{key}{quote}" if written == key and quote in "\"'" else written


def _line_start(text: str, offset: int) -> int:
    start = text.rfind("\n", 0, offset) + 1
    return 1 if start == 0 and text.startswith("\ufeff") else start


def _first_visible(text: str, offset: int) -> int:
    while offset < len(text) and text[offset].isspace():
        offset += 1
    return offset
