"""Where a job stands in the text of a config, and its own lines. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from bistro_tui.engine.config.excerpt import line_without_secrets
from bistro_tui.engine.config.formats import ConfigFormat
from bistro_tui.engine.config.laid_out import json_key
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import JOB_PREFIX
from bistro_tui.engine.config.places import Form, Member, Spot, SpotPlaces
from bistro_tui.engine.config.redactor import secrets_in
from bistro_tui.engine.config.secrets import HIDDEN, is_secret
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.config.text_change import read_config
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName

MOST_LINES = 200
LONGEST = 500
"""Characters of a line that are shown."""
_SHORTEST = 4
"""Characters of a secret that is hidden wherever it stands."""

_Span = tuple[int, int]


class JobPlace(NamedTuple):
    """Where a job is written."""

    line: int
    """Of its name, from 1; 0: it is not there."""
    excerpt: tuple[str, ...]
    """Its own lines, MOST_LINES at most."""


NOWHERE = JobPlace(0, ())


def place_of_job(
    text: str, config_format: ConfigFormat, job: JobName, *, hides_secrets: bool
) -> JobPlace:
    """Return where a job is written; NOWHERE if it is not, or the text does not parse.

    With ``hides_secrets``, what stands behind keys that name secrets is ``***``.
    """
    key = JOB_PREFIX + job
    try:
        config = read_config(text, config_format)
    except ControlRefused:
        return NOWHERE
    value = config.get(key) if isinstance(config, dict) else None
    if value is None:
        return NOWHERE
    if config_format is ConfigFormat.JSON:
        start, spans, secrets = _in_json(text, key, value)
    else:
        start, spans, secrets = _in_spots(text, config_format, key, value)
    if hides_secrets:
        text, spans = _without(text, spans, secrets)
    lines = [
        line for begin, end in spans for line in text[begin:end].rstrip().split("\n")
    ][:MOST_LINES]
    if hides_secrets:
        lines = list(_swept(lines, value))
    number = text.count("\n", 0, start) + 1
    return JobPlace(number, tuple(_short(line.removesuffix("\r")) for line in lines))


def _in_json(text: str, key: str, value: Json) -> tuple[int, list[_Span], list[_Span]]:
    """Return where the key begins, and the spans of the job and of its secrets."""
    from bistro_tui.engine.config.json_edit import JsonEditor
    from bistro_tui.engine.config.locate import JsonPlaces
    from bistro_tui.engine.config.text import parse_text

    editor = JsonEditor()
    found = editor.guess(text, key, value) or editor.span(text, key)
    assert found is not None
    start, end = found
    name = text.rfind(json_key(key), 0, start)
    begin = name if name >= 0 else start
    line_start = text.rfind("\n", 0, begin) + 1
    # A line that something else begins is not the job's own.
    first = line_start if not text[line_start:begin].strip() else begin
    secrets: list[_Span] = []
    if paths := list(_secret_paths(value)):
        part = text[start:end]
        places = JsonPlaces(part, parse_text(part).blanked)
        for path in paths:
            node, _ = places.find(path)
            span = places.offset(node.start_byte), places.offset(node.end_byte)
            secrets.append((start + span[0], start + span[1]))
    return begin, [(first, end)], secrets


def _in_spots(
    text: str, config_format: ConfigFormat, key: str, value: Json
) -> tuple[int, list[_Span], list[_Span]]:
    """Return the same of a TOML or YAML text."""
    places: SpotPlaces
    if config_format is ConfigFormat.TOML:
        from bistro_tui.engine.config.toml_edit import lines_of
        from bistro_tui.engine.config.toml_places import toml_places

        places = toml_places(text)
        _, member = places.find((key,))
        assert member is not None
        spans = sorted(lines_of(text, member))
    else:
        from bistro_tui.engine.config.yaml_text import yaml_places

        places = yaml_places(text)
        _, member = places.find((key,))
        assert member is not None
        begin = text.rfind("\n", 0, member.key_start) + 1
        is_elsewhere = member.is_merged or member.value.form is Form.ALIAS
        end = member.key_end if is_elsewhere else member.value.end
        spans = [(begin, len(text[:end].rstrip()))]
    secrets = [
        span
        for path in _secret_paths(value)
        for span in _spans_of(*places.find((key, *path)))
    ]
    begin, end = spans[0][0], spans[-1][1]
    own = [one for one in secrets if begin <= one[0] < one[1] <= end]
    start = member.key_start if begin <= member.key_start < end else begin
    return start, spans, own


def _spans_of(spot: Spot, member: Member | None) -> Iterator[_Span]:
    """Return where a value is written, in parts if it is a table."""
    if member is None:
        return
    spot.open()
    if spot.form in (Form.SCALAR, Form.FLOW, Form.BLOCK):
        yield spot.start, spot.end
        return
    for one in spot.members.values():
        yield from _spans_of(one.value, one)


def _secret_paths(value: Json, path: Path = ()) -> Iterator[Path]:
    """Return the paths of what stands behind keys that name secrets."""
    if isinstance(value, dict):
        for key, one in value.items():
            if is_secret(key):
                yield (*path, key)
            else:
                yield from _secret_paths(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _secret_paths(one, (*path, index))


def _without(
    text: str, spans: list[_Span], secrets: list[_Span]
) -> tuple[str, list[_Span]]:
    """Return the text with these parts hidden, and where its spans are then."""
    for begin, end in sorted(secrets, reverse=True):
        # Line ends at the end of a YAML block belong to what follows.
        end = begin + len(text[begin:end].rstrip())
        shift = len(HIDDEN) - (end - begin)
        text = text[:begin] + HIDDEN + text[end:]
        spans = [
            (
                first + shift if first >= end else first,
                last + shift if last >= end else last,
            )
            for first, last in spans
        ]
    return text, spans


def _swept(lines: list[str], value: Json) -> Iterator[str]:
    """Yield the lines without what hides elsewhere: in comments, behind anchors."""
    texts = sorted(
        {one for one in secrets_in(value) if len(one) >= _SHORTEST},
        key=len,
        reverse=True,
    )
    for line in lines:
        for text in texts:
            line = line.replace(text, HIDDEN)
        yield line_without_secrets(line)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
