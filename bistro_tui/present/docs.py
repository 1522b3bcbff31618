"""The texts of the overlays: why, details, problems. Each is a list of lines."""

from collections.abc import Sequence

from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    JobRow,
    NodeRow,
    Reason,
    RunningRow,
)
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.job_segments import reason_word
from bistro_tui.present.jobs import job_state
from bistro_tui.present.palette import state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.tally import gauge, tally_bar, tally_of, use_style
from bistro_tui.present.tasks import stop_text

BLANK: Line = ()
_MOST_CHARS = 4000
_LABEL = 11


def heading(text: str) -> Line:
    """Return a line above a group of lines."""
    return (Span(text, "head"),)


def fact(label: str, *value: Span) -> Line:
    """Return ``label   value``, values aligned below each other."""
    return (Span(f"{label:<{_LABEL}} ", "dim"), *value)


def _message(text: str, style: str) -> list[Line]:
    return [(Span("  "), Span(line, style)) for line in clean_lines(text[:_MOST_CHARS])]


def state_span(reason: Reason) -> Span:
    """Return ``⏸ resource`` in its colour, in the words of the bars."""
    state = state_of(reason)
    return Span(f"{state.glyph} {reason_word(reason)}", state.style)


def job_errors(job: JobRow) -> list[Line]:
    """Return why a job is invalid, and nothing for one that is not."""
    if not job.errors:
        return []
    lines: list[Line] = [(Span("⚠ this job is invalid and cannot run", "failed"),)]
    for error in job.errors:
        lines += _message(error, "")
    return [*lines, BLANK]


def counts_lines(job: JobRow, scene: Scene) -> list[Line]:
    """Return a bar and the counts of a job's tasks by reason."""
    parts: list[Span] = []
    for reason in Reason:
        if number := job.counts.get(reason, 0):
            if parts:
                parts.append(Span("  "))
            state = state_of(reason)
            text = f"{state.glyph} {words.count(number)} {reason_word(reason)}"
            parts.append(Span(text, state.style))
    if not parts:
        return [(Span("no tasks: its level has no nodes", "dim"),)]
    return [tally_bar(tally_of(job.counts), 60, plain=scene.plain), tuple(parts)]


def job_facts(job: JobRow, scene: Scene) -> list[Line]:
    """Return all that is known of a job."""
    state = job_state(job)
    enabled = "yes" if job.enabled else "no · e enables it"
    if not job.in_config:
        enabled = "removed from the config; its last tasks still run"
    lines = [
        fact("state", Span(f"{state.glyph} {state.word}", state.style)),
        fact("enabled", Span(enabled)),
        fact("owner", Span(clean_name(job.owner) or "–")),
        fact("level", Span(clean_name(job.level))),
        fact("priority", Span(f"{words.number(job.priority)}")),
        fact("tasks", Span(f"{job.tasks:,}")),
    ]
    if job.differs:
        what = Span(clean_name(job.differs), "warning" if job.mixed else "")
        lines.append(fact("differs" if job.mixed else "scheduler", what))
    lines += [BLANK, *counts_lines(job, scene)]
    if job.errors:
        lines += [BLANK, heading("errors")]
        for error in job.errors:
            lines += _message(error, "failed")
    return lines


def node_state(node: NodeRow) -> list[Line]:
    """Return where a node stands."""
    state = Span("yes") if node.enabled else Span("⊘ no, or a node above is not", "off")
    return [
        fact("level", Span(clean_name(node.level))),
        fact("enabled", state),
        fact("running", Span(f"{node.running:,}")),
    ]


def node_facts(
    node: NodeRow, running: Sequence[RunningRow], scene: Scene
) -> list[Line]:
    """Return all that is known of a node; ``running`` are the tasks on and below it."""
    lines = [*node_state(node), BLANK, heading("resources used/limit")]
    for usage in node.usage:
        style = use_style(usage.used, usage.limit)
        lines.append(
            (
                *gauge(usage.used, usage.limit, 20, plain=scene.plain),
                Span(f"  {clean_name(usage.resource)} "),
                Span(f"{usage.used}/{usage.limit}", style),
            )
        )
    if not node.usage:
        lines.append((Span("none at this level", "dim"),))
    if running:
        lines += [BLANK, heading("held by")]
    for row in running:
        task = clean(str(row.task))
        lines.append(
            (
                Span("● ", "running"),
                Span(task),
                Span(f"  {words.age(scene.now - row.since)}", "dim"),
            )
        )
    return lines


