"""One ``bistro_job->NAME`` object: its good fields are kept, the others noted.

Source: Bistro, config/Job.cpp, config/JobFilters.cpp.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bistro_tui.engine.config.coerce import (
    CoercionError,
    show,
    to_bool,
    to_float,
    to_int,
    to_orphan_delay,
    to_positive_seconds,
    to_str,
)
from bistro_tui.engine.config.enforcement import enforcement
from bistro_tui.engine.config.filters import LevelFilter, RegexError, compile_regex
from bistro_tui.engine.config.job_keys import FILTER, JOB
from bistro_tui.engine.config.model import Job, Json, StatusFrom
from bistro_tui.engine.config.parse_settings import ParsedSettings
from bistro_tui.engine.config.parse_shared import (
    read_backoff,
    read_kill_subprocess,
    read_task_subprocess,
)
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.ids import WORKER_LEVEL, JobName, LevelName, ResourceName


def read_job(
    name: JobName, reader: ObjectReader, parsed: ParsedSettings, *, written: str
) -> Job:
    """Return the job, its ``errors`` left empty: they are what gets noted.

    ``written`` is its object as JSON, empty if it cannot be written out.
    """
    settings = parsed.settings
    if "\0" in name:
        message = "a job's name cannot hold a NUL character"
        reader.report.error(reader.path, message, at_key=True)
    job = Job(
        name=name,
        enabled=reader.get("enabled", to_bool, True),
        owner=reader.require("owner", to_str, ""),
        level_for_tasks=_read_level_for_tasks(reader, parsed),
        priority=reader.get("priority", to_float, 1.0),
        resources=_read_resources(reader, parsed),
        config=_read_config(reader),
        filters=_read_filters(reader, parsed),
        level_for_host_placement=_read_level(
            reader, "level_for_host_placement", parsed
        ),
        host_placement=reader.get("host_placement", to_str, ""),
        backoff=read_backoff(reader, settings.backoff),
        depends_on=tuple(map(JobName, reader.strings("depends_on") or ())),
        create_time=reader.get("create_time", to_int, 0),
        modify_time=reader.get("modify_time", to_int, 0),
        kill_orphan_tasks_after_sec=reader.get(
            "kill_orphan_tasks_after_sec",
            to_orphan_delay,
            settings.kill_orphan_tasks_after_sec,
        ),
        task_subprocess=read_task_subprocess(reader, settings.task_subprocess),
        kill_subprocess=read_kill_subprocess(reader, settings.kill_subprocess),
        command=_read_command(reader),
        version_id=reader.get("version_id", to_int, -1),
        status_from=reader.word("status_from", StatusFrom, StatusFrom.FILE),
        timeout_sec=_read_timeout(reader),
        env=_read_env(reader),
        written=written,
    )
    if settings.physical_resources:
        enforced = enforcement(settings.physical_resources, job.resources)
        job = replace(job, enforcement=enforced)
    _look_at_placement(reader, job, parsed.settings.levels)
    _read_old_errors(reader)
    reader.finish(JOB)
    return job


def _read_level(
    reader: ObjectReader, key: str, parsed: ParsedSettings
) -> LevelName | None:
    if not reader.has(key):
        return None
    level = LevelName(reader.get(key, _to_name, ""))
    if not level or level in parsed.settings.levels:
        return level or None
    if parsed.levels_are_known:
        near = reader.report.suggest(level, parsed.settings.levels)
        reader.error(key, f"unknown level {show(level)}{near}")
    return None


def _to_name(value: Json) -> str:
    text = to_str(value)
    if not text:
        raise CoercionError("must not be empty")
    return text


def _read_level_for_tasks(reader: ObjectReader, parsed: ParsedSettings) -> LevelName:
    level = _read_level(reader, "level_for_tasks", parsed)
    if level == WORKER_LEVEL:
        reader.warn("level_for_tasks", '"worker" has no nodes: the job never runs')
    return level or parsed.settings.level_for_tasks


def _look_at_placement(
    reader: ObjectReader, job: Job, levels: Sequence[LevelName]
) -> None:
    """Warn of a level whose nodes cannot say on which hosts the tasks run."""
    key, level = "level_for_host_placement", job.level_for_host_placement
    if level is None or job.host_placement or job.level_for_tasks not in levels:
        return
    odd, host = "has no effect, tasks run on any worker", '"host_placement"'
    if level == WORKER_LEVEL:
        text = f'{odd}: "worker" has no nodes; name a level of the node tree, or the'
        reader.warn(key, f"{text} host with {host}")
    elif levels.index(level) > levels.index(job.level_for_tasks):
        own = show(job.level_for_tasks)
        text = f"{odd}: {show(level)} is below the job's tasks; name {own}, a level"
        reader.warn(key, f"{text} above it, or the host with {host}")


def _read_timeout(reader: ObjectReader) -> float | None:
    # A default of None would make the type of the key optional.
    return reader.get("timeout_sec", to_positive_seconds, 0.0) or None


def _read_resources(
    reader: ObjectReader, parsed: ParsedSettings
) -> Mapping[ResourceName, int]:
    amounts = {
        name: spec.default
        for specs in parsed.settings.resources.values()
        for name, spec in specs.items()
    }
    own = reader.object("resources")
    for name in own.raw if own else ():
        if own is None:
            break
        resource = ResourceName(name)
        if resource in amounts:
            amounts[resource] = own.get(name, to_int, amounts[resource])
        elif parsed.resource_names is not None and name not in parsed.resource_names:
            near = reader.report.suggest(name, parsed.resource_names)
            own.error(name, f"unknown resource {show(name)}{near}", at_key=True)
    return amounts


def _read_config(reader: ObjectReader) -> Mapping[str, Json]:
    found = reader.object("config")
    return found.raw if found else {}


def _read_filters(
    reader: ObjectReader, parsed: ParsedSettings
) -> Mapping[LevelName, LevelFilter]:
    found: dict[LevelName, LevelFilter] = {}
    section = reader.object("filters")
    for name, raw, path in section.entries() if section else ():
        level = LevelName(name)
        if level not in parsed.settings.levels and parsed.levels_are_known:
            near = reader.report.suggest(name, parsed.settings.levels)
            message = f"unknown level {show(name)}{near}"
            reader.report.error(path, message, at_key=True)
            continue
        if not isinstance(raw, dict):
            reader.report.error(path, f"must be an object, got {show(raw)}")
            continue
        problems = len(reader.report.problems)
        own = ObjectReader(raw, path, reader.report)
        level_filter = _read_filter(own)
        if level == WORKER_LEVEL and level_filter.tag_whitelist:
            own.warn("tag_whitelist", _NO_TAGS)
        is_good = len(reader.report.problems) == problems
        if is_good and level_filter != LevelFilter():
            found[level] = level_filter
    return found


_NO_TAGS = (
    "has no effect, for workers have no tags: name their hosts, with"
    ' "whitelist" or "whitelist_regex"'
)


def _read_filter(reader: ObjectReader) -> LevelFilter:
    fraction = reader.get("fraction_of_nodes", to_float, 1.0)
    found = LevelFilter(
        whitelist=frozenset(reader.strings("whitelist") or ()),
        whitelist_regex=_read_regex(reader, "whitelist_regex"),
        blacklist=frozenset(reader.strings("blacklist") or ()),
        blacklist_regex=_read_regex(reader, "blacklist_regex"),
        tag_whitelist=frozenset(reader.strings("tag_whitelist") or ()),
        fraction_of_nodes=fraction if 0 < fraction < 1 else 1.0,
    )
    reader.finish(FILTER)
    return found


def _read_regex(reader: ObjectReader, key: str) -> str | None:
    return reader.get(key, _to_regex, "") or None


def _to_regex(value: Json) -> str:
    pattern = to_str(value)
    try:
        compile_regex(pattern)
    except RegexError as error:
        raise CoercionError(str(error)) from None
    return pattern


def _read_command(reader: ObjectReader) -> tuple[str, ...]:
    if isinstance(reader.raw.get("command"), str):
        reader.has("command")
        reader.error(
            "command", 'must be an array of words, such as ["./task.sh", "-v"]'
        )
        return ()
    words = reader.strings("command") or ()
    if any("\0" in word for word in words):
        reader.error("command", "a word of a command cannot hold a NUL character")
        return ()
    if words and not words[0]:
        reader.error("command", "the first word, the program, must not be empty")
    return words


def _read_env(reader: ObjectReader) -> Mapping[str, str]:
    found: dict[str, str] = {}
    section = reader.object("env")
    for name, _, path in section.entries() if section else ():
        if section is None:
            break
        if not name or "=" in name or "\0" in name:
            message = "is no name for an environment variable"
            reader.report.error(path, f"{show(name)} {message}", at_key=True)
            continue
        value = section.get(name, _to_env_value, None)
        if value is not None:
            found[name] = value
    return found


def _to_env_value(value: Json) -> str | None:
    text = to_str(value)
    if "\0" in text:
        raise CoercionError("an environment variable cannot hold a NUL character")
    return text


def _read_old_errors(reader: ObjectReader) -> None:
    """Keep a job that was saved with errors invalid until a person deletes them.

    Source: Bistro, config/Job.cpp: ``Pre-existing errors``; an empty object is none.
    """
    if reader.has("errors") and reader.raw["errors"] != {}:
        message = "Pre-existing errors: delete this key once the job is right"
        reader.error("errors", message, at_key=True)
