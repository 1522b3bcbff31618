"""Changing one member of a job in a TOML text."""

from bistro_tui.engine.config.places import Form, Member, Spot
from bistro_tui.engine.config.toml_places import toml_places
from bistro_tui.engine.errors import ControlRefused


def edit_toml(text: str, job_key: str, key: str, literal: str) -> str:
    """Return the text with that member of the job set; the job is there.

    Raises ControlRefused where the member is a table.
    """
    _, job = toml_places(text).find((job_key,))
    if job is None:
        raise ControlRefused("cannot find the job in the text; please edit the file")
    member = job.value.members.get(key)
    if member is None:
        at, inserted = _insertion(text, job, f"{key} = {literal}")
        return text[:at] + inserted + text[at:]
    value = member.value
    is_written_here = value.form in (Form.SCALAR, Form.FLOW)
    if not is_written_here or any(item.form is Form.HEADER for item in value.items):
        raise ControlRefused(f"{key} is a table there; please edit the file")
    return text[: value.start] + literal + text[value.end :]


def _insertion(text: str, found: Member, member: str) -> tuple[int, str]:
    """Return where the job's first member goes, and its text with what goes along."""
    job = found.value
    start, end = job.lead
    match job.form:
        case Form.FLOW:
            return end, _in_braces(text, job, member)
        case Form.HEADER:
            line_end = _line_end(text, end)
            indent = _indent(text, _first_line(text, job, start))
            return line_end, _newline(text, line_end) + indent + member
        case Form.DOTTED:
            line_end = _line_end(text, end)
            indent = _indent(text, start)
            dotted = f"{text[start:end]}.{member}"
            return start, dotted + _newline(text, line_end) + indent
        case _:
            newline = _newline(text, _line_end(text, end))
            indent = _indent(text, start)
            name = text[found.key_start : found.key_end]
            table = f"[{name}]{newline}{indent}{member}{newline}{newline}{indent}"
            return start, table


def _in_braces(text: str, job: Spot, member: str) -> str:
    after = text[job.lead[1]]
    if job.members:
        return f"{member}, " if after != " " else f" {member},"
    return f" {member}" if after == " " else member


def _first_line(text: str, job: Spot, header: int) -> int:
    """Return an offset in the line whose indent a new member takes."""
    own = [each.key_start for each in job.members.values() if each.key_start > header]
    return min(own, default=header)


def _indent(text: str, offset: int) -> str:
    line = text[text.rfind("\n", 0, offset) + 1 : offset].removeprefix("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1] == "\r" else end


def _newline(text: str, line_end: int) -> str:
    return "\r\n" if text.startswith("\r\n", line_end) else "\n"
