"""The texts of the overlays: why, details, problems. Each is a list of lines."""

from collections import Counter
from collections.abc import Sequence

from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    Explanation,
    JobRow,
    NodeRow,
    Reason,
    RunningRow,
)
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
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


def _state_span(reason: Reason) -> Span:
    state = state_of(reason)
    return Span(f"{state.glyph} {reason.value}", state.style)


def why_task(why: Explanation) -> list[Line]:
    """Return the chain of checks of one task; the first that fails stands out."""
    lines: list[Line] = [fact("reason", _state_span(why.reason)), BLANK]
    failed = False
    for check in why.checks:
        first_failure = not check.ok and not failed
        failed = failed or not check.ok
        mark = Span("✓ ", "done") if check.ok else Span("✗ ", "failed")
        name = clean_name(check.check)
        ink = "strong" if first_failure else "dim" if check.ok else ""
        lines.append((mark, Span(f"{name:<22} ", ink), Span(clean(check.text), ink)))
    if why.would_run_if:
        lines += [BLANK, (Span(clean(why.would_run_if), "accent"),)]
    if why.holders:
        lines += [BLANK, heading("held by")]
        lines += [(Span("● ", "running"), Span(clean(str(t)))) for t in why.holders]
    return lines


def why_job(job: JobRow, tasks: Sequence[Explanation], scene: Scene) -> list[Line]:
    """Return why the tasks of a job that are not done wait, and for what."""
    lines: list[Line] = []
    if job.errors:
        lines.append((Span("⚠ this job is invalid and cannot run", "failed"),))
        for error in job.errors:
            lines += _message(error, "")
        lines.append(BLANK)
    lines += _counts(job, scene)
    if not tasks:
        done = job.tasks > 0 and job.counts.get(Reason.DONE, 0) == job.tasks
        text = "every task is done" if done else "no task waits"
        return [*lines, BLANK, (Span(text, "dim"),)]
    lines.append(BLANK)
    shared = Counter(
        (why.reason, blocking_text(why)) for why in tasks if not why.holders
    )
    told: set[tuple[Reason, str]] = set()
    for why in tasks:
        key = (why.reason, blocking_text(why))
        if key in told:
            continue
        if shared[key] > 1:
            told.add(key)
        lines += _waiting(why, shared[key])
    return lines


def blocking_text(why: Explanation) -> str:
    """Return what the first failing check says, safe to show."""
    return next((clean(check.text) for check in why.checks if not check.ok), "")


def _waiting(why: Explanation, alike: int) -> list[Line]:
    name = clean_name(why.task.node)
    more = f" and {alike - 1} more" if alike > 1 else ""
    text = blocking_text(why)
    first: Line = (
        _state_span(why.reason),
        Span("  "),
        Span(name, "strong"),
        Span(more, "dim"),
        Span(f"  {text}" if text else ""),
    )
    lines: list[Line] = [first]
    if why.holders:
        held = ", ".join(clean(str(task)) for task in why.holders[:6])
        rest = f" and {len(why.holders) - 6} more" if len(why.holders) > 6 else ""
        lines.append((Span("      held by ", "dim"), Span(held + rest, "running")))
    if why.would_run_if:
        lines.append((Span(f"      {clean(why.would_run_if)}", "accent"),))
    return lines


def _counts(job: JobRow, scene: Scene) -> list[Line]:
    parts: list[Span] = []
    for reason in Reason:
        if number := job.counts.get(reason, 0):
            if parts:
                parts.append(Span("  "))
            state = state_of(reason)
            parts.append(
                Span(f"{state.glyph} {words.count(number)} {reason.value}", state.style)
            )
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
        fact("priority", Span(f"{job.priority:g}")),
        fact("tasks", Span(f"{job.tasks:,}")),
        BLANK,
        *_counts(job, scene),
    ]
    if job.errors:
        lines += [BLANK, heading("errors")]
        for error in job.errors:
            lines += _message(error, "failed")
    return lines


def node_facts(
    node: NodeRow, running: Sequence[RunningRow], scene: Scene
) -> list[Line]:
    """Return all that is known of a node; ``running`` are the tasks on and below it."""
    state = Span("yes") if node.enabled else Span("⊘ no, or a node above is not", "off")
    lines = [
        fact("level", Span(clean_name(node.level))),
        fact("enabled", state),
        fact("running", Span(f"{node.running:,}")),
        BLANK,
        heading("resources used/limit"),
    ]
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
        fact("result", _state_span(row.result)),
        fact("job", Span(clean(row.task.job))),
        fact("node", Span(clean(row.task.node))),
        fact("took", Span(words.took(row.seconds))),
        fact("ended", Span(words.date_time(row.ended))),
        fact("retry", Span(retry)),
    ]
    if row.detail:
        lines += [BLANK, heading("detail"), *_message(row.detail, "")]
    return lines


def problems(banners: Sequence[Banner], jobs: Sequence[JobRow]) -> list[Line]:
    """Return everything that is wrong now, in full."""
    lines: list[Line] = []
    for banner in banners:
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
    return lines or [(Span("✓ nothing is wrong", "done"),)]
