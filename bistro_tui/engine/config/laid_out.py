"""Writing a value in a format's own words. Pure."""

import json
import re

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.yaml_scalars import ScalarError, resolve_plain
from bistro_tui.engine.errors import ControlRefused

_WIDTH = 88
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_KEY = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.>-]*[A-Za-z0-9_])?")
# What JSON strings may hold as it is; other formats may not, and nobody can see it.
_NOT_AS_IT_IS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def json_text(
    value: Json,
    *,
    indent: str | None = None,
    step: str = "  ",
    newline: str = "\n",
    spreads: bool = False,
) -> str:
    """Return JSON: in one line if that is short, else a line for each member.

    ``indent`` is that of the line where it begins; None: all of it is one line.
    ``spreads``: the outermost object takes a line for each member anyway.
    """
    line = _escaped(value)
    if indent is None or not isinstance(value, dict | list) or not value:
        return line
    fits = len(indent) + len(line) <= _WIDTH and line.count("{") <= 1
    if fits and not spreads:
        return line
    inner = indent + step
    parts = []
    for key in value:
        held = value[key] if isinstance(value, dict) else key
        text = json_text(held, indent=inner, step=step, newline=newline)
        name = f"{json_key(key)}: " if isinstance(value, dict) else ""
        parts.append(f"{newline}{inner}{name}{text}")
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}{','.join(parts)}{newline}{indent}{closing}"


def json_key(key: str) -> str:
    """Return a key as JSON has it."""
    return _escaped(key)


def toml_text(value: Json) -> str:
    """Return a value as TOML has it, in one line. Raises ControlRefused for null."""
    match value:
        case None:
            raise ControlRefused("TOML has no null: leave that key out")
        case dict():
            pairs = (f"{toml_key(key)} = {toml_text(value[key])}" for key in value)
            inside = ", ".join(pairs)
            return f"{{ {inside} }}" if inside else "{}"
        case list():
            return f"[{', '.join(map(toml_text, value))}]"
        case str():
            return _escaped(value)
        case _:
            return json.dumps(value)


def toml_key(key: str) -> str:
    """Return a key as TOML has it."""
    return key if _BARE_KEY.fullmatch(key) else _escaped(key)


def yaml_text(value: Json) -> str:
    """Return a value as YAML has it, in one line."""
    match value:
        case dict():
            pairs = (f"{yaml_key(key)}: {yaml_text(value[key])}" for key in value)
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(yaml_text, value))}]"
        case str():
            return _escaped(value)
        case _:
            return json.dumps(value)


def yaml_lines(value: dict[str, Json], indent: str, newline: str) -> str:
    """Return an object's members as YAML, a line each and objects below their keys."""
    lines = []
    for key, held in value.items():
        if isinstance(held, dict) and held:
            inner = yaml_lines(held, indent + "  ", newline)
            lines.append(f"{indent}{yaml_key(key)}:{newline}{inner}")
        else:
            lines.append(f"{indent}{yaml_key(key)}: {yaml_text(held)}{newline}")
    return "".join(lines)


def yaml_key(key: str) -> str:
    """Return a key as YAML has it, without quotes where every reader takes it so."""
    try:
        is_text = resolve_plain(key) == key
    except ScalarError:
        is_text = False
    # YAML 1.1, which others may read it by, has more words than 1.2.
    is_word = key.lower() in ("y", "n", "yes", "no", "on", "off")
    is_plain = is_text and not is_word and _PLAIN_KEY.fullmatch(key)
    return key if is_plain else _escaped(key)


def _escaped(value: Json) -> str:
    """Return JSON, its texts with the escapes that TOML and YAML have, too."""
    written = json.dumps(value, ensure_ascii=False)
    return _NOT_AS_IT_IS.sub(lambda found: f"\\u{ord(found.group()):04x}", written)
