"""The ``bistro_settings`` object.

Source: Bistro, config/Config.cpp.
"""

import enum
from dataclasses import dataclass

from bistro_tui.engine.config.coerce import (
    show,
    to_bool,
    to_float,
    to_int,
    to_orphan_delay,
    to_str,
)
from bistro_tui.engine.config.model import PolicyName, Settings
from bistro_tui.engine.config.parse_nodes import NodesSection, read_nodes
from bistro_tui.engine.config.parse_resources import (
    names_of_resources,
    read_overrides,
    read_physical,
    read_resources,
)
from bistro_tui.engine.config.parse_shared import (
    read_backoff,
    read_kill_subprocess,
    read_task_subprocess,
)
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.config.settings_keys import SETTINGS
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName


class _WorkerSelector(enum.StrEnum):
    ROUNDROBIN = "roundrobin"
    BUSIEST = "busiest"


class _OnBadConfig(enum.StrEnum):
    PAUSE = "pause"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSettings:
    """The settings, and which names in them the jobs may be held to."""

    settings: Settings
    levels_are_known: bool
    """False: ``levels`` cannot be read; a job's unknown level is no error of it."""
    resource_names: frozenset[str] | None
    """Every resource that is written, also with errors; None: they are not known."""


def read_settings(reader: ObjectReader) -> ParsedSettings:
    """Return the settings as far as they can be used; what is wrong is noted."""
    nodes = read_nodes(reader)
    resources = read_resources(reader, nodes)
    default = Settings()
    settings = Settings(
        enabled=reader.get("enabled", to_bool, False),
        working_wait=reader.get("working_wait", to_float, default.working_wait),
        idle_wait=reader.get("idle_wait", to_float, default.idle_wait),
        scheduler=_read_scheduler(reader),
        remote_worker_selector=reader.word(
            "remote_worker_selector", _WorkerSelector, _WorkerSelector.ROUNDROBIN
        ).value,
        backoff=read_backoff(reader, default.backoff),
        levels=nodes.levels,
        level_for_tasks=_read_level_for_tasks(reader, nodes),
        node_order=nodes.node_order,
        node_sources=nodes.sources,
        resources=resources,
        worker_resources_override=read_overrides(reader, resources),
        physical_resources=read_physical(reader, resources),
        kill_orphan_tasks_after_sec=reader.get(
            "kill_orphan_tasks_after_sec", to_orphan_delay, None
        ),
        exit_initial_wait_before_timestamp=reader.get(
            "CAUTION_exit_initial_wait_before_timestamp", to_int, 0
        ),
        task_subprocess=read_task_subprocess(reader, default.task_subprocess),
        kill_subprocess=read_kill_subprocess(reader, default.kill_subprocess),
        on_bad_config=reader.word(
            "on_bad_config", _OnBadConfig, _OnBadConfig.PAUSE
        ).value,
    )
    reader.finish(SETTINGS)
    return ParsedSettings(
        settings=settings,
        levels_are_known=nodes.levels_are_known,
        resource_names=names_of_resources(reader),
    )


def _read_scheduler(reader: ObjectReader) -> str:
    default = PolicyName.ROUNDROBIN.value
    name = reader.get("scheduler", to_str, default)
    plugged = reader.report.plugged.policies
    known = (*(policy.value for policy in PolicyName), *plugged)
    if name not in known:
        near = reader.report.suggest(name, known)
        choices = ", ".join(known)
        reader.error("scheduler", f"must be one of {choices}; got {show(name)}{near}")
        return default
    if plugged.get(name):
        reader.error("scheduler", plugged[name])
    return name


def _read_level_for_tasks(reader: ObjectReader, nodes: NodesSection) -> LevelName:
    lowest = nodes.levels[-2]
    level = LevelName(reader.get("level_for_tasks", to_str, str(lowest)))
    if level not in nodes.levels:
        if nodes.levels_are_known:
            near = reader.report.suggest(level, nodes.levels)
            reader.error("level_for_tasks", f"unknown level {show(level)}{near}")
        return lowest
    if level == WORKER_LEVEL:
        message = '"worker" has no nodes: without a level of its own a job never runs'
        reader.warn("level_for_tasks", message)
    return level
