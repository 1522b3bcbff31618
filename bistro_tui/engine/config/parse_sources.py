"""The prefs of each node source, checked as far as that needs no IO.

Source: Bistro, nodes/*Fetcher; there, mistakes show only when nodes are fetched.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from bistro_tui.engine.config.coerce import (
    CoercionError,
    show,
    to_bool,
    to_int,
    to_positive_seconds,
    to_str,
)
from bistro_tui.engine.config.labels import PARENT, LabelFormat
from bistro_tui.engine.config.model import (
    AddTimePrefs,
    EmptyPrefs,
    Json,
    ManualNode,
    ManualPrefs,
    NodeSourcePrefs,
    PluggedPrefs,
    RangeLabelPrefs,
    ScheduleItem,
    ScriptPrefs,
)
from bistro_tui.engine.config.reading import ObjectReader, read_strings
from bistro_tui.engine.config.source_keys import (
    ADD_TIME,
    EMPTY,
    MANUAL_NODE,
    RANGE_LABEL,
    SCHEDULE_ITEM,
    SCRIPT,
)
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.ids import LevelName, NodeName

if TYPE_CHECKING:
    from bistro_tui.engine.cron.item import CronItem

_AS_LIFETIME = -1
"""What an ``enabled_lifetime`` that is not given means."""


def read_prefs(
    source: str, reader: ObjectReader, source_path: Path
) -> NodeSourcePrefs | None:
    """Return the typed prefs of a source; None if there is no such source.

    Errors are noted; an unknown source at ``source_path``.
    """
    read = _READERS.get(source)
    if read is not None:
        return read(reader)
    plugged = reader.report.plugged.sources
    foreign = plugged.get(source)
    if foreign is None:
        known = (*_READERS, *plugged)
        near = reader.report.suggest(source, known)
        message = f"unknown node source {show(source)}; there are {', '.join(known)}"
        reader.report.error(source_path, message + near)
        return None
    if isinstance(foreign, str):
        reader.report.error(source_path, foreign)
        return None
    value = foreign(reader)
    reader.finish()
    return PluggedPrefs(raw=json.dumps(reader.raw, sort_keys=True), value=value)


def _read_empty(reader: ObjectReader) -> EmptyPrefs:
    reader.finish(EMPTY)
    return EmptyPrefs()


def _read_manual(reader: ObjectReader) -> ManualPrefs:
    nodes: dict[NodeName, ManualNode] = {}
    for name, raw, path in reader.entries():
        if "\0" in name:
            message = "a node's name cannot hold a NUL character"
            reader.report.error(path, message, at_key=True)
        nodes[NodeName(name)] = _read_manual_node(raw, path, reader)
    return ManualPrefs(nodes=nodes)


def _read_manual_node(raw: Json, path: Path, reader: ObjectReader) -> ManualNode:
    if isinstance(raw, str):
        return ManualNode(children=_names([raw], path, reader))
    if isinstance(raw, list):
        return ManualNode(children=_names(raw, path, reader))
    if not isinstance(raw, dict):
        wanted = "must be a child's name, an array of names, or an object"
        reader.report.error(path, f"{wanted}, got {show(raw)}")
        return ManualNode()
    node = ObjectReader(raw, path, reader.report)
    children = node.strings("children") or ()
    node_disabled = node.get("disabled", to_bool, False)
    node.finish(MANUAL_NODE)
    return ManualNode(
        children=_names(list(children), (*path, "children"), reader),
        enabled=not node_disabled,
    )


def _names(items: list[Json], path: Path, reader: ObjectReader) -> tuple[NodeName, ...]:
    names = tuple(NodeName(name) for name in read_strings(items, path, reader.report))
    if any("\0" in name for name in names):
        reader.report.error(path, "a node's name cannot hold a NUL character")
    return names


def _read_range_label(reader: ObjectReader) -> RangeLabelPrefs:
    prefs = RangeLabelPrefs(
        parent_level=LevelName(reader.require("parent_level", to_str, "")),
        start=reader.require("start", to_int, 0),
        end=reader.require("end", to_int, -1),
        format=reader.get("format", _range_format, "{parent}__{i}"),
        enabled=reader.get("enabled", to_bool, True),
    )
    reader.finish(RANGE_LABEL)
    return prefs


def _range_format(value: Json) -> str:
    return _to_format(value, "i", ("start", "end"))


def _time_format(value: Json) -> str:
    return _to_format(value, "time", ())


def _to_format(value: Json, moving: str, fixed: tuple[str, ...]) -> str:
    text = to_str(value)
    if "\0" in text:
        raise CoercionError("a node's name cannot hold a NUL character")
    known = ", ".join(f"{{{name}}}" for name in (PARENT, moving, *fixed))
    try:
        LabelFormat(text, moving=moving, fixed=dict.fromkeys(fixed, ""))
    except ValueError:
        message = f"has a brace alone; placeholders are {known}, a brace is {{{{"
        raise CoercionError(message) from None
    except KeyError as error:
        message = f"unknown placeholder {{{error.args[0]}}}; there are {known}"
        raise CoercionError(message) from None
    return text


def _read_script(reader: ObjectReader) -> ScriptPrefs:
    prefs = ScriptPrefs(
        parent_level=LevelName(reader.require("parent_level", to_str, "")),
        script=reader.require("script", _to_program, ""),
        timeout_sec=reader.get("timeout_sec", to_positive_seconds, 30.0),
    )
    reader.finish(SCRIPT)
    return prefs


def _to_program(value: Json) -> str:
    text = to_str(value)
    if not text or "\0" in text:
        raise CoercionError(f"must name a program, got {show(value)}")
    return text


def _read_add_time(reader: ObjectReader) -> AddTimePrefs:
    prefs = AddTimePrefs(
        parent_level=LevelName(reader.require("parent_level", to_str, "")),
        format=reader.get("format", _time_format, "{parent}:{time}"),
        schedule=tuple(_read_schedule(reader)),
    )
    reader.finish(ADD_TIME)
    return prefs


def _read_schedule(reader: ObjectReader) -> Iterator[ScheduleItem]:
    raw: list[Json] = reader.get("schedule", _to_array, [])
    for index, item in enumerate(raw):
        path: Path = (*reader.path, "schedule", index)
        if not isinstance(item, dict):
            wanted = 'must be an object such as {"cron": {…}, "lifetime": 3600}'
            reader.report.error(path, f"{wanted}, got {show(item)}")
            continue
        found = _read_schedule_item(ObjectReader(item, path, reader.report))
        if found is not None:
            yield found


def _to_array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise CoercionError(f"must be an array, got {show(value)}")
    return value


def _read_schedule_item(reader: ObjectReader) -> ScheduleItem | None:
    cron = _read_cron(reader)
    lifetime = reader.require("lifetime", _to_lifetime, -1)
    enabled_lifetime = reader.get("enabled_lifetime", to_int, _AS_LIFETIME)
    tags = reader.strings("tags") or ()
    reader.finish(SCHEDULE_ITEM)
    if cron is None:
        return None
    return ScheduleItem(
        cron=cron,
        lifetime=lifetime,
        enabled_lifetime=(
            lifetime if enabled_lifetime == _AS_LIFETIME else enabled_lifetime
        ),
        tags=frozenset(tags),
    )


def _read_cron(reader: ObjectReader) -> "CronItem | None":
    if not reader.has("cron"):
        reader.report.error(reader.path, 'the key "cron" is missing')
        return None
    # Few configs have one, and it takes a while to load.
    from bistro_tui.engine.cron.item import CronError, parse_cron

    try:
        return parse_cron(reader.raw["cron"])
    except CronError as error:
        for each in error.every:
            reader.report.error((*reader.path, "cron", *each.path), each.problem)
        return None


def _to_lifetime(value: Json) -> int:
    lifetime = to_int(value)
    if lifetime == 0:
        raise CoercionError("must be seconds other than 0, got 0")
    return lifetime


_READERS: Mapping[str, Callable[[ObjectReader], NodeSourcePrefs]] = {
    "manual": _read_manual,
    "range_label": _read_range_label,
    "empty": _read_empty,
    "script": _read_script,
    "add_time": _read_add_time,
}
