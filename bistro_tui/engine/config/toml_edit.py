"""Changing members of tables in a TOML text. Pure."""

import re
from collections.abc import Iterator

from bistro_tui.engine.config.brackets import Bracketed, Span, cut, without_item
from bistro_tui.engine.config.laid_out import toml_key, toml_text
from bistro_tui.engine.config.lexis import BOM
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.places import Form, Member, Spot
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.config.toml_places import toml_places
from bistro_tui.engine.errors import ControlRefused

_GAP = re.compile(r"\s*+")
_NO_REST = re.compile(r"(?!)")
"""An inline table is one line, whatever its values are."""
_EMPTY_LINES = re.compile(r"(?:[ \t]*+\r?\n)*+")
_WRITTEN_HERE = (Form.SCALAR, Form.FLOW)


class TomlEditor:
    """Edits one TOML text after the other; ControlRefused where it cannot."""

    def guess(self, _text: str, _key: str, _value: Json) -> Span | None:
        """Return None, as ``span`` does."""
        return None

    def span(self, _text: str, _key: str) -> Span | None:
        """Return None: a table may be written in many places."""
        return None

    def set(self, text: str, path: Path, value: Json) -> str:
        """Return the text with another value for a member that is there."""
        spot, member = toml_places(text).find(path)
        if member is None:
            raise _lost(path)
        is_written_here = spot.form in _WRITTEN_HERE
        if not is_written_here or any(item.form is Form.HEADER for item in spot.items):
            raise ControlRefused(f"{path[-1]} is a table there; please edit the file")
        return text[: spot.start] + toml_text(value) + text[spot.end :]

    def add(self, text: str, path: Path, value: Json) -> str:
        """Return the text with a new first member of its table."""
        _, table = toml_places(text).find(path[:-1])
        if table is None:
            raise _lost(path)
        member = f"{toml_key(str(path[-1]))} = {toml_text(value)}"
        at, inserted = _insertion(text, table, member)
        return text[:at] + inserted + text[at:]

    def remove(self, text: str, path: Path) -> str:
        """Return the text without a member, all lines and tables of it."""
        places = toml_places(text)
        holder, _ = places.find(path[:-1])
        member = holder.members.get(str(path[-1]))
        if member is None:
            raise _lost(path)
        if holder.form is not Form.FLOW:
            return cut(text, list(lines_of(text, member)))
        if any(
            each.value.form not in _WRITTEN_HERE for each in holder.members.values()
        ):
            raise _lost(path)
        keys = list(holder.members)
        items = [(each.key_start, each.value.end) for each in holder.members.values()]
        found = Bracketed(text, holder.start + 1, items, _GAP, _NO_REST)
        return without_item(found, keys.index(str(path[-1])))

    def append(self, text: str, key: str, value: Json) -> str:
        """Return the text with a new table at its end."""
        newline = "\r\n" if "\r\n" in text else "\n"
        if text and not text.endswith("\n"):
            text += newline
        members = value.items() if isinstance(value, dict) else ()
        lines = [
            f"[{toml_key(key)}]",
            *(f"{toml_key(name)} = {toml_text(held)}" for name, held in members),
        ]
        space = newline if text.strip(f"{BOM}\r\n\t ") else ""
        return text + space + "".join(line + newline for line in lines)


def _lost(path: Path) -> ControlRefused:
    return ControlRefused(f"cannot find {path[-1]} in the text; please edit the file")


def lines_of(text: str, member: Member) -> Iterator[Span]:
    """Return the lines that a member is written in, comments between them included."""
    spot = member.value
    if spot.items and spot.items[0].form is Form.HEADER:
        for item in spot.items:
            yield from _table_lines(text, item)
    elif spot.form in _WRITTEN_HERE:
        yield _line_start(text, member.key_start), _next_line(text, spot.end)
    elif spot.form is Form.HEADER:
        yield from _table_lines(text, spot)
    else:
        for each in spot.members.values():
            yield from lines_of(text, each)


def _table_lines(text: str, table: Spot) -> Iterator[Span]:
    start, end = table.lead
    for each in table.members.values():
        if _is_below_header(each.value):
            end = max(end, _last(each.value))
        else:
            yield from lines_of(text, each)
    begin = _line_start(text, start)
    end = _next_line(text, end)
    empty = _EMPTY_LINES.match(text, end)
    end = empty.end() if empty else end
    if end == len(text):
        # No empty lines at the end of the file, where none were.
        begin = _skip_empty_lines_back(text, begin)
    yield begin, end


def _is_below_header(spot: Spot) -> bool:
    """Return whether it is written among the lines that follow its table's header."""
    if spot.form is Form.DOTTED:
        return True
    is_list_of_tables = bool(spot.items) and spot.items[0].form is Form.HEADER
    return spot.form in _WRITTEN_HERE and not is_list_of_tables


def _last(spot: Spot) -> int:
    if spot.form is not Form.DOTTED:
        return spot.end
    return max((_last(each.value) for each in spot.members.values()), default=spot.end)


def _insertion(text: str, found: Member, member: str) -> tuple[int, str]:
    """Return where a table's first member goes, and its text with what goes along."""
    table = found.value
    start, end = table.lead
    match table.form:
        case Form.FLOW:
            return end, _in_braces(text, table, member)
        case Form.HEADER:
            line_end = _line_end(text, end)
            indent = _indent(text, _first_line(text, table, start))
            return line_end, _newline(text, line_end) + indent + member
        case Form.DOTTED:
            line_end = _line_end(text, end)
            indent = _indent(text, start)
            dotted = f"{text[start:end]}.{member}"
            return start, dotted + _newline(text, line_end) + indent
        case Form.IMPLICIT:
            newline = _newline(text, _line_end(text, end))
            indent = _indent(text, start)
            name = text[start : found.key_end].lstrip("[ \t")
            header = f"[{name}]{newline}{indent}{member}{newline}{newline}{indent}"
            return start, header
        case _:
            raise ControlRefused("that is no table; please edit the file")


def _in_braces(text: str, table: Spot, member: str) -> str:
    after = text[table.lead[1]]
    if table.members:
        return f"{member}, " if after != " " else f" {member},"
    return f" {member}" if after == " " else member


def _first_line(text: str, table: Spot, header: int) -> int:
    """Return an offset in the line whose indent a new member takes."""
    own = [each.key_start for each in table.members.values() if each.key_start > header]
    return min(own, default=header)


def _indent(text: str, offset: int) -> str:
    line = text[_line_start(text, offset) : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _line_start(text: str, offset: int) -> int:
    start = text.rfind("\n", 0, offset) + 1
    return 1 if start == 0 and text.startswith(BOM) else start


def _next_line(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _skip_empty_lines_back(text: str, line_start: int) -> int:
    while (before := _line_start(text, line_start - 1)) < line_start:
        if line_start == 0 or text[before:line_start].strip():
            break
        line_start = before
    return line_start


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1] == "\r" else end


def _newline(text: str, line_end: int) -> str:
    return "\r\n" if text.startswith("\r\n", line_end) else "\n"
