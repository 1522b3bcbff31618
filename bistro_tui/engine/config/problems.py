"""What is wrong with a config: as data, and as a person wants to read it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bistro_tui.engine.config.excerpt import excerpt, safe
from bistro_tui.engine.config.lexis import line_of
from bistro_tui.engine.config.text import ConfigSyntaxError, Path
from bistro_tui.engine.ids import JobName

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, or odd, and the path of the value it is about."""

    path: Path
    message: str
    job: JobName | None = None
    """None: it is about the settings or the file as a whole."""
    at_key: bool = False
    """The key itself is the problem, rather than its value."""

    def __str__(self) -> str:
        """Return ``path: message``, the form of a job's ``errors``."""
        path = render_path(self.path)
        return f"{path}: {self.message}" if path else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedProblem:
    """A problem and where it stands in its file."""

    file: str
    line: int
    column: int
    """In characters; both count from 1."""
    path: str
    message: str
    job: JobName | None

    def as_json(self) -> dict[str, str | int | None]:
        """Return the object that ``validate --json`` prints."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
            "job": self.job,
        }

    def as_line(self) -> str:
        """Return ``FILE:LINE:COLUMN: PATH: message`` without unprintable characters."""
        path = f"{self.path}: " if self.path else ""
        return safe(f"{self.file}:{self.line}:{self.column}: {path}{self.message}")


def render_path(path: Path) -> str:
    """Return ``bistro_job->etl.backoff[2]``; empty for the whole file."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif not shown:
            shown = step
        elif _PLAIN_KEY.fullmatch(step):
            shown += f".{step}"
        else:
            shown += f"[{json.dumps(step, ensure_ascii=False)}]"
    return shown


def render_problems(problems: Iterable[LocatedProblem], text: str) -> str:
    """Return the problems for people: each with its source line and a caret.

    ``text`` is the file that all of them are about; empty: no source lines.
    """
    return "\n".join(_render(problem, text) for problem in problems)


def _render(problem: LocatedProblem, text: str) -> str:
    if not text:
        return problem.as_line()
    source_line = line_of(text, problem.line)
    return f"{problem.as_line()}\n{excerpt(problem.line, problem.column, source_line)}"


def render_syntax_error(file: str, error: ConfigSyntaxError) -> str:
    """Return ``FILE:LINE:COLUMN: problem``, the line itself, and a caret under it."""
    where = safe(f"{file}:{error.line}:{error.column}: {error.problem}")
    return f"{where}\n{excerpt(error.line, error.column, error.source_line)}"
