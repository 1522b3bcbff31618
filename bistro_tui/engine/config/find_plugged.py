"""Finding the plug-ins that a config names, before it is parsed."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.plugged import NOTHING_PLUGGED, Plugged, PrefsReader
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.foreign import is_failure
from bistro_tui.engine.installed import (
    BUILT_IN,
    Group,
    Part,
    PluginError,
    find,
    names,
)

SOURCE_METHODS = ("read_prefs", "fetch")
POLICY_METHODS = ("set_jobs", "choose", "started", "changed")


def plugged_for(raw: Json) -> Plugged:
    """Return what plug-ins add to the words of this config; never raises.

    Only plug-ins that it names are loaded; with built-in names alone, the installed
    distributions are not even looked at.
    """
    wanted = {
        Group.POLICIES: set(_schedulers(raw)) - BUILT_IN[Group.POLICIES].keys(),
        Group.NODE_SOURCES: set(_sources(raw)) - BUILT_IN[Group.NODE_SOURCES].keys(),
    }
    if not any(wanted.values()):
        return NOTHING_PLUGGED
    return Plugged(
        policies={
            name: _policy_problem(name) if name in wanted[Group.POLICIES] else ""
            for name in _foreign_names(Group.POLICIES)
        },
        sources={
            name: _source(name) if name in wanted[Group.NODE_SOURCES] else _not_asked
            for name in _foreign_names(Group.NODE_SOURCES)
        },
    )


def make_part(
    group: Group, name: str, methods: tuple[str, ...], *arguments: object
) -> tuple[Part, Any]:
    """Return a part and what its factory makes of these arguments.

    Raises PluginError.
    """
    part = find(group, name)
    try:
        made = part.load()(*arguments)
    except PluginError:
        raise
    except BaseException as error:
        if not is_failure(error):
            raise
        raise part.error("cannot be made", error) from error
    return part, part.checked(made, methods)


def _foreign_names(group: Group) -> Iterator[str]:
    return (name for name in names(group) if name not in BUILT_IN[group])


def _policy_problem(name: str) -> str:
    try:
        # Made once in vain, for to fail while scheduling would be too late.
        make_part(Group.POLICIES, name, POLICY_METHODS, random.Random(0))
    except PluginError as error:
        return str(error)
    return ""


def _source(name: str) -> PrefsReader | str:
    try:
        part, made = make_part(Group.NODE_SOURCES, name, SOURCE_METHODS)
    except PluginError as error:
        return str(error)
    return _guarded(part, made.read_prefs)


def _guarded(part: Part, read: Callable[[ObjectReader], object]) -> PrefsReader:
    def read_prefs(reader: ObjectReader) -> object:
        try:
            return read(reader)
        except BaseException as error:
            if not is_failure(error):
                raise
            message = part.error("cannot read these prefs", error)
            reader.report.error(reader.path, str(message))
            return None

    return read_prefs


def _not_asked(reader: ObjectReader) -> object:
    raise AssertionError(f"{reader.path}: no such source is named in this config")


def _schedulers(raw: Json) -> Iterator[str]:
    word = _member(_member(raw, "bistro_settings"), "scheduler")
    if isinstance(word, str):
        yield word


def _sources(raw: Json) -> Iterator[str]:
    nodes = _member(_member(raw, "bistro_settings"), "nodes")
    items = _member(nodes, "node_sources")
    found = [_member(item, "source") for item in items or ()] if _is_list(items) else []
    for word in (*found, _member(nodes, "node_source")):
        if isinstance(word, str):
            yield word


def _is_list(value: Json) -> bool:
    return isinstance(value, list)


def _member(value: Json, key: str) -> Json:
    return value.get(key) if isinstance(value, dict) else None
