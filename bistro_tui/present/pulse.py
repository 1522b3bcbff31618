"""What is blocked and by what, what comes next, what failed: one block, at a glance."""

from collections.abc import Iterator, Mapping, Sequence

from bistro_tui.engine.view import Reason, Snapshot
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_name
from bistro_tui.present.job_segments import reason_word
from bistro_tui.present.limits import Level, Limit
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    BLOCKED_STATE,
    DONE_STATE,
    FAILED_STATE,
    state_of,
)
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.tally import gauge, shares, use_style
from bistro_tui.present.tasks import first_line

_NAME = 24
_MOST_NEXT = 50


def pulse_lines(
    snapshot: Snapshot, levels: Sequence[Level], scene: Scene, width: int, height: int
) -> list[Line]:
    """Return exactly ``height`` lines; what a part leaves goes to the next ones."""
    parts = (
        ("Resources", _blocked(snapshot), resource_lines(levels, scene, width)),
        ("Next", (), next_lines(snapshot, scene)),
        ("Failed lately", (), failure_lines(snapshot, scene)),
    )
    lines: list[Line] = []
    for number, (title, facts, rows) in enumerate(parts):
        left = height - len(lines)
        room = left // (len(parts) - number)
        if room < 2:
            break
        kept = rows[: room - 1] if len(rows) <= room - 1 else rows[: max(room - 2, 0)]
        lines += [_title(title, facts, width), *kept]
        if not rows:
            lines.append((Span("  nothing", "faint"),))
        elif len(kept) < len(rows):
            lines.append((Span(f"  … {len(rows) - len(kept)} more", "dim"),))
    lines = lines[:height]
    return [*lines, *([()] * (height - len(lines)))]


def _title(text: str, facts: Line, width: int) -> Line:
    spans = [Span("─ ", "rule"), Span(text, "title"), *facts, Span(" ")]
    taken = sum(len(span.text) for span in spans)
    return (*spans, Span("─" * max(0, width - taken), "rule"))


def _blocked(snapshot: Snapshot) -> Line:
    """Return how many tasks wait, by reason, the most first."""
    waiting: Mapping[Reason, int] = {
        reason: number
        for reason, number in snapshot.totals.items()
        if number and state_of(reason) is BLOCKED_STATE
    }
    if not waiting:
        return ()
    spans = [Span(f"  {BLOCKED_STATE.glyph} ", "blocked")]
    most = sorted(waiting, key=lambda reason: -waiting[reason])
    for at, reason in enumerate(most):
        spans.append(Span(" · " if at else "", "faint"))
        spans.append(Span(words.count(waiting[reason]), "blocked"))
        spans.append(Span(f" {reason_word(reason)}", "dim"))
    return tuple(spans)


def resource_lines(levels: Sequence[Level], scene: Scene, width: int) -> list[Line]:
    """Return a line for each resource of each level: a strip of its nodes, and counts.

    Of a level with one node: a bar, and ``used/limit``.
    """
    strip = max(8, min(40, width - 58))
    return [
        _resource(level, limit, strip, scene)
        for level in levels
        for limit in level.limits
    ]


def _resource(level: Level, limit: Limit, strip: int, scene: Scene) -> Line:
    head = (
        Span(f"  {clean_name(level.name, limit=10):<10} ", "dim"),
        Span(f"{clean_name(limit.resource, limit=14):<14} "),
    )
    if limit.nodes == 1:
        style = use_style(limit.used, limit.total)
        bar = gauge(limit.used, limit.total, strip, plain=scene.plain)
        return (*head, *bar, Span(f" {limit.used}/{limit.total}", style))
    parts = (limit.full, limit.busy, limit.idle)
    marks = ("#", "+", ".") if scene.plain else ("█", "▄", "▁")
    styles = ("blocked", "running", "faint")
    cells = shares(parts, strip)
    bar = tuple(
        Span(mark * size, style)
        for mark, size, style in zip(marks, cells, styles, strict=True)
        if size
    )
    counts = (
        Span(f" {words.count(limit.full)} full", "blocked" if limit.full else "dim"),
        Span(f" · {words.count(limit.busy)} in use", "dim"),
        Span(f" · {words.count(limit.idle)} idle", "dim"),
    )
    return (*head, *bar, *counts)


def next_lines(snapshot: Snapshot, scene: Scene) -> list[Line]:
    """Return what will happen by itself, the soonest first."""
    coming = sorted(_coming(snapshot, scene.now), key=lambda one: one[0])
    return [
        (Span(f"  {when:>6}  ", "dim"), *line) for _, when, line in coming[:_MOST_NEXT]
    ]


def _coming(snapshot: Snapshot, now: float) -> Iterator[tuple[float, str, Line]]:
    seen = set()
    line: Line
    for run in snapshot.running:
        seen.add(run.task)
        if run.stopping and run.kill_at is not None and run.kill_at > now:
            text = f" {clean(str(run.task))} gets SIGKILL"
            line = (Span("◑", "blocked"), Span(text))
            yield run.kill_at, words.left(run.kill_at - now), line
    for end in snapshot.ended:
        if end.task in seen:
            continue
        seen.add(end.task)
        due = end.retry_at
        if due is not None and due > now and end.result is Reason.BACKOFF:
            name = Span(f" {clean(str(end.task))}")
            glyph = Span(BACKOFF_STATE.glyph, BACKOFF_STATE.style)
            line = (glyph, name, Span(" is tried again", "dim"))
            yield due, words.left(due - now), line
    for job in snapshot.jobs:
        if job.eta is not None:
            name = Span(f" {clean_name(job.name)}", "strong")
            glyph = Span(DONE_STATE.glyph, DONE_STATE.style)
            line = (glyph, name, Span(" will be done", "dim"))
            yield job.eta, words.about(job.eta - now), line


def failure_lines(snapshot: Snapshot, scene: Scene) -> list[Line]:
    """Return the newest failures: what, when, and how it ended."""
    lines: list[Line] = []
    for end in snapshot.ended:
        if end.result not in (Reason.FAILED, Reason.BACKOFF):
            continue
        state = FAILED_STATE if end.result is Reason.FAILED else BACKOFF_STATE
        name = clean_name(str(end.task), limit=_NAME * 2)
        lines.append(
            (
                Span(f"  {words.ago(scene.now - end.ended):>8}  ", "dim"),
                Span(f"{state.glyph} ", state.style),
                Span(f"{name:<{_NAME}}  "),
                Span(first_line(end.detail), "dim"),
            )
        )
    return lines
