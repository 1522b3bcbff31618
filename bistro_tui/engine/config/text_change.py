"""Carrying out changes of members in the text of a config; all else stays. Pure."""

import enum
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.formats import ConfigFormat, read_document
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import ConfigSyntaxError, Path
from bistro_tui.engine.errors import ControlRefused


class Kind(enum.Enum):
    """What is done to a member."""

    SET = enum.auto()
    ADD = enum.auto()
    REMOVE = enum.auto()
    APPEND = enum.auto()


class Change(NamedTuple):
    """One step of an edit."""

    kind: Kind
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


def changed_text(
    text: str,
    before: dict[str, Json],
    wanted: dict[str, Json],
    key: str,
    plans: Iterable[list[Change]],
    config_format: ConfigFormat,
) -> str:
    """Return the text after the first plan that does what is wanted, and no more.

    ``key`` is the one member of the whole in which the changes are. Raises
    ControlRefused where no plan does.
    """
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
        f"could not change {what} without changing more (is it used in several"
        " places?); please edit the file"
    )
    raise ControlRefused(message)


def _spans(
    editor: _Editor, text: str, key: str, value: Json, plan: list[Change]
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
    editor: _Editor, text: str, span: tuple[int, int] | None, plan: list[Change]
) -> str:
    """Return the text after all changes; ``span`` is that of the job's value."""
    start, end = span or (0, len(text))
    part = text[start:end]
    for kind, path, value in plan:
        inner = path if span is None else path[1:]
        match kind:
            case Kind.SET:
                part = editor.set(part, inner, value)
            case Kind.ADD:
                part = editor.add(part, inner, value)
            case Kind.REMOVE:
                part = editor.remove(part, inner)
            case Kind.APPEND:
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
    return bool(value == wanted) and is_same(value.get(key), wanted.get(key))


def is_same(one: Json, other: Json) -> bool:
    """Return whether two values are written the same."""
    # Values alone will not do: 1, 1.0 and true are equal.
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )


def read_config(text: str, config_format: ConfigFormat) -> Json:
    """Return what a text stands for. Raises ControlRefused if it does not parse."""
    try:
        return read_document(text, config_format).value
    except ConfigSyntaxError as error:
        name = config_format.value
        message = f"the config is not valid {name} now (line {error}): repair it first"
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
