"""Changing one job or limit in the text of a config; all else stays as it is. Pure."""

import math
from collections.abc import Iterator

from bistro_tui.engine.config.coerce import CoercionError, show, to_float, to_int
from bistro_tui.engine.config.formats import ConfigFormat
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import JOB_PREFIX, SETTINGS_KEY
from bistro_tui.engine.config.text import MAX_DEPTH, Path
from bistro_tui.engine.config.text_change import (
    Change,
    Kind,
    changed_text,
    is_same,
    read_config,
)
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, LevelName, ResourceName
from bistro_tui.engine.near import nearest

KEPT_KEYS = ("create_time", "modify_time", "version_id")
"""What a saved job has in the file stays, whatever is given for it."""

_NO_PRIORITY = 1.0
"""Of a job that does not say. Source: Bistro, config/Job."""

_EXACT = 2**53
"""Below this, a number is the same written as a whole one."""

_UNSET = -1
"""What stands for no ``version_id``. Source: Bistro, config/Job."""


def set_enabled(
    text: str,
    job: JobName,
    enabled: bool,
    config_format: ConfigFormat = ConfigFormat.JSON,
    *,
    version: str | None = None,
) -> str:
    """Return the text with that job enabled or disabled.

    Only the characters of that value change; a missing ``enabled`` becomes the job's
    first member, true or false, laid out like the member after it. Of a repeated
    key the last one, which is in force, is changed. Raises ControlRefused for a text
    that does not parse, for an unknown job or one of another ``version``, and where
    more than that job would change.
    """
    before = read_config(text, config_format)
    _check_job(before, job)
    _check_version(before, job, version)
    key = JOB_PREFIX + job
    if is_same(before[key].get("enabled"), enabled):
        return text
    return _with_member(text, before, (key, "enabled"), enabled, config_format)


def set_priority(
    text: str,
    job: JobName,
    priority: float,
    config_format: ConfigFormat = ConfigFormat.JSON,
    *,
    version: str | None = None,
) -> str:
    """Return the text with that priority of a job; the same text if it has it already.

    Only the characters of that value change; a missing one is added as ``set_enabled``
    does. Raises ControlRefused as that does, and for what is no finite number.
    """
    before = read_config(text, config_format)
    _check_job(before, job)
    _check_version(before, job, version)
    key = JOB_PREFIX + job
    if not math.isfinite(priority):
        raise ControlRefused("priority must be a number")
    value = int(priority) if abs(priority) < _EXACT and priority % 1 == 0 else priority
    try:
        if to_float(before[key].get("priority", _NO_PRIORITY)) == priority:
            return text
    except CoercionError:
        pass  # what is there is no number
    return _with_member(text, before, (key, "priority"), value, config_format)


def set_limit(
    text: str,
    level: LevelName,
    resource: ResourceName,
    limit: int,
    config_format: ConfigFormat = ConfigFormat.JSON,
) -> str:
    """Return the text with that limit of a resource; the same if it has it already.

    Only the characters of that value change. Raises ControlRefused for a resource that
    the settings do not have on that level, for a text that does not parse, and where
    more than that limit would change.
    """
    before = read_config(text, config_format)
    path = (SETTINGS_KEY, "resources", level, resource)
    found = _held(before, path)
    if not isinstance(found, dict):
        raise ControlRefused(_no_resource(before, level, resource))
    try:
        if to_int(found.get("limit")) == limit:
            return text
    except CoercionError:
        pass  # what is there is no number
    return _with_member(text, before, (*path, "limit"), limit, config_format)


def save_job(
    text: str,
    job: JobName,
    value: dict[str, Json],
    config_format: ConfigFormat = ConfigFormat.JSON,
    *,
    version: str | None = None,
) -> str:
    """Return the text with that job as given, as a new one or instead of the old one.

    Of an old one only what differs changes: a changed value its characters, an added
    member comes first in its object, a removed one goes with its comma, its own line
    and a comment behind it. A list that differs is replaced as a whole. A new job
    comes last, laid out like the one before it. Of KEPT_KEYS those in the file count.
    The ``version_id`` of a given job is the ``version`` that an old one must be if
    there is no other: who gives back what was shown means to change just that.
    Raises ControlRefused as ``set_enabled`` does, for what the format lacks, and for
    a name that no job can have.
    """
    key = JOB_PREFIX + job
    _check_name(job)
    _check_writable({key: value})
    before = read_config(text, config_format)
    if not isinstance(before, dict):
        raise ControlRefused("the config is not an object: repair it first")
    if version is None and key in before:
        version = _version_in(value)
    _check_version(before, job, version)
    old = before.get(key)
    value = {name: held for name, held in value.items() if name not in KEPT_KEYS}
    if isinstance(old, dict):
        value |= {name: old[name] for name in KEPT_KEYS if name in old}
    wanted = {**before, key: value}
    if key in before:
        plans = _plans(key, old, value, config_format)
    else:
        plans = iter([[Change(Kind.APPEND, (key,), value)]])
    return changed_text(text, before, wanted, key, plans, config_format)


def delete_job(
    text: str,
    job: JobName,
    config_format: ConfigFormat = ConfigFormat.JSON,
    *,
    version: str | None = None,
) -> str:
    """Return the text without that job: its member, comma and own lines.

    A comment in the line of its end goes, too; one above it stays. Raises
    ControlRefused as ``set_enabled`` does.
    """
    before = read_config(text, config_format)
    _check_job(before, job)
    _check_version(before, job, version)
    key = JOB_PREFIX + job
    wanted = {name: held for name, held in before.items() if name != key}
    return changed_text(
        text, before, wanted, key, [[Change(Kind.REMOVE, (key,))]], config_format
    )


