"""Texts of any value in TOML and YAML, in all the ways that they can be written.

Each writer notes where it put every value, so that tests can hold the parser to it.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import Path

_PLAIN = re.compile(r"[A-Za-zé日](?:[\w.>-]|->| (?=\w))*")
_WORDS = ("true", "false", "null")
_BARE = re.compile(r"[A-Za-z0-9_-]+")

texts = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co"],
    ),
    max_size=8,
) | st.sampled_from(
    ["true", "no", "on", "1", "1.5", "~", "", "a: b", "# x", "- a", "é日", "a\nb", '"']
)
keys = texts | st.sampled_from(["owner", "bistro_job->a", "<", "a.b", "x y"])
toml_scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)


def _objects(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=10,
    )
    return st.dictionaries(keys, values, max_size=4)


toml_objects = _objects(toml_scalars)
yaml_objects = _objects(toml_scalars | st.none())


def pairs_of(value: Json) -> Iterable[tuple[Any, Any]]:
    """Return the members of an object, or the items of a list with their indexes."""
    return value.items() if isinstance(value, dict) else enumerate(value)


class Writer:
    """A text in the making, and where each value in it begins."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.places: dict[Path, int] = {}

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def gap(self) -> str:
        return self.draw(st.sampled_from(["", " ", "  "]))

    def comment(self) -> str:
        return self.draw(st.sampled_from(["", " # é: [ {", " #"]))

    def note(self, path: Path) -> None:
        self.places[path] = len(self.text)

    def begin(self) -> None:
        """Open the whole object."""

    def member(self, key: str, value: Json, *, is_first: bool) -> None:
        """Write one member of the whole object."""
        raise NotImplementedError

    def end(self) -> None:
        """Close it."""


class JsonWriter(Writer):
    """With comments, trailing commas, and line ends wherever they may be."""

    def space(self) -> str:
        chosen = ["", "", " ", "\n  ", "\t", "/* é } */", " // [,\n", "\n\n    "]
        return self.draw(st.sampled_from(chosen))

    def value(self, value: Json) -> None:
        if not isinstance(value, dict | list):
            self.text += json.dumps(value, ensure_ascii=self.chance())
            return
        is_list = isinstance(value, list)
        self.text += "[" if is_list else "{"
        for number, (key, held) in enumerate(pairs_of(value)):
            self.text += f"{self.space()}," if number else ""
            self.text += self.space()
            if not is_list:
                self.text += f"{json.dumps(key)}{self.space()}:{self.space()}"
            self.value(held)
        self.text += self.space()
        self.text += f",{self.space()}" if value and self.chance() else ""
        self.text += "]" if is_list else "}"

    def begin(self) -> None:
        self.text += self.space() + "{"

    def member(self, key: str, value: Json, *, is_first: bool) -> None:
        self.text += "" if is_first else f"{self.space()},"
        self.text += f"{self.space()}{json.dumps(key)}{self.space()}:{self.space()}"
        self.value(value)

    def end(self) -> None:
        self.text += f",{self.space()}" if self.chance() else self.space()
        self.text += "}" + self.space()


class YamlWriter(Writer):
    """Block and flow, plain and quoted."""

    def scalar(self, value: Json) -> str:
        if isinstance(value, str):
            plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
            if plain and self.chance():
                return value
            if "\n" not in value and self.chance():
                return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)

    def flow(self, value: Json, path: Path) -> None:
        self.note(path)
        if not isinstance(value, dict | list):
            self.text += self.scalar(value)
            return
        is_list = isinstance(value, list)
        self.text += "[" if is_list else "{"
        for number, (key, inner) in enumerate(pairs_of(value)):
            self.text += "," + self.gap() if number else self.gap()
            if not is_list:
                self.text += f"{self.scalar(key)}: "
            self.flow(inner, (*path, key))
            self.text += self.gap()
        self.text += "]" if is_list else "}"

    def member(self, key: str, value: Json, *, is_first: bool) -> None:
        self.text += "" if is_first or self.chance() else "\n"
        self.text += f"{self.scalar(key)}:"
        self.block(value, (key,), 2)

    def block(self, value: Json, path: Path, indent: int) -> None:
        """Write what follows a key or a dash, to the end of its last line."""
        if not isinstance(value, dict | list) or not value or self.chance():
            self.text += " "
            self.flow(value, path)
            self.text += self.comment() + "\n"
            return
        self.text += self.comment() + "\n"
        is_list = isinstance(value, list)
        for number, (key, inner) in enumerate(pairs_of(value)):
            if self.chance():
                self.text += " " * indent + "# a comment\n"
            self.text += " " * indent
            if not number:
                self.note(path)
            self.text += "-" if is_list else f"{self.scalar(key)}:"
            self.block(inner, (*path, key), indent + self.draw(st.integers(1, 3)))


