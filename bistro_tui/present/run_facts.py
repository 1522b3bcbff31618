"""What is known of one attempt on the timeline, in short and in full."""

from bistro_tui.engine.view import Attempt, RunningRow
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.docs import BLANK, fact, heading, running_facts
from bistro_tui.present.palette import RUNNING_STATE, State
from bistro_tui.present.runs import kind_of
from bistro_tui.present.spans import Line, Scene, Span, joined
from bistro_tui.present.tasks import first_line, stop_text

_GAP = " · "
_RESULTS = {
    "done": "done",
    "failed": "failed",
    "error": "failed, to be tried again",
    "error_backoff": "failed, tried again after a backoff",
    "incomplete": "not done, to go on",
    "incomplete_backoff": "not done, to go on after a backoff",
}


def rule(known: Attempt | RunningRow | None, width: int) -> Line:
    """Return the line above the facts."""
    name = "Attempt" if known is None else clean_name(str(known.task), limit=60)
    end = "─" * max(0, width - len(name) - 3)
    return (Span("─ ", "rule"), Span(f"{name} ", "title"), Span(end, "rule"))


def short_facts(known: Attempt | RunningRow | None, scene: Scene) -> Line:
    """Return what matters of an attempt."""
    match known:
        case None:
            return (Span("←→ and ↑↓ go to an attempt, Enter tells all of it", "dim"),)
        case RunningRow():
            return joined(_running(known, scene), _GAP)
        case Attempt():
            return joined(_over(known), _GAP)


def _running(row: RunningRow, scene: Scene) -> list[Line]:
    state = RUNNING_STATE
    word = stop_text(row, scene.now) if row.stopping else state.word
    parts: list[Line] = [
        (Span(f"{state.glyph} {word}", state.style),),
        (Span(f"for {words.age(scene.now - row.since)}"),),
        (Span(f"since {words.date_time(row.since)}", "dim"),),
    ]
    if row.attempt > 1:
        parts.append((Span(f"attempt {row.attempt:,}", "backoff"),))
    if row.pid is not None:
        parts.append((Span(f"pid {row.pid}"),))
    if row.rss is not None:
        parts.append((Span(f"{words.size(row.rss)} resident"),))
    return [*parts, (Span(f"on {clean_name(row.worker)}", "dim"),)]


def _over(one: Attempt) -> list[Line]:
    span = f"{words.date_time(one.started)} – {words.clock_time(one.ended)}"
    parts: list[Line] = [
        (_result(one),),
        (Span(f"took {words.took(one.ended - one.started)}"),),
        (Span(span, "dim"),),
    ]
    lines = (first_line(one.exit), first_line(one.detail))
    parts += [(Span(line),) for line in lines if line]
    if one.peak_memory is not None:
        parts.append((Span(f"{words.size(one.peak_memory)} at most"),))
    if one.cpu_seconds is not None:
        parts.append((Span(f"{words.took(one.cpu_seconds)} CPU"),))
    if one.worker:
        parts.append((Span(f"on {clean_name(one.worker)}", "dim"),))
    return parts


def full_facts(known: Attempt | RunningRow | None, scene: Scene) -> list[Line]:
    """Return all that is known of an attempt."""
    if known is None:
        return [(Span("this attempt is gone", "dim"),)]
    if isinstance(known, RunningRow):
        return running_facts(known, scene)
    word = _RESULTS.get(known.result, clean_name(known.result))
    state = kind_of(known.result).state
    lines = [
        fact("result", Span(f"{state.glyph} {word}", state.style)),
        fact("job", Span(clean(known.task.job))),
        fact("node", Span(clean(known.task.node))),
        fact("started", Span(words.date_time(known.started))),
        fact("ended", Span(words.date_time(known.ended))),
        fact("took", Span(words.took(known.ended - known.started))),
        fact("worker", Span(clean_name(known.worker))),
        fact("invocation", Span(clean_name(known.invocation))),
    ]
    if known.peak_memory is not None:
        peak = Span(words.size(known.peak_memory))
        lines.append(fact("memory", peak, Span(" at most", "dim")))
    if known.cpu_seconds is not None:
        lines.append(fact("CPU time", Span(words.took(known.cpu_seconds))))
    for title, text in (("exit", known.exit), ("detail", known.detail)):
        if text:
            lines += [BLANK, heading(title)]
            lines += [(Span(line),) for line in clean_lines(text)]
    return lines


def _result(known: Attempt) -> Span:
    state: State = kind_of(known.result).state
    word = _RESULTS.get(known.result, clean_name(known.result))
    return Span(f"{state.glyph} {word}", state.style)
