"""The ``nodes`` section: levels, node order and node sources.

Source: Bistro, config/Config.cpp.
"""

from dataclasses import dataclass

from bistro_tui.engine.config.check_nodes import NodeCheck
from bistro_tui.engine.config.coerce import CoercionError, show, to_str
from bistro_tui.engine.config.model import Json, NodeOrder, NodeSourceSpec
from bistro_tui.engine.config.parse_sources import read_prefs
from bistro_tui.engine.config.reading import ObjectReader, Report
from bistro_tui.engine.config.settings_keys import NODES
from bistro_tui.engine.config.source_keys import NODE_SOURCE
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.ids import INSTANCE_LEVEL, WORKER_LEVEL, LevelName


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesSection:
    """What ``nodes`` says, as far as it can be used."""

    levels: tuple[LevelName, ...] = (INSTANCE_LEVEL, WORKER_LEVEL)
    levels_are_known: bool = False
    """False: some name of ``levels`` cannot be read, so an unknown level may be it."""
    node_order: NodeOrder = NodeOrder.RANDOM
    sources: tuple[NodeSourceSpec, ...] = ()


def read_nodes(settings: ObjectReader) -> NodesSection:
    """Return the section; what is wrong in it is noted."""
    if not settings.has("nodes"):
        settings.report.error(settings.path, 'the key "nodes" is missing')
        return NodesSection()
    reader = settings.object("nodes")
    if reader is None:
        return NodesSection()
    problems = len(reader.report.problems)
    names = _read_level_names(reader)
    levels = _checked_levels(names or (), reader)
    is_good = len(reader.report.problems) == problems
    check = NodeCheck(levels, reader.report, knows_depth=is_good)
    section = NodesSection(
        levels=levels,
        levels_are_known=names is not None,
        node_order=reader.word("node_order", NodeOrder, NodeOrder.RANDOM),
        sources=_read_sources(reader, check if names is not None else None),
    )
    check.finish()
    reader.finish(NODES)
    return section


def _read_level_names(reader: ObjectReader) -> tuple[str, ...] | None:
    """Return the names as written; None if any cannot be read, which is noted."""
    if not reader.has("levels"):
        reader.report.error(reader.path, 'the key "levels" is missing')
        return None
    problems = len(reader.report.problems)
    names = reader.strings("levels")
    return names if len(reader.report.problems) == problems else None


def _checked_levels(
    names: tuple[str, ...], reader: ObjectReader
) -> tuple[LevelName, ...]:
    report = reader.report
    found: dict[LevelName, None] = {}
    for index, name in enumerate(names):
        level = LevelName(name)
        path: Path = (*reader.path, "levels", index)
        if level == WORKER_LEVEL:
            message = '"worker" is always there, below all others: leave it out'
            report.error(path, message)
        elif level == INSTANCE_LEVEL:
            message = '"instance" is always there, above all others: leave it out'
            report.warn(path, message)
        elif level in found:
            report.error(path, f"the level {show(level)} is named twice")
        else:
            found[level] = None
    return (INSTANCE_LEVEL, *found, WORKER_LEVEL)


def _read_sources(
    reader: ObjectReader, check: NodeCheck | None
) -> tuple[NodeSourceSpec, ...]:
    has_older = reader.has("node_source")
    has_older_prefs = reader.has("node_source_prefs")
    if not reader.has("node_sources"):
        if has_older:
            return _read_older_source(reader, check)
        message = 'no "node_sources": there is only the instance node'
        reader.report.warn(reader.path, message)
    for key in ("node_source",) * has_older + ("node_source_prefs",) * has_older_prefs:
        reader.warn(key, 'ignored: "node_sources" is what counts', at_key=True)
    items = reader.raw.get("node_sources", [])
    if not isinstance(items, list):
        reader.error("node_sources", f"must be an array, got {show(items)}")
        return ()
    found = []
    for index, item in enumerate(items):
        path: Path = (*reader.path, "node_sources", index)
        spec = _read_source(item, path, reader.report, check)
        if spec is not None:
            found.append(spec)
    return tuple(found)


def _read_source(
    raw: Json, path: Path, report: Report, check: NodeCheck | None
) -> NodeSourceSpec | None:
    if not isinstance(raw, dict):
        wanted = 'must be an object such as {"source": "manual", "prefs": {…}}'
        report.error(path, f"{wanted}, got {show(raw)}")
        return None
    reader = ObjectReader(raw, path, report)
    source = reader.require("source", _to_name, "")
    prefs = reader.object("prefs")
    if prefs is None and "prefs" not in raw:
        # What the prefs lack is then reported at the entry, the nearest thing there.
        prefs = ObjectReader({}, path, report)
    reader.finish(NODE_SOURCE)
    if prefs is None or not source:
        return None
    return _typed(source, prefs, check, (*path, "source"))


def _to_name(value: Json) -> str:
    name = to_str(value)
    if not name:
        raise CoercionError("must name a source")
    return name


def _read_older_source(
    reader: ObjectReader, check: NodeCheck | None
) -> tuple[NodeSourceSpec, ...]:
    """Read ``node_source`` and ``node_source_prefs``, which name one source."""
    source = reader.get("node_source", _to_name, "")
    prefs = reader.object("node_source_prefs")
    if prefs is None and "node_source_prefs" not in reader.raw:
        prefs = ObjectReader({}, reader.path, reader.report)
    if prefs is None or not source:
        return ()
    spec = _typed(source, prefs, check, (*reader.path, "node_source"))
    return (spec,) if spec else ()


def _typed(
    source: str, prefs: ObjectReader, check: NodeCheck | None, source_path: Path
) -> NodeSourceSpec | None:
    problems = len(prefs.report.problems)
    typed = read_prefs(source, prefs, source_path)
    if typed is None:
        return None
    spec = NodeSourceSpec(source=source, prefs=typed)
    if check is not None and len(prefs.report.problems) == problems:
        check.add(spec, prefs)
    return spec
