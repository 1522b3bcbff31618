"""The prefs of each node source, checked as far as that needs no IO.

Source: Bistro, nodes/*Fetcher; there, mistakes show only when nodes are fetched.
"""

import string
from collections.abc import Callable, Mapping

from bistro_tui.engine.config.coerce import (
    CoercionError,
    show,
    to_bool,
    to_int,
    to_positive_seconds,
    to_str,
)
from bistro_tui.engine.config.model import (
    EmptyPrefs,
    Json,
    ManualNode,
    ManualPrefs,
    NodeSourcePrefs,
    RangeLabelPrefs,
    ScriptPrefs,
)
from bistro_tui.engine.config.reading import ObjectReader, read_strings
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.ids import LevelName, NodeName

_PLACEHOLDERS = ("parent", "i", "start", "end")


def read_prefs(
    source: str, reader: ObjectReader, source_path: Path
) -> NodeSourcePrefs | None:
    """Return the typed prefs of a source; None if there is no such source.

    Errors are noted; an unknown source at ``source_path``.
    """
    read = _READERS.get(source)
    if read is not None:
        return read(reader)
    known = ", ".join(_READERS)
    if source == "add_time":
        message = f'"add_time" is not in this version yet; there are {known}'
    else:
        near = reader.report.suggest(source, _READERS)
        message = f"unknown node source {show(source)}; there are {known}{near}"
    reader.report.error(source_path, message)
    return None


def _read_empty(reader: ObjectReader) -> EmptyPrefs:
    reader.finish()
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
    node.finish()
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
        format=reader.get("format", _to_format, "{parent}__{i}"),
        enabled=reader.get("enabled", to_bool, True),
    )
    reader.finish()
    return prefs


def _to_format(value: Json) -> str:
    text = to_str(value)
    if "\0" in text:
        raise CoercionError("a node's name cannot hold a NUL character")
    known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        message = f"has a brace alone; placeholders are {known}, a brace is {{{{"
        raise CoercionError(message) from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or spec or conversion):
            message = f"unknown placeholder {{{name}}}; there are {known}"
            raise CoercionError(message)
    return text


def _read_script(reader: ObjectReader) -> ScriptPrefs:
    prefs = ScriptPrefs(
        parent_level=LevelName(reader.require("parent_level", to_str, "")),
        script=reader.require("script", _to_program, ""),
        timeout_sec=reader.get("timeout_sec", to_positive_seconds, 30.0),
    )
    reader.finish()
    return prefs


def _to_program(value: Json) -> str:
    text = to_str(value)
    if not text or "\0" in text:
        raise CoercionError(f"must name a program, got {show(value)}")
    return text


_READERS: Mapping[str, Callable[[ObjectReader], NodeSourcePrefs]] = {
    "manual": _read_manual,
    "range_label": _read_range_label,
    "empty": _read_empty,
    "script": _read_script,
}
