"""What is told of one job: facts, dependencies, its config; and its attempts."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from bistro_tui.engine.view import Attempt, JobFacts, JobName, JobRow, TaskRow
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.job_segments import reason_word
from bistro_tui.present.jobs import job_state
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    DONE_STATE,
    FAILED_STATE,
    OFF_STATE,
    State,
    state_of,
)
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import tally_of

_LABEL = 13
_MOST_CHARS = 4000


class FactRow(NamedTuple):
    """One line about a job."""

    key: str
    """Stays the same while the job does."""
    line: Line
    job: JobName | None = None
    """Another job that Enter goes to."""


def _fact(
    label: str, *value: Span, key: str = "", job: JobName | None = None
) -> FactRow:
    line = (Span(f"{clean_name(label, limit=20):<{_LABEL}} ", "dim"), *value)
    return FactRow(key or label, line, job)


def _heading(text: str) -> FactRow:
    return FactRow(f"heading {text}", (Span(text, "head"),))


def fact_rows(
    job: JobRow, facts: JobFacts | None, others: Sequence[JobRow], refusal: str
) -> list[FactRow]:
    """Return all that is known of a job, a line each.

    ``facts`` None: they have not come yet, or were refused for that reason. ``others``
    are the jobs around it, as far as they exist.
    """
    rows: list[FactRow] = []
    for number, error in enumerate(job.errors):
        for at, text in enumerate(clean_lines(error[:_MOST_CHARS])):
            mark = "⚠ " if at == 0 else "  "
            key = f"error {number} {at}"
            rows.append(FactRow(key, (Span(mark + text, "failed"),)))
    if facts is None:
        rows += [
            _fact("owner", Span(clean_name(job.owner) or "–")),
            _fact("level", Span(clean_name(job.level))),
            _fact("priority", Span(f"{words.number(job.priority)}")),
        ]
        if refusal:
            rows += [FactRow("refusal", (Span(clean(refusal), "failed"),))]
        return rows
    rows += _pace(facts)
    rows += _around("depends on", "←", facts.depends_on, others)
    rows += _around("needed by", "→", facts.needed_by, others)
    for number, (label, text) in enumerate(facts.facts):
        for at, part in enumerate(clean_lines(text[:_MOST_CHARS])):
            shown = label if at == 0 else ""
            rows.append(_fact(shown, Span(part), key=f"fact {number} {at}"))
    rows += _excerpt(facts)
    return rows


def _pace(facts: JobFacts) -> list[FactRow]:
    rows: list[FactRow] = []
    if facts.throughput is not None:
        text = f"{rate(facts.throughput)} done a minute"
        rows.append(_fact("throughput", Span(text)))
    if facts.median_seconds is not None:
        text = f"{words.took(facts.median_seconds)} (median)"
        rows.append(_fact("a task takes", Span(text)))
    return rows


def _around(
    label: str, arrow: str, names: Sequence[JobName], others: Sequence[JobRow]
) -> list[FactRow]:
    known = {one.name: one for one in others}
    rows: list[FactRow] = []
    for number, name in enumerate(names):
        spans = [Span(f"{arrow} ", "accent"), Span(clean_name(name), "strong")]
        if (other := known.get(name)) is not None:
            state, tally = job_state(other), tally_of(other.counts)
            spans.append(Span(f"  {state.glyph} {state.word}", state.style))
            spans.append(Span(f"  {tally.done}/{other.tasks - tally.off} done", "dim"))
        else:
            spans.append(Span("  no such job", "failed"))
        shown = label if number == 0 else ""
        there = name if name in known else None
        rows.append(_fact(shown, *spans, key=f"{label} {name}", job=there))
    return rows


def _excerpt(facts: JobFacts) -> list[FactRow]:
    where = clean_name(facts.file)
    if facts.line:
        where += f":{facts.line}"
    rows = [FactRow("no config", ())] if facts.excerpt else []
    rows.append(_fact("config", Span(where, "strong"), Span("  E edits it", "dim")))
    first = max(facts.line, 1)
    digits = len(str(first + len(facts.excerpt)))
    for number, text in enumerate(facts.excerpt):
        line = (
            Span(f"{first + number:>{digits}} │ " if facts.line else "│ ", "faint"),
            Span(clean(text.expandtabs(4))),
        )
        rows.append(FactRow(f"excerpt {number}", line))
    return rows


def rate(per_minute: float) -> str:
    """Return a number of tasks a minute in at most four characters."""
    if per_minute <= 0:
        return "0"
    return f"{per_minute:.1f}" if per_minute < 9.95 else words.count(round(per_minute))


# Tasks behind a segment.


def _task_state(row: TaskRow, width: int, scene: Scene) -> Line:
    state = state_of(row.reason)
    return (Span(f"{state.glyph} {reason_word(row.reason)}", state.style),)


def _task_node(row: TaskRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.task.node)),)


def _task_since(row: TaskRow, width: int, scene: Scene) -> Line:
    if row.since is None:
        return (Span("·", "faint"),)
    return (Span(words.age(scene.now - row.since), "dim"),)


def _task_tries(row: TaskRow, width: int, scene: Scene) -> Line:
    if not row.attempts:
        return (Span("·", "faint"),)
    style = "backoff" if row.attempts > 1 else "dim"
    return (Span(words.count(row.attempts), style),)


def _task_next(row: TaskRow, width: int, scene: Scene) -> Line:
    if row.next_run is None or row.next_run <= scene.now:
        return (Span("·", "faint"),)
    return (Span(words.left(row.next_run - scene.now), "backoff"),)


def _task_why(row: TaskRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.why), "dim"),)


TASK_COLUMNS: Final[tuple[Column[TaskRow], ...]] = (
    Column(title="state", cell=_task_state, width=13),
    Column(
        title="node",
        cell=_task_node,
        width=10,
        flex=1,
        most=40,
        sort=lambda row: row.task.node,
    ),
    Column(
        title="for",
        cell=_task_since,
        width=6,
        right=True,
        tight=True,
        sort=lambda row: None if row.since is None else -row.since,
    ),
    Column(
        title="try",
        cell=_task_tries,
        width=4,
        right=True,
        drop=3,
        tight=True,
        sort=lambda row: row.attempts,
    ),
    Column(
        title="next",
        cell=_task_next,
        width=6,
        right=True,
        drop=2,
        tight=True,
        sort=lambda row: row.next_run,
    ),
    Column(title="why", cell=_task_why, width=16, flex=4, drop=1),
)

# Attempts that are over.


def attempt_state(result: str) -> State:
    """Return how a result of the history is shown."""
    if result == "done":
        return DONE_STATE
    if "backoff" in result:
        return BACKOFF_STATE
    return FAILED_STATE if "fail" in result or "error" in result else OFF_STATE


def _attempt_result(row: Attempt, width: int, scene: Scene) -> Line:
    state = attempt_state(row.result)
    word = state.word if state is not OFF_STATE else clean_name(row.result)
    return (Span(f"{state.glyph} {word}", state.style),)


def _attempt_node(row: Attempt, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.task.node)),)


def _attempt_took(row: Attempt, width: int, scene: Scene) -> Line:
    return (Span(words.took(row.ended - row.started), "dim"),)


def _attempt_ended(row: Attempt, width: int, scene: Scene) -> Line:
    return (Span(words.ago(scene.now - row.ended), "dim"),)


def _attempt_exit(row: Attempt, width: int, scene: Scene) -> Line:
    text = row.exit or row.detail.partition("\n")[0]
    style = "dim" if row.result == "done" else ""
    # What counts is the number, and it stands at the end.
    short = text.removeprefix("exited with ").removeprefix("killed by ")
    return (Span(clean_name(short), style),)


ATTEMPT_COLUMNS: Final[tuple[Column[Attempt], ...]] = (
    Column(title="result", cell=_attempt_result, width=10),
    Column(
        title="node",
        cell=_attempt_node,
        width=9,
        flex=1,
        most=32,
        sort=lambda row: row.task.node,
    ),
    Column(
        title="took",
        cell=_attempt_took,
        width=6,
        right=True,
        tight=True,
        sort=lambda row: row.ended - row.started,
    ),
    Column(title="ended", cell=_attempt_ended, width=8, right=True, drop=2),
    Column(title="exit", cell=_attempt_exit, width=12, flex=3, drop=1),
)


def attempt_facts(row: Attempt) -> list[Line]:
    """Return all that is known of an attempt that is over."""
    state = attempt_state(row.result)
    shown = [
        ("result", Span(f"{state.glyph} {clean_name(row.result)}", state.style)),
        ("exit", Span(clean_name(row.exit) or "–")),
        ("job", Span(clean_name(row.task.job))),
        ("node", Span(clean_name(row.task.node))),
        ("worker", Span(clean_name(row.worker) or "–")),
        ("invocation", Span(clean_name(row.invocation))),
        ("started", Span(words.date_time(row.started))),
        ("ended", Span(words.date_time(row.ended))),
        ("took", Span(words.took(row.ended - row.started))),
    ]
    if row.cpu_seconds is not None:
        shown.append(("CPU time", Span(words.took(row.cpu_seconds))))
    if row.peak_memory is not None:
        shown.append(("memory", Span(f"{words.size(row.peak_memory)} at most")))
    lines: list[Line] = [(Span(f"{label:<{_LABEL}} ", "dim"), s) for label, s in shown]
    if row.detail:
        lines += [(), (Span("detail", "head"),)]
        lines += [(Span(text),) for text in clean_lines(row.detail[:_MOST_CHARS])]
    return lines


def attempt_lines(attempts: Sequence[Attempt], scene: Scene) -> list[Line]:
    """Return a line for each attempt of one task."""
    lines: list[Line] = []
    for row in attempts:
        state = attempt_state(row.result)
        exit_text = clean_name(row.exit or row.detail.partition("\n")[0])
        lines.append(
            (
                Span(f"{state.glyph} ", state.style),
                Span(f"{words.date_time(row.started)}  "),
                Span(f"{words.took(row.ended - row.started):>6}  ", "dim"),
                Span(f"{words.ago(scene.now - row.ended):>8}  ", "dim"),
                Span(exit_text),
            )
        )
    return lines


def crumb(job: JobRow, pace: float | None, scene: Scene, *, is_gone: bool) -> Line:
    """Return state and facts of a job in one line, what matters most first."""
    state = job_state(job)
    spans = [Span(f"{state.glyph} {state.word}", state.style)]
    if is_gone:
        spans = [Span("this job is gone", "failed")]
    parts = [f"{clean_name(job.level)} level", words.plural(job.tasks, "task")]
    if pace:
        parts.append(f"{rate(pace)}/min")
    if job.eta is not None:
        parts.append(f"{words.about(job.eta - scene.now)} left")
    parts.append(f"priority {words.number(job.priority)}")
    if job.owner:
        parts.append(clean_name(job.owner))
    spans.append(Span("  " + " · ".join(parts), "dim"))
    return tuple(spans)