class TomlWriter(Writer):
    """Headers, dotted keys and inline tables."""

    def key(self, key: str) -> str:
        if _BARE.fullmatch(key) and self.chance():
            return key
        if "'" not in key and "\n" not in key and self.chance():
            return f"'{key}'"
        return json.dumps(key, ensure_ascii=False)

    def scalar(self, value: Json) -> str:
        if isinstance(value, str):
            if "'" not in value and "\n" not in value and self.chance():
                return f"'{value}'"
            if "'''" not in value and not value.endswith("'") and self.chance():
                return f"'''\n{value}'''"
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return hex(value) if self.chance() else str(value)
        return json.dumps(value, ensure_ascii=False)

    def inline(self, value: Json, path: Path) -> None:
        self.note(path)
        if isinstance(value, dict):
            self.text += "{" + self.gap()
            for number, (key, inner) in enumerate(value.items()):
                self.text += f", {self.key(key)} = " if number else f"{self.key(key)}="
                self.inline(inner, (*path, key))
            self.text += self.gap() + "}"
        elif isinstance(value, list):
            self.text += "["
            for index, inner in enumerate(value):
                comma = ", # é ]\n" if self.chance() else ", "
                self.text += comma if index else ""
                self.inline(inner, (*path, index))
            self.text += self.gap() + "]"
        else:
            self.text += self.scalar(value)

    def pair(self, prefix: str, key: str, value: Json, path: Path) -> None:
        """Write one line; an object may become several with dotted keys."""
        if isinstance(value, dict) and value and self.chance():
            dotted = f"{prefix}{self.key(key)}{self.gap()}."
            for inner_key, inner in value.items():
                self.pair(dotted, inner_key, inner, (*path, inner_key))
            return
        self.text += f"{self.gap()}{prefix}{self.key(key)} = "
        self.inline(value, path)
        self.text += self.comment() + "\n"

    def table(self, value: dict[str, Json], path: Path) -> None:
        """Write an object's own lines, then the tables below it."""
        below = {
            key: inner
            for key, inner in value.items()
            if isinstance(inner, dict) and self.chance()
        }
        for key, inner in value.items():
            if key not in below:
                self.pair("", key, inner, (*path, key))
        for key, inner in below.items():
            where = (*path, key)
            name = ".".join(self.key(str(step)) for step in where)
            self.text += self.gap()
            self.note(where)
            self.text += f"[{name}]{self.comment()}\n"
            self.table(inner, where)


@st.composite
def yaml_texts(draw: st.DrawFn) -> tuple[str, Json, dict[Path, int]]:
    """Return a text, what it means, and where each value begins."""
    writer = YamlWriter(draw)
    value = draw(yaml_objects)
    writer.text = draw(st.sampled_from(["", "\ufeff", "# é\n", "---\n"]))
    if writer.chance() or not value:
        writer.flow(value, ())
    else:
        writer.note(())
        for key, inner in value.items():
            writer.text += f"{writer.scalar(key)}:"
            writer.block(inner, (key,), 2)
    return writer.text, value, writer.places


@st.composite
def toml_texts(draw: st.DrawFn) -> tuple[str, Json, dict[Path, int]]:
    """Return a text, what it means, and where each value begins."""
    writer = TomlWriter(draw)
    value = draw(toml_objects)
    writer.text = draw(st.sampled_from(["", "\ufeff", "# é\n", "\n"]))
    writer.table(value, ())
    return writer.text, value, writer.places


def is_insertion(before: str, after: str) -> bool:
    """Say whether one piece of text was put in, and nothing else done."""
    more = len(after) - len(before)
    return more > 0 and any(
        after[:at] + after[at + more :] == before for at in range(len(before) + 1)
    )
