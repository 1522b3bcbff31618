"""The settings file of the screen: its text in, what a person wants out. Pure."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bistro_tui.present.clean import clean_name
from bistro_tui.present.colours import COLOUR_NAMES, rgb

_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)\Z")
_SECTION = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?\Z")
_THEME_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")

Toml: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTheme:
    """A theme that a person made: some colours other than those of another theme."""

    name: str
    base: str = ""
    """The theme that has all its other colours; empty: night or day, by ground."""
    colours: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UiSettings:
    """What a person wants of the screen."""

    path: str = ""
    """Of the settings file; empty: there is none."""
    theme: str = ""
    """Empty: the usual one."""
    ascii: bool | None = None
    """None: as the terminal seems to need it."""
    mouse: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    """By the id of a binding: keys with commas between them."""
    themes: tuple[OwnTheme, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where something stands in the file, from 1: ``theme``, ``keys.act.stop``."""
    is_theme_of_flag: bool = False
    """Whether the theme is that of the command line and not of the file."""
    problems: tuple[str, ...] = ()
    """Sentences, each with file and line, about what is left out of account."""

    def place(self, what: str) -> str:
        """Return file and line of a setting, or the flag."""
        if what == "theme" and self.is_theme_of_flag:
            return "--theme"
        line = self.lines.get(what)
        return f"{self.path}:{line}" if line else self.path


DEFAULTS = UiSettings()


def parse_settings(text: str, path: str) -> UiSettings:
    """Return the settings; what cannot be used is left out and told in ``problems``."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return UiSettings(path=path, problems=(_broken(str(error), text, path),))
    return _Reader(document, _lines(text), path).settings()


def _broken(reason: str, text: str, path: str) -> str:
    found = _AT_LINE.search(reason)
    line = int(found[1]) if found else max(1, len(text.splitlines()))
    reason = _AT_LINE.sub("", reason).removesuffix(" (at end of document)")
    return f"{path}:{line}: not valid TOML: {reason}; no setting of it is used"


class _Reader:
    def __init__(self, document: Toml, lines: Mapping[str, int], path: str) -> None:
        self._document = document
        self._lines = lines
        self._path = path
        self._problems: list[str] = []

    def settings(self) -> UiSettings:
        read: dict[str, Any] = {}
        for name, value in self._document.items():
            match name, value:
                case "theme", str():
                    read["theme"] = value
                case "ascii", bool() | "auto":
                    read["ascii"] = None if value == "auto" else value
                case "mouse", bool():
                    read["mouse"] = value
                case "keys", dict():
                    read["keys"] = dict(self._keys(value))
                case "themes", dict():
                    read["themes"] = tuple(self._themes(value))
                case _:
                    self._problem(name, _EXPECTED.get(name, _UNKNOWN))
        return UiSettings(
            path=self._path,
            lines=self._lines,
            problems=tuple(self._problems),
            **read,
        )

    def _keys(self, table: Toml, prefix: str = "") -> Iterator[tuple[str, str]]:
        for name, value in table.items():
            # act.stop without quotes is a table in a table.
            id_ = f"{prefix}{name}"
            match value:
                case str():
                    yield id_, value
                case dict():
                    yield from self._keys(value, f"{id_}.")
                case [*keys] if all(isinstance(key, str) for key in keys):
                    yield id_, ",".join(keys)
                case _:
                    self._problem(f"keys.{id_}", 'has to be text like "x,ctrl+k"')

    def _themes(self, table: Toml) -> Iterator[OwnTheme]:
        for name, colours in table.items():
            where = f"themes.{name}"
            if not isinstance(colours, dict) or not _THEME_NAME.match(name):
                self._problem(where, "has to be a section like [themes.mine]")
                continue
            base = colours.pop("base", "")
            if not isinstance(base, str):
                self._problem(f"{where}.base", "has to be the name of a theme")
                base = ""
            kept = {
                colour: value
                for colour, value in colours.items()
                if self._is_colour(f"{where}.{colour}", colour, value)
            }
            line = self._lines.get(where, 0)
            yield OwnTheme(name=name, base=base, colours=kept, line=line)

    def _is_colour(self, where: str, name: str, value: object) -> bool:
        if name not in COLOUR_NAMES:
            self._problem(where, f"is none of: base, {', '.join(COLOUR_NAMES)}")
            return False
        try:
            rgb(str(value))
        except ValueError:
            self._problem(where, 'has to be a colour like "#1a2b3c"')
            return False
        return True

    def _problem(self, what: str, says: str) -> None:
        line = self._lines.get(what, 0)
        place = f"{self._path}:{line}" if line else self._path
        self._problems.append(f"{place}: {clean_name(what, limit=60)} {says}")


_UNKNOWN = "is no setting; there are theme, ascii, mouse, [keys], [themes.NAME]"
_EXPECTED = {
    "theme": 'has to be the name of a theme, as in theme = "bistro-day"',
    "ascii": 'has to be true, false or "auto"',
    "mouse": "has to be true or false",
    "keys": 'has to be a section, as in [keys] with "act.stop" = "x,ctrl+k"',
    "themes": "has to be sections like [themes.mine]",
}


def _lines(text: str) -> Mapping[str, int]:
    """Return the line of each setting by its name, section before it."""
    found: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), 1):
        section = _SECTION.match(line)
        if section:
            prefix = _name(section[1])
            found.setdefault(prefix, number)
            prefix += "."
        elif "=" in line and not line.lstrip().startswith("#"):
            found.setdefault(prefix + _name(line.partition("=")[0]), number)
    return found


def _name(written: str) -> str:
    return ".".join(part.strip(" \t\"'") for part in written.split("."))
