"""The config file with what is wrong in it, and what the scheduler said of itself."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from bistro_tui.engine.view import (
    Banner,
    ConfigFacts,
    ConfigProblem,
    JobRow,
    Notice,
)
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.docs import BLANK, fact, heading
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column

_NEIGHBOURS = 2
_SHOWN_CHARS = 2_000
"""Of one line in a list; more has no place on any screen."""


def problems_of(
    facts: ConfigFacts, jobs: Sequence[JobRow], banners: Sequence[Banner]
) -> list[ConfigProblem]:
    """Return what is wrong: in the file, in jobs, and else; errors first.

    What the file says of a job is not said again for the job.
    """
    found = list(facts.problems)
    told = {problem.message for problem in found}
    of_job = {problem.job for problem in found if problem.job is not None}
    for job in jobs:
        if job.name in of_job:
            continue
        found += [
            ConfigProblem(
                file="", line=0, column=0, path="", message=error, job=job.name,
                is_error=True,
            )
            for error in job.errors
            if error not in told
        ]  # fmt: skip
    for banner in banners:
        if found and banner.topic == "config":
            continue
        found.append(
            ConfigProblem(
                file="", line=0, column=0, path=banner.topic, message=banner.text,
                job=None, is_error=banner.is_error,
            )
        )  # fmt: skip
    return sorted(found, key=lambda problem: not problem.is_error)


def place_of(problem: ConfigProblem) -> str:
    """Return ``nightly.json:12:18``, as far as it is known."""
    if not problem.file:
        return ""
    name = clean_name(PurePath(problem.file).name, limit=40)
    numbers = [str(n) for n in (problem.line, problem.column) if n > 0]
    return ":".join([name, *numbers])


def problem_text(problem: ConfigProblem) -> str:
    """Return what the filter looks at."""
    return f"{place_of(problem)} {problem.path} {problem.job or ''} {problem.message}"


def problem_fields(problem: ConfigProblem) -> Mapping[str, object]:
    """Return what a filter may name."""
    level = "error" if problem.is_error else "warning"
    return {"job": problem.job or "", "level": level, "line": problem.line}


def _first_line(text: str) -> str:
    lines = clean_lines(text[:_SHOWN_CHARS])
    first = next((line for line in lines if line.strip()), "")
    more = sum(bool(line.strip()) for line in lines) - 1
    return f"{first}  (+{words.plural(more, 'line')})" if more > 0 else first


def _severity(problem: ConfigProblem, width: int, scene: Scene) -> Line:
    if problem.is_error:
        return (Span("✗ error", "error"),)
    return (Span("⚠ warning", "warning"),)


def _where(problem: ConfigProblem, width: int, scene: Scene) -> Line:
    place = place_of(problem)
    if place:
        return (Span(place, "accent"),)
    if problem.job is not None:
        return (Span(f"job {clean_name(problem.job)}", "strong"),)
    return (Span(clean_name(problem.path, limit=40), "strong"),)


def _what(problem: ConfigProblem, width: int, scene: Scene) -> Line:
    text = _first_line(problem.message)
    return (Span(text),)


PROBLEM_COLUMNS: tuple[Column[ConfigProblem], ...] = (
    Column(
        title="", cell=_severity, width=9, sort=lambda problem: not problem.is_error
    ),
    Column(
        title="where", cell=_where, width=18, flex=1, most=32, tight=True,
        sort=lambda problem: (problem.file, problem.line, problem.column),
    ),
    Column(title="problem", cell=_what, width=20, flex=4),
)  # fmt: skip


def problem_facts(problem: ConfigProblem) -> list[Line]:
    """Return all that is known of a problem."""
    lines: list[Line] = []
    if problem.file:
        lines.append(fact("file", Span(clean(problem.file), "strong")))
    if problem.line > 0:
        column = f", column {problem.column}" if problem.column > 0 else ""
        lines.append(fact("line", Span(f"{problem.line}{column}")))
    if problem.job is not None:
        lines.append(fact("job", Span(clean_name(problem.job))))
    if problem.path:
        lines.append(fact("where", Span(clean_name(problem.path))))
    return [*lines, BLANK, *_whole(problem.message)]


def _whole(text: str) -> list[Line]:
    return [(Span(line),) for line in clean_lines(text)]


def config_title(facts: ConfigFacts | None, refused: str, scene: Scene) -> Line:
    """Return what stands after the heading of the problems."""
    if facts is None:
        return (Span(f" {refused or '…'}", "warning" if refused else "dim"),)
    if facts.is_in_force:
        parts = [Span(f" ✓ version {facts.version} in force", "done")]
    else:
        parts = [Span(f" ✗ not in force: version {facts.version} runs", "error")]
    parts.append(Span(f" · loaded {words.ago(scene.now - facts.loaded)}", "dim"))
    if errors := sum(problem.is_error for problem in facts.problems):
        parts.append(Span(f" · {words.plural(errors, 'error')}", "failed"))
    return tuple(parts)


# The file.


class FileLine(NamedTuple):
    """One line of the config file."""

    number: int
    text: str
    """Raw."""


def file_lines(content: bytes) -> list[FileLine]:
    """Return the lines of a file; a last one without a newline is one too."""
    lines = content.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [FileLine(number, line) for number, line in enumerate(lines, 1)]


def shown_line(line: FileLine, style: str = "") -> Span:
    """Return the text of a line, safe, tabs expanded."""
    text = line.text[:_SHOWN_CHARS].rstrip("\r")
    return Span(clean(text.expandtabs(8) if "\t" in text else text), style)


def excerpt(lines: Sequence[FileLine], number: int) -> list[Line]:
    """Return that line of the file among its neighbours, and which key edits it."""
    if not 0 < number <= len(lines):
        return []
    first = max(1, number - _NEIGHBOURS)
    near = lines[first - 1 : number + _NEIGHBOURS]
    width = len(str(near[-1].number))
    found: list[Line] = [BLANK]
    for line in near:
        is_it = line.number == number
        lead = Span(f"{line.number:>{width}} {'▌' if is_it else '│'} ", "dim")
        found.append((lead, shown_line(line, "strong" if is_it else "dim")))
    return [*found, BLANK, (Span("E", "key"), Span(" edits it at this line", "dim"))]


# Events.


def notice_style(notice: Notice) -> tuple[str, str]:
    """Return glyph and word of how grave it is, and the style of both."""
    known = {
        "error": ("✗ error", "error"),
        "warning": ("⚠ warning", "warning"),
        "info": ("· info", "dim"),
    }
    return known.get(notice.level, (f"· {clean_name(notice.level, limit=8)}", "dim"))


def notice_text(notice: Notice) -> str:
    """Return what the filter looks at."""
    return f"{notice.level} {notice.text}"


def notice_fields(notice: Notice, now: float) -> Mapping[str, object]:
    """Return what a filter may name."""
    return {"level": notice.level, "age": now - notice.at}


def _time(notice: Notice, width: int, scene: Scene) -> Line:
    if scene.now - notice.at < 86_400:
        return (Span(words.clock_time(notice.at), "dim"),)
    return (Span(f"{words.coarse(scene.now - notice.at)} ago", "dim"),)


def _level(notice: Notice, width: int, scene: Scene) -> Line:
    return (Span(*notice_style(notice)),)


def _said(notice: Notice, width: int, scene: Scene) -> Line:
    style = "" if notice.level == "info" else notice_style(notice)[1]
    lines = clean_lines(notice.text[:_SHOWN_CHARS])
    text = " ⏎ ".join(line.strip() for line in lines if line.strip())
    return (Span(text, style),)


NOTICE_COLUMNS: tuple[Column[Notice], ...] = (
    Column(title="time", cell=_time, width=8),
    Column(title="level", cell=_level, width=9, tight=True),
    Column(title="event", cell=_said, width=20, flex=1),
)


def notice_facts(notice: Notice) -> list[Line]:
    """Return all of an event."""
    return [
        fact("time", Span(words.date_time(notice.at))),
        fact("level", Span(*notice_style(notice))),
        BLANK,
        heading("what happened"),
        *_whole(notice.text),
    ]
