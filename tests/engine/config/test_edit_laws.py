"""What holds for every text and every edit, whatever the format.

Everything outside the job is byte for byte the same, what is the same in the job is
written the same, and the result parses to what was asked for.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.config.edit import KEPT_KEYS, delete_job, save_job
from bistro_tui.engine.config.formats import ConfigFormat, read_document
from bistro_tui.engine.config.json_edit import JsonEditor
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.places import SpotPlaces
from bistro_tui.engine.config.toml_places import toml_places
from bistro_tui.engine.config.yaml_text import yaml_places
from bistro_tui.engine.ids import JobName
from tests.engine.config.writers import (
    JsonWriter,
    TomlWriter,
    Writer,
    YamlWriter,
    keys,
    toml_objects,
    yaml_objects,
)
from tests.faults.seeds import SCALE

KEY = "bistro_job->a"
A = JobName("a")
FORMATS = list(ConfigFormat)


class Case:
    """A text with a job in it, or without one, and what it is to be."""

    def __init__(self, head: str, job: str, tail: str, wanted: dict[str, Json]) -> None:
        self.head, self.job, self.tail, self.wanted = head, job, tail, wanted
        self.text = head + job + tail

    def __repr__(self) -> str:
        return f"Case({self.head!r}, {self.job!r}, {self.tail!r}, {self.wanted!r})"


def objects(config_format: ConfigFormat) -> st.SearchStrategy[dict[str, Any]]:
    return toml_objects if config_format is ConfigFormat.TOML else yaml_objects


def altered(
    draw: st.DrawFn, job: dict[str, Json], config_format: ConfigFormat
) -> dict[str, Json]:
    """Return an object that has much in common with ``job``."""
    changed: dict[str, Json] = {}
    other = draw(objects(config_format))
    for key, held in job.items():
        what = draw(st.sampled_from(["keep", "keep", "drop", "change", "descend"]))
        if what == "keep":
            changed[key] = held
        elif what == "descend" and isinstance(held, dict):
            changed[key] = altered(draw, held, config_format)
        elif what != "drop":
            changed[key] = draw(st.sampled_from([*other.values(), 1, True, {}, "x"]))
    if draw(st.booleans()):
        changed |= other
    return {key: held for key, held in changed.items() if key not in KEPT_KEYS}


@st.composite
def cases(draw: st.DrawFn, config_format: ConfigFormat) -> Case:
    around, job = draw(objects(config_format)), draw(objects(config_format))
    around.pop(KEY, None)
    around["bistro_settings"] = {}
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    members = list(around.items())
    at = draw(st.integers(0, len(members)))
    head = draw(st.sampled_from(["", "\ufeff", "# é\n"]))
    if config_format is ConfigFormat.JSON:
        writer: Writer = JsonWriter(draw)
        head = head.replace("#", "//")
    elif config_format is ConfigFormat.YAML:
        writer = YamlWriter(draw)
    else:
        writer = TomlWriter(draw)
    before, middle, after = written(writer, members[:at], job, members[at:])
    parts = [part.replace("\n", line_end) for part in (head + before, middle, after)]
    text = "".join(parts)
    found = read_document(text, config_format).value[KEY]
    return Case(parts[0], parts[1], parts[2], altered(draw, found, config_format))


def written(
    writer: Writer,
    before: list[tuple[str, Json]],
    job: dict[str, Json],
    after: list[tuple[str, Json]],
) -> tuple[str, str, str]:
    """Return the text around the job, and its own."""
    marks = []
    if isinstance(writer, TomlWriter):
        # Pairs cannot come after tables: the others come first, then the tables.
        writer.table(dict(before), ())
        marks.append(len(writer.text))
        name = writer.key(KEY)
        writer.text += f"[{name}]{writer.comment()}\n"
        writer.table(job, (KEY,))
        marks.append(len(writer.text))
        for key, held in after:
            if isinstance(held, dict):
                writer.text += f"[{writer.key(key)}]\n"
                writer.table(held, (key,))
    else:
        writer.begin()
        for number, (key, held) in enumerate([*before, (KEY, job), *after]):
            if number == len(before):
                marks.append(len(writer.text))
            writer.member(key, held, is_first=not number)
            if number == len(before):
                marks.append(len(writer.text))
        writer.end()
    text = writer.text
    return text[: marks[0]], text[marks[0] : marks[1]], text[marks[1] :]


def source_of(text: str, key: str, config_format: ConfigFormat) -> str:
    """Return how a member of the job is written."""
    if config_format is ConfigFormat.JSON:
        start, end = JsonEditor().span(text, KEY) or (0, 0)
        inner = text[start:end]
        start, end = JsonEditor().span(inner, key) or (0, 0)
        return inner[start:end]
    find: Callable[[str], SpotPlaces] = (
        toml_places if config_format is ConfigFormat.TOML else yaml_places
    )
    spot, _ = find(text).find((KEY, key))
    return text[spot.start : spot.end].rstrip()


@pytest.mark.parametrize("config_format", FORMATS)
@settings(max_examples=30 * SCALE)
@given(data=st.data())
def test_a_saved_job_is_what_was_asked_and_all_else_as_it_was(
    config_format: ConfigFormat, data: st.DataObject
) -> None:
    case = data.draw(cases(config_format))
    before = read_document(case.text, config_format).value
    changed = save_job(case.text, A, case.wanted, config_format)
    assert changed.startswith(case.head)
    assert changed.endswith(case.tail)
    after = read_document(changed, config_format).value
    assert repr(sorted_deep(after)) == repr(sorted_deep({**before, KEY: case.wanted}))
    for key, held in case.wanted.items():
        if key in before[KEY] and repr(before[KEY][key]) == repr(held):
            was = source_of(case.text, key, config_format)
            assert source_of(changed, key, config_format) == was
    assert save_job(changed, A, case.wanted, config_format) == changed


@pytest.mark.parametrize("config_format", FORMATS)
@settings(max_examples=30 * SCALE)
@given(data=st.data())
def test_a_deleted_job_is_gone_and_nothing_else(
    config_format: ConfigFormat, data: st.DataObject
) -> None:
    case = data.draw(cases(config_format))
    before = read_document(case.text, config_format).value
    del before[KEY]
    changed = delete_job(case.text, A, config_format)
    after = read_document(changed, config_format).value
    assert repr(sorted_deep(after)) == repr(sorted_deep(before))
    rest = iter(case.text)
    assert all(char in rest for char in bare(changed))
    assert bare(changed).startswith(bare(case.head))
    # A comment between the job and its comma goes, too.
    begins = case.tail.find('"') if config_format is ConfigFormat.JSON else 0
    assert bare(changed).endswith(bare(case.tail[begins:]))


@pytest.mark.parametrize("config_format", FORMATS)
@settings(max_examples=30 * SCALE)
@given(data=st.data())
def test_a_new_job_comes_last_and_nothing_else_moves(
    config_format: ConfigFormat, data: st.DataObject
) -> None:
    case = data.draw(cases(config_format))
    before = read_document(case.text, config_format).value
    name = data.draw(keys.filter(lambda name: name and "\0" not in name))
    if JobName(name) == A:
        return
    changed = save_job(case.text, JobName(name), case.wanted, config_format)
    after = read_document(changed, config_format).value
    wanted = {**before, f"bistro_job->{name}": case.wanted}
    assert repr(sorted_deep(after)) == repr(sorted_deep(wanted))
    rest = iter(changed)
    assert all(char in rest for char in case.text)
    again = delete_job(changed, JobName(name), config_format)
    assert "".join(again.split()) == "".join(case.text.split())


def bare(text: str) -> str:
    """Return the text without space and commas."""
    return "".join(text.replace(",", "").split())


def sorted_deep(value: Json) -> Json:
    """Return the value with its keys in order; -0.0 is 0.0."""
    if isinstance(value, dict):
        return {key: sorted_deep(value[key]) for key in sorted(value)}
    return list(map(sorted_deep, value)) if isinstance(value, list) else value
