"""Changing one member of a job in a YAML text."""

import re

from bistro_tui.engine.config.places import Form, Member, Spot
from bistro_tui.engine.config.yaml_text import yaml_places
from bistro_tui.engine.errors import ControlRefused

_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?\n")
_KEY_LINE = re.compile(
    r"[ \t]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ ]*"
)


def edit_yaml(text: str, job_key: str, key: str, literal: str) -> str:
    """Return the text with that member of the job set; the job is there.

    Raises ControlRefused where the job is an alias or comes by a merge key, and where
    the value has an anchor or a tag.
    """
    _, job = yaml_places(text).find((job_key,))
    if job is None or job.is_merged or job.value.form is Form.ALIAS:
        message = "the job is written elsewhere, behind an alias; please edit the file"
        raise ControlRefused(message)
    member = job.value.members.get(key)
    if member is None or member.is_merged:
        at, inserted = _insertion(text, job, key, literal)
        return text[:at] + inserted + text[at:]
    value = member.value
    if value.decorated:
        message = f"{key} has an anchor or a tag there; please edit the file"
        raise ControlRefused(message)
    end = value.end
    while end > value.start and text[end - 1].isspace():
        end -= 1  # the line ends of a block belong to the file
    gap = " " if value.start == value.end and text[value.start - 1] == ":" else ""
    return text[: value.start] + gap + literal + text[end:]


def _insertion(text: str, job: Member, key: str, literal: str) -> tuple[int, str]:
    """Return where the job's first member goes, and its text with what goes along."""
    spot = job.value
    own = [each for each in spot.members.values() if not each.is_merged]
    first = min((each.key_start for each in own), default=None)
    if spot.form is Form.FLOW:
        return _flow_insertion(text, spot, first, key, literal)
    if first is None:  # only a merge key is there
        first = _first_visible(text, spot.lead[1])
    line_start = text.rfind("\n", 0, first) + 1
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
            return opening, f"{key}: {literal}"
        first = at  # only a merge key is there
    member = f"{_quoted_alike(text, first, key)}: {literal},"
    line = _REST_OF_LINE.match(text, opening)
    if line is not None and line.end() <= first:
        newline = "\r\n" if line.group().endswith("\r\n") else "\n"
        first_line = text.rfind("\n", 0, first) + 1
        prefix = text[first_line:first]
        indent = prefix if not prefix.strip() else " " * len(prefix)
        return line.end(), indent + member + newline
    return first, f"{member} "


def _quoted_alike(text: str, other: int, key: str) -> str:
    quote = text[other]
    return f"{quote}{key}{quote}" if quote in "\"'" else key


def _first_visible(text: str, offset: int) -> int:
    while offset < len(text) and text[offset].isspace():
        offset += 1
    return offset
