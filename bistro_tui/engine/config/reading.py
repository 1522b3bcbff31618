"""Reading one JSON object key by key: what is wrong is noted, never raised."""

import contextlib
import enum
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from bistro_tui.engine.config.coerce import CoercionError, show, to_str
from bistro_tui.engine.config.keys import Section
from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.plugged import NOTHING_PLUGGED, Plugged
from bistro_tui.engine.config.problems import Problem
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.near import nearest

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)

_MAX_SUGGESTIONS = 200
"""For one config: finding a near word among many costs milliseconds."""


class Report:
    """Collects the problems and warnings of one config, in the order of discovery."""

    def __init__(self, plugged: Plugged = NOTHING_PLUGGED) -> None:
        """Take the plug-ins whose names are words of this config, too."""
        self.plugged = plugged
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._job: JobName | None = None
        self._suggestions = 0

    @property
    def notes(self) -> int:
        """How much was noted so far."""
        return len(self.problems) + len(self.warnings)

    @contextlib.contextmanager
    def about(self, job: JobName) -> Iterator[None]:
        """Let what is noted meanwhile be about that job, not about the settings."""
        self._job = job
        yield
        self._job = None

    def error(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note something that makes the settings, or this job, unusable."""
        self.problems.append(
            Problem(path=path, message=message, job=self._job, at_key=at_key)
        )

    def warn(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note something that is probably not what its author wanted."""
        self.warnings.append(
            Problem(path=path, message=message, job=self._job, at_key=at_key)
        )

    def suggest(self, word: str, known: Collection[str]) -> str:
        """Return ``; did you mean "…"?`` with the nearest known word, or nothing."""
        if self._suggestions >= _MAX_SUGGESTIONS:
            return ""
        self._suggestions += 1
        near = nearest(word, known)
        return f"; did you mean {show(near)}?" if near is not None else ""


class ObjectReader:
    """One JSON object at its path. Unknown keys become warnings."""

    def __init__(self, raw: dict[str, Json], path: Path, report: Report) -> None:
        self.raw, self.path, self.report = raw, path, report
        self._asked: dict[str, None] = {}

    def has(self, key: str) -> bool:
        """Return whether the key is there, whatever its value."""
        self._asked[key] = None
        return key in self.raw

    def get(self, key: str, convert: Callable[[Json], T], default: T) -> T:
        """Return the converted value; the default if it is missing or bad."""
        if not self.has(key):
            return default
        try:
            return convert(self.raw[key])
        except CoercionError as error:
            self.error(key, str(error))
            return default

    def require(self, key: str, convert: Callable[[Json], T], default: T) -> T:
        """Return the converted value; missing is an error of this object."""
        if not self.has(key):
            self.report.error(self.path, f'the key "{key}" is missing')
            return default
        return self.get(key, convert, default)

    def word(self, key: str, words: type[E], default: E) -> E:
        """Return one of a fixed set of words."""
        if not self.has(key):
            return default
        try:
            text = to_str(self.raw[key])
        except CoercionError as error:
            self.error(key, str(error))
            return default
        known = {word.value: word for word in words}
        if text not in known:
            near = self.report.suggest(text, known)
            choices = ", ".join(known)
            self.error(key, f"must be one of {choices}; got {show(text)}{near}")
        return known.get(text, default)

    def object(self, key: str) -> "ObjectReader | None":
        """Return the object under a key; None if it is missing or no object."""
        if not self.has(key):
            return None
        value = self.raw[key]
        if not isinstance(value, dict):
            self.error(key, f"must be an object, got {show(value)}")
            return None
        return ObjectReader(value, (*self.path, key), self.report)

    def strings(self, key: str) -> tuple[str, ...] | None:
        """Return the good items of an array of texts; None: missing or no array."""
        if not self.has(key):
            return None
        value = self.raw[key]
        if not isinstance(value, list):
            self.error(key, f"must be an array of texts, got {show(value)}")
            return None
        return tuple(read_strings(value, (*self.path, key), self.report))

    def entries(self) -> Iterator[tuple[str, Json, Path]]:
        """Return every key with its value and path; all count as asked for."""
        for key, value in self.raw.items():
            self._asked[key] = None
            yield key, value, (*self.path, key)

    def error(self, key: str, message: str, *, at_key: bool = False) -> None:
        """Note an error of the value under a key."""
        self.report.error((*self.path, key), message, at_key=at_key)

    def warn(self, key: str, message: str, *, at_key: bool = False) -> None:
        """Note a warning about the value under a key."""
        self.report.warn((*self.path, key), message, at_key=at_key)

    def finish(self, section: Section | None = None) -> None:
        """Warn of every key that the section does not have.

        Without a section, of every key that nobody asked for.
        """
        known = self._asked if section is None else section.names
        for key in self.raw:
            if key not in known:
                near = self.report.suggest(key, known)
                shown = shorten(show(key))
                self.warn(key, f"unknown key {shown}, ignored{near}", at_key=True)


def read_strings(items: list[Json], path: Path, report: Report) -> Iterator[str]:
    """Return the items that are texts, or can stand for one; note the others."""
    for index, item in enumerate(items):
        try:
            yield to_str(item)
        except CoercionError as error:
            report.error((*path, index), str(error))
