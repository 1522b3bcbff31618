"""Changing one job in the text of a config; everything else stays as it is. Pure."""

import enum
import json
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.formats import ConfigFormat, read_document
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import JOB_PREFIX
from bistro_tui.engine.config.text import MAX_DEPTH, ConfigSyntaxError, Path
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.near import nearest

KEPT_KEYS = ("create_time", "modify_time", "version_id")
"""What a saved job has in the file stays, whatever is given for it."""

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
    before = _read(text, config_format)
    _check_job(before, job)
    _check_version(before, job, version)
    key = JOB_PREFIX + job
    wanted = {**before, key: {**before[key], "enabled": enabled}}
    if _is_same(wanted[key], before[key]):
        return text
    kind = _Kind.SET if "enabled" in before[key] else _Kind.ADD
    plan = [_Change(kind, (key, "enabled"), enabled)]
    return _changed(text, before, wanted, key, [plan], config_format)


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
    before = _read(text, config_format)
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
        plans = iter([[_Change(_Kind.APPEND, (key,), value)]])
    return _changed(text, before, wanted, key, plans, config_format)


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
    before = _read(text, config_format)
    _check_job(before, job)
    _check_version(before, job, version)
    key = JOB_PREFIX + job
    wanted = {name: held for name, held in before.items() if name != key}
    return _changed(
        text, before, wanted, key, [[_Change(_Kind.REMOVE, (key,))]], config_format
    )


class _Kind(enum.Enum):
    SET = enum.auto()
    ADD = enum.auto()
    REMOVE = enum.auto()
    APPEND = enum.auto()


class _Change(NamedTuple):
    kind: _Kind
    path: Path
    value: Json = None


class _Editor(Protocol):
    """Changes one member of a text; ControlRefused where that cannot be done."""

    def guess(self, text: str, key: str, value: Json) -> tuple[int, int] | None: ...

    def span(self, text: str, key: str) -> tuple[int, int] | None: ...

    def set(self, text: str, path: Path, value: Json) -> str: ...

    def add(self, text: str, path: Path, value: Json) -> str: ...

    def remove(self, text: str, path: Path) -> str: ...

    def append(self, text: str, key: str, value: Json) -> str: ...


def _differences(
    path: Path, old: dict[str, Json], new: dict[str, Json], *, depth: int = MAX_DEPTH
) -> Iterator[_Change]:
    """Return what makes ``new`` of ``old``, in objects down to that depth."""
    for key in old:
        if key in new and not _is_same(old[key], new[key]):
            where = (*path, key)
            if depth and isinstance(old[key], dict) and isinstance(new[key], dict):
                yield from _differences(where, old[key], new[key], depth=depth - 1)
            else:
                yield _Change(_Kind.SET, where, new[key])
    # Each becomes the first, so that they come out in their order.
    for key in reversed(new):
        if key not in old:
            yield _Change(_Kind.ADD, (*path, key), new[key])
    for key in old:
        if key not in new:
            yield _Change(_Kind.REMOVE, (*path, key))


def _plans(
    key: str, old: Json, new: dict[str, Json], config_format: ConfigFormat
) -> Iterator[list[_Change]]:
    """Return ways to change a job, the one that leaves most of it alone first."""
    if not isinstance(old, dict):
        yield [_Change(_Kind.SET, (key,), new)]
        yield [_Change(_Kind.REMOVE, (key,)), _Change(_Kind.APPEND, (key,), new)]
        return
    yield list(_differences((key,), old, new))
    changes = list(_differences((key,), old, new, depth=0))
    yield changes
    anew = [each for each in changes if each.kind is not _Kind.SET]
    for each in changes:
        if each.kind is _Kind.SET:
            anew += [each._replace(kind=_Kind.REMOVE), each._replace(kind=_Kind.ADD)]
    yield anew
    if config_format is ConfigFormat.TOML:
        # Only an inline table can be set, which has no comments that would be lost.
        yield [_Change(_Kind.SET, (key,), new)]


def _changed(
    text: str,
    before: dict[str, Json],
    wanted: dict[str, Json],
    key: str,
    plans: Iterable[list[_Change]],
    config_format: ConfigFormat,
) -> str:
    """Return the text after the first plan that does what is wanted, and no more."""
    editor, refused = _editor(config_format), None
    for plan in plans:
        for span in _spans(editor, text, key, before.get(key), plan):
            try:
                changed = _carried_out(editor, text, span, plan)
                if _means(changed, wanted, key, config_format):
                    return changed
            except ControlRefused as error:
                refused = refused or error
            except ConfigSyntaxError:
                pass  # an edit that broke the text on the way to the next
    if refused is not None:
        raise refused
    what = "the job"
    if len(plan) == 1 and len(plan[0].path) > 1:
        what = show(plan[0].path[-1])
    message = (
        f"could not change {what} without changing more (is the job used in "
        "several places?); please edit the file"
    )
    raise ControlRefused(message)


def _spans(
    editor: _Editor, text: str, key: str, value: Json, plan: list[_Change]
) -> Iterator[tuple[int, int] | None]:
    """Return parts of the text to work in, a guess first: each change reads it anew."""
    if any(len(change.path) == 1 for change in plan):
        yield None
        return
    guess = editor.guess(text, key, value)
    if guess is not None:
        yield guess
    span = editor.span(text, key)
    if span is None or span != guess:
        yield span


def _carried_out(
    editor: _Editor, text: str, span: tuple[int, int] | None, plan: list[_Change]
) -> str:
    """Return the text after all changes; ``span`` is that of the job's value."""
    start, end = span or (0, len(text))
    part = text[start:end]
    for kind, path, value in plan:
        inner = path if span is None else path[1:]
        match kind:
            case _Kind.SET:
                part = editor.set(part, inner, value)
            case _Kind.ADD:
                part = editor.add(part, inner, value)
            case _Kind.REMOVE:
                part = editor.remove(part, inner)
            case _Kind.APPEND:
                part = editor.append(part, str(path[-1]), value)
    return text[:start] + part + text[end:]


def _means(
    text: str, wanted: dict[str, Json], key: str, config_format: ConfigFormat
) -> bool:
    """Prove that an edit did what was asked, and nothing else."""
    try:
        value = read_document(text, config_format).value
    except ConfigSyntaxError:
        return False
    return bool(value == wanted) and _is_same(value.get(key), wanted.get(key))


def _is_same(one: Json, other: Json) -> bool:
    # Values alone will not do: 1, 1.0 and true are equal.
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )


def _read(text: str, config_format: ConfigFormat) -> Json:
    try:
        return read_document(text, config_format).value
    except ConfigSyntaxError as error:
        name = config_format.value
        message = f"the config is not valid {name} now (line {error}): repair it first"
        raise ControlRefused(message) from None


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


def _editor(config_format: ConfigFormat) -> _Editor:
    # Each format's grammar is loaded only for those who use it.
    match config_format:
        case ConfigFormat.JSON:
            from bistro_tui.engine.config.json_edit import JsonEditor

            return JsonEditor()
        case ConfigFormat.TOML:
            from bistro_tui.engine.config.toml_edit import TomlEditor

            return TomlEditor()
        case ConfigFormat.YAML:
            from bistro_tui.engine.config.yaml_edit import YamlEditor

            return YamlEditor()