_CONTAINMENT = {
    "cgroup": "cgroup",
    "subreaper": "subreaper, session and tag",
    "session": "session only",
}


def running_facts(row: RunningRow, scene: Scene) -> list[Line]:
    """Return all that is known of a running attempt."""
    return [
        fact("job", Span(clean(row.task.job))),
        fact("node", Span(clean(row.task.node))),
        fact("worker", Span(clean_name(row.worker))),
        fact("invocation", Span(clean_name(row.invocation))),
        BLANK,
        *process_facts(row, scene),
    ]


def process_facts(row: RunningRow, scene: Scene) -> list[Line]:
    """Return how far a running attempt is, and what is known of its processes."""
    state = Span("● running", "running")
    if row.stopping:
        state = Span(f"◑ stopping, {stop_text(row, scene.now)}", "blocked")
    age = scene.now - row.since
    lines = [
        fact("state", state),
        fact("age", Span(words.age(age))),
        fact("started", Span(words.date_time(row.since))),
        fact("attempt", Span(str(row.attempt))),
        fact("pid", Span("–" if row.pid is None else str(row.pid))),
    ]
    if row.containment:
        held = _CONTAINMENT.get(row.containment) or clean_name(row.containment)
        lines.append(fact("containment", Span(held)))
    if row.rss is not None:
        memory = Span(words.size(row.rss))
        lines.append(fact("memory", memory, Span(" resident", "dim")))
    if row.cpu_seconds is not None:
        share = 100 * row.cpu_seconds / max(age, 1.0)
        took = Span(words.took(row.cpu_seconds))
        text = f" · {share:.0f} % of one core so far"
        lines.append(fact("CPU time", took, Span(text, "dim")))
    if row.processes is not None:
        lines.append(fact("processes", Span(f"{row.processes:,}")))
    return lines


def ended_facts(row: EndedRow, scene: Scene) -> list[Line]:
    """Return all that is known of an attempt that ended."""
    retry = "–"
    if row.retry_at is not None:
        wait = row.retry_at - scene.now
        retry = f"in {words.age(wait)}" if wait > 0 else "due"
    lines = [
        fact("result", state_span(row.result)),
        fact("job", Span(clean(row.task.job))),
        fact("node", Span(clean(row.task.node))),
        fact("took", Span(words.took(row.seconds))),
        fact("ended", Span(words.date_time(row.ended))),
        fact("retry", Span(retry)),
    ]
    if row.worker:
        lines.append(fact("worker", Span(clean_name(row.worker))))
    if row.detail:
        lines += [BLANK, heading("detail"), *_message(row.detail, "")]
    return lines


def beside_jobs(banners: Sequence[Banner], jobs: Sequence[JobRow]) -> Sequence[Banner]:
    """Return the banners without the one that only names the invalid jobs among these.

    Of several schedulers it is called by whose it is, too.
    """
    if not any(job.errors for job in jobs):
        return banners
    return [one for one in banners if one.topic.rpartition(" ")[2] != "jobs"]


def problems(
    banners: Sequence[Banner],
    jobs: Sequence[JobRow],
    settings: Sequence[str] = (),
    *,
    workers: Sequence[Line] = (),
) -> list[Line]:
    """Return everything that is wrong now, in full, and nothing twice.

    ``settings``: sentences about the settings of the screen. ``workers``: what is wrong
    with workers.
    """
    lines: list[Line] = []
    for banner in beside_jobs(banners, jobs):
        style, glyph = ("error", "✗") if banner.is_error else ("warning", "⚠")
        lines.append((Span(f"{glyph} {clean_name(banner.topic)}", style),))
        lines += [*_message(banner.text, ""), BLANK]
    for job in jobs:
        if not job.errors:
            continue
        lines.append((Span(f"⚠ job {clean_name(job.name)}", "error"),))
        for error in job.errors:
            lines += _message(error, "")
        lines.append(BLANK)
    lines += workers
    if settings:
        lines.append((Span("⚠ settings of the screen", "warning"),))
        for text in settings:
            lines += _message(text, "")
        lines.append(BLANK)
    return lines or [(Span("✓ nothing is wrong", "done"),)]
