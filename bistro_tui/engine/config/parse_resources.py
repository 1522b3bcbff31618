"""What each level, worker and machine has of which resource.

Source: Bistro, config/Config.cpp.
"""

from collections.abc import Mapping
from typing import TypeAlias

from bistro_tui.engine.config.coerce import (
    CoercionError,
    show,
    to_float,
    to_int,
    to_str,
)
from bistro_tui.engine.config.model import Json, PhysicalResource, ResourceSpec
from bistro_tui.engine.config.parse_nodes import NodesSection
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.config.settings_keys import PHYSICAL_RESOURCE, RESOURCE
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, ResourceName

Resources: TypeAlias = Mapping[LevelName, Mapping[ResourceName, ResourceSpec]]

_ENFORCEMENTS = {
    "ram_mb": ("none", "hard"),
    "cpu_core": ("none", "soft"),
    "gpu_card": ("none",),
}


def read_resources(reader: ObjectReader, nodes: NodesSection) -> Resources:
    """Return the resources of each level; what is wrong in them is noted."""
    if not reader.has("resources"):
        message = 'the key "resources" is missing; {} means that there are none'
        reader.report.error(reader.path, message)
    levels = reader.object("resources")
    found: dict[LevelName, dict[ResourceName, ResourceSpec]] = {}
    level_of: dict[str, str] = {}
    for level, raw, path in levels.entries() if levels else ():
        if level not in nodes.levels and nodes.levels_are_known:
            near = reader.report.suggest(level, nodes.levels)
            message = f"unknown level {show(level)}{near}"
            reader.report.error(path, message, at_key=True)
        for name, spec in _read_level(raw, path, reader):
            if name in level_of:
                message = f"this resource is already on the level {level_of[name]}"
                reader.report.error((*path, name), message, at_key=True)
                continue
            level_of[name] = show(level)
            found.setdefault(LevelName(level), {})[name] = spec
    return found


def names_of_resources(settings: ObjectReader) -> frozenset[str] | None:
    """Return every name that is written for a resource; None if some cannot be read.

    What is wrong is not noted: ``read_resources`` does that.
    """
    levels = settings.raw.get("resources")
    if not isinstance(levels, dict):
        return None
    names: set[str] = set()
    for specs in levels.values():
        if not isinstance(specs, dict):
            return None
        names.update(specs)
    return frozenset(names)


def _read_level(
    raw: Json, path: Path, parent: ObjectReader
) -> list[tuple[ResourceName, ResourceSpec]]:
    if not isinstance(raw, dict):
        message = f"must be an object of resources, got {show(raw)}"
        parent.report.error(path, message)
        return []
    level = ObjectReader(raw, path, parent.report)
    found = []
    for name, item, item_path in level.entries():
        if not isinstance(item, dict):
            wanted = 'must be an object such as {"limit": 3, "default": 1}'
            parent.report.error(item_path, f"{wanted}, got {show(item)}")
            continue
        reader = ObjectReader(item, item_path, parent.report)
        spec = ResourceSpec(
            limit=reader.require("limit", to_int, 0),
            default=reader.require("default", to_int, 0),
            weight=reader.get("weight", _to_weight, 0),
        )
        reader.finish(RESOURCE)
        found.append((ResourceName(name), spec))
    return found


def _to_weight(value: Json) -> int:
    weight = to_int(value)
    if weight < 0:
        raise CoercionError(f"must not be negative, got {show(value)}")
    return weight


def _wrong_worker_resource(
    name: str, resources: Resources, reader: ObjectReader
) -> str:
    """Return why a name is not that of a worker-level resource; empty if it is."""
    at_worker = resources.get(WORKER_LEVEL, {})
    if name in at_worker:
        return ""
    for level, specs in resources.items():
        if name in specs:
            where = f"it is on the level {show(level)}"
            return f"{show(name)} is not a resource of workers: {where}"
    near = reader.report.suggest(name, at_worker)
    return f"unknown resource {show(name)}{near}"


def read_overrides(
    settings: ObjectReader, resources: Resources
) -> Mapping[str, Mapping[ResourceName, int]]:
    """Return the amounts that replace a worker's limits, by worker."""
    found: dict[str, dict[ResourceName, int]] = {}
    reader = settings.object("worker_resources_override")
    for worker, raw, path in reader.entries() if reader else ():
        if not isinstance(raw, dict):
            message = f"must be an object of resources, got {show(raw)}"
            settings.report.error(path, message)
            continue
        amounts = ObjectReader(raw, path, settings.report)
        found[worker] = {}
        for name in raw:
            wrong = _wrong_worker_resource(name, resources, settings)
            if wrong:
                amounts.error(name, wrong, at_key=True)
            amount = amounts.get(name, to_int, 0)
            found[worker][ResourceName(name)] = amount
    return found


def read_physical(
    settings: ObjectReader, resources: Resources
) -> Mapping[str, PhysicalResource]:
    """Return what to make of what workers measure, by ``ram_mb`` and the like."""
    found: dict[str, PhysicalResource] = {}
    used_by: dict[str, str] = {}
    section = settings.object("physical_resources")
    for physical, raw, path in section.entries() if section else ():
        if physical not in _ENFORCEMENTS:
            near = settings.report.suggest(physical, _ENFORCEMENTS)
            known = ", ".join(_ENFORCEMENTS)
            message = f"unknown physical resource; there are {known}{near}"
            settings.report.error(path, message, at_key=True)
            continue
        if not isinstance(raw, dict):
            settings.report.error(path, f"must be an object, got {show(raw)}")
            continue
        reader = ObjectReader(raw, path, settings.report)
        resource = _read_physical_resource(reader, _ENFORCEMENTS[physical])
        name = resource.logical_resource
        if "logical_resource" in raw:
            wrong = _wrong_worker_resource(name, resources, settings)
            if not wrong and name in used_by:
                wrong = f"{show(name)} is already that of {used_by[name]}"
            if wrong:
                reader.error("logical_resource", wrong)
        used_by[name] = physical
        found[physical] = resource
        reader.finish(PHYSICAL_RESOURCE)
    return found


def _read_physical_resource(
    reader: ObjectReader, enforcements: tuple[str, ...]
) -> PhysicalResource:
    def to_enforcement(value: Json) -> str:
        word = to_str(value)
        if word not in enforcements:
            choices = " or ".join(enforcements)
            near = reader.report.suggest(word, enforcements)
            raise CoercionError(f"must be {choices}, got {show(value)}{near}")
        return word

    return PhysicalResource(
        logical_resource=ResourceName(reader.require("logical_resource", to_str, "")),
        multiply_logical_by=reader.get("multiply_logical_by", _to_factor, 1.0),
        enforcement=reader.get("enforcement", to_enforcement, "none"),
        physical_reserve_amount=reader.get("physical_reserve_amount", to_float, 0.0),
    )


def _to_factor(value: Json) -> float:
    factor = to_float(value)
    if abs(factor) < 1e-12:
        raise CoercionError(f"must not be 0, got {show(value)}")
    return factor