def _with_member(
    text: str,
    before: Json,
    path: tuple[str, ...],
    value: Json,
    config_format: ConfigFormat,
) -> str:
    """Return the text with that value of a member of an object that is there."""
    kind = Kind.SET if path[-1] in _held(before, path[:-1]) else Kind.ADD
    wanted = _with_value(before, path, value)
    plan = [Change(kind, path, value)]
    return changed_text(text, before, wanted, path[0], [plan], config_format)


def _with_value(held: Json, path: tuple[str, ...], value: Json) -> Json:
    if not path:
        return value
    return {**held, path[0]: _with_value(held.get(path[0]), path[1:], value)}


def _held(value: Json, path: tuple[str, ...]) -> Json:
    """Return what is there by these keys, None if nothing is."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _no_resource(before: Json, level: LevelName, resource: ResourceName) -> str:
    levels = _held(before, (SETTINGS_KEY, "resources"))
    known = levels if isinstance(levels, dict) else {}
    specs = known.get(level)
    names = list(specs) if isinstance(specs, dict) else []
    near = nearest(resource, names[:1000])
    hint = f"; did you mean {show(near)}?" if near else ""
    where = next(
        (
            name
            for name, held in known.items()
            if isinstance(held, dict) and resource in held
        ),
        None,
    )
    if where is not None and not near:
        hint = f"; it is on the level {show(where)}"
    return (
        f"the config has no resource {show(resource)} on the level {show(level)}{hint}"
    )


def _differences(
    path: Path, old: dict[str, Json], new: dict[str, Json], *, depth: int = MAX_DEPTH
) -> Iterator[Change]:
    """Return what makes ``new`` of ``old``, in objects down to that depth."""
    for key in old:
        if key in new and not is_same(old[key], new[key]):
            where = (*path, key)
            if depth and isinstance(old[key], dict) and isinstance(new[key], dict):
                yield from _differences(where, old[key], new[key], depth=depth - 1)
            else:
                yield Change(Kind.SET, where, new[key])
    # Each becomes the first, so that they come out in their order.
    for key in reversed(new):
        if key not in old:
            yield Change(Kind.ADD, (*path, key), new[key])
    for key in old:
        if key not in new:
            yield Change(Kind.REMOVE, (*path, key))


def _plans(
    key: str, old: Json, new: dict[str, Json], config_format: ConfigFormat
) -> Iterator[list[Change]]:
    """Return ways to change a job, the one that leaves most of it alone first."""
    if not isinstance(old, dict):
        yield [Change(Kind.SET, (key,), new)]
        yield [Change(Kind.REMOVE, (key,)), Change(Kind.APPEND, (key,), new)]
        return
    yield list(_differences((key,), old, new))
    changes = list(_differences((key,), old, new, depth=0))
    yield changes
    anew = [each for each in changes if each.kind is not Kind.SET]
    for each in changes:
        if each.kind is Kind.SET:
            anew += [each._replace(kind=Kind.REMOVE), each._replace(kind=Kind.ADD)]
    yield anew
    if config_format is ConfigFormat.TOML:
        # Only an inline table can be set, which has no comments that would be lost.
        yield [Change(Kind.SET, (key,), new)]


def _check_job(value: Json, job: JobName) -> None:
    top = value if isinstance(value, dict) else {}
    if isinstance(top.get(JOB_PREFIX + job), dict):
        return
    names = [key.removeprefix(JOB_PREFIX) for key in top if "->" in key]
    near = nearest(job, names[:1000])
    hint = f"; did you mean {show(near)}?" if near else ""
    raise ControlRefused(f"the config has no job called {show(job)}{hint}")


def _version_in(job: dict[str, Json]) -> str | None:
    """Return the version that a job was shown with, None if there is none in it."""
    shown = job.get("version_id")
    if shown is None or (shown == _UNSET and not isinstance(shown, bool)):
        return None
    if isinstance(shown, bool) or not isinstance(shown, int | str):
        raise ControlRefused("the job's version_id must be as jobs shows it")
    return str(shown)


def _check_version(value: Json, job: JobName, version: str | None) -> None:
    if version is None:
        return
    found = value.get(JOB_PREFIX + job)
    if found is None:
        raise ControlRefused(f"the job {show(job)} is gone; it was version {version}")
    if job_version(found) != version:
        message = f"the job {show(job)} was changed meanwhile"
        raise ControlRefused(
            f"{message}: it is version {job_version(found)} now, not {version};"
            " look at it again"
        )


def _check_name(job: JobName) -> None:
    if not job:
        raise ControlRefused("a job's name cannot be empty")
    if "\0" in job:
        raise ControlRefused("a job's name cannot hold a NUL character")


def _check_writable(value: Json) -> None:
    """Raise ControlRefused for what no format can hold."""
    todo: list[tuple[Json, int]] = [(value, 0)]
    while todo:
        held, depth = todo.pop()
        if depth > MAX_DEPTH - 2:
            raise ControlRefused("the job is nested too deeply")
        if isinstance(held, dict):
            todo += ((each, depth + 1) for pair in held.items() for each in pair)
        elif isinstance(held, list):
            todo += ((each, depth + 1) for each in held)
        elif isinstance(held, float) and not math.isfinite(held):
            raise ControlRefused("the job holds a number that is not finite")
        elif isinstance(held, str) and not held.isascii():
            _check_encodable(held)


def _check_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = show(text.encode(errors="replace").decode())
        message = f"{shown} holds half of a surrogate pair, which no file can hold"
        raise ControlRefused(message) from None
