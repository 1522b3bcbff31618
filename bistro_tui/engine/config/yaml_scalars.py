"""What a YAML scalar means: the core schema of YAML 1.2. Pure.

There ``no``, ``on`` and dates are texts, unlike in YAML 1.1.
"""

import re

from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.model import Json

_MAX_DIGITS = 4000
"""Below what Python converts; far above what any value here may be."""

_CORE = re.compile(
    r"(?P<null>|~|null|Null|NULL)"
    r"|(?P<true>true|True|TRUE)"
    r"|(?P<false>false|False|FALSE)"
    r"|(?P<decimal>[-+]?[0-9]+)"
    r"|(?P<octal>0o[0-7]+)"
    r"|(?P<hexadecimal>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<infinite>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_TAG = "tag:yaml.org,2002:"
_KINDS = {"int": int, "float": float, "bool": bool, "null": type(None)}


class ScalarError(ValueError):
    """A scalar that a config cannot have; the message says why."""


def resolve_plain(text: str) -> Json:
    """Return what a scalar without quotes and tag stands for."""
    found = _CORE.fullmatch(text)
    if found is None:
        return text
    kind = found.lastgroup
    if kind == "null":
        return None
    if kind in ("true", "false"):
        return kind == "true"
    if kind == "infinite":
        raise ScalarError(f"{text} is not a number that a config may have")
    if kind == "float":
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ScalarError(f"{shorten(text)} is too large for a number")
        return number
    if len(text) > _MAX_DIGITS:
        raise ScalarError(f"{shorten(text)} is too large for a number")
    base = {"octal": 8, "hexadecimal": 16}.get(str(kind), 10)
    return int(text[2:] if base != 10 else text, base)


def resolve_tagged(tag: str, text: str) -> Json:
    """Return what a scalar with a tag stands for; only YAML's own tags will do."""
    name = tag.removeprefix(_TAG)
    if tag == "!" or name == "str":
        return text
    wanted = _KINDS.get(name) if tag.startswith(_TAG) else None
    if wanted is None:
        raise ScalarError(f"the tag {shorten(tag)} means nothing in a config")
    value = resolve_plain(text)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise ScalarError(f"{shorten(text)} is not what the tag !!{name} says")
    return value


def check_collection_tag(tag: str | None, name: str) -> None:
    """Raise ScalarError if an object or a list has another tag than its own."""
    if tag is not None and tag not in ("!", _TAG + name):
        raise ScalarError(f"the tag {shorten(tag)} means nothing in a config")
