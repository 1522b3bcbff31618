"""All that matters of one attempt or task, in a line or two."""

from bistro_tui.engine.view import EndedRow, RunningRow
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.palette import RUNNING_STATE, state_of
from bistro_tui.present.spans import Line, Scene, Span, joined
from bistro_tui.present.task_columns import AnyRow, Surroundings
from bistro_tui.present.tasks import (
    Divider,
    first_line,
    result_cell,
    result_word,
    stop_text,
)

_GAP = " · "


def crumb(row: AnyRow | None, width: int) -> Line:
    """Return the way back: where this is, and that Escape leaves it."""
    name = "" if row is None or isinstance(row, Divider) else clean_name(str(row.task))
    hint = " Escape back "
    room = max(4, width - len(hint) - 12)
    name = name if len(name) <= room else name[: room - 1] + "…"
    left = (
        Span("─ ", "rule"),
        Span("Tasks", "dim"),
        Span(" › ", "faint"),
        Span(f"{name} ", "title"),
    )
    taken = sum(len(span.text) for span in left) + len(hint)
    return (*left, Span("─" * max(0, width - taken), "rule"), Span(hint, "dim"))


def facts_line(row: AnyRow | None, around: Surroundings, scene: Scene) -> Line:
    """Return what is known of the row."""
    match row:
        case RunningRow():
            return joined(_running(row, around, scene), _GAP)
        case EndedRow():
            state = state_of(row.result)
            parts: list[Line] = [
                (Span(f"{state.glyph} {result_word(row)}", state.style),),
                (Span(f"took {words.took(row.seconds)}"),),
                result_cell(row, scene),
            ]
            if row.worker:
                parts.append((Span(f"on {clean_name(row.worker)}", "dim"),))
            return joined(parts, _GAP)
        case None | Divider():
            return (Span("it is gone", "dim"),)
        case _:
            state = state_of(row.reason)
            parts = [(Span(f"{state.glyph} {state.word}", state.style),)]
            if row.since is not None:
                parts.append((Span(f"for {words.age(scene.now - row.since)}"),))
            if row.attempts:
                parts.append((Span(words.plural(row.attempts, "attempt")),))
            if row.next_run is not None and row.next_run > scene.now:
                left = words.left(row.next_run - scene.now)
                parts.append((Span(f"next in {left}", "backoff"),))
            if why := first_line(row.why):
                parts.append((Span(why, "dim"),))
            return joined(parts, _GAP)


def _running(row: RunningRow, around: Surroundings, scene: Scene) -> list[Line]:
    age = scene.now - row.since
    parts: list[Line] = []
    if row.stopping:
        parts.append((Span(f"◑ stopping, {stop_text(row, scene.now)}", "blocked"),))
    else:
        parts.append((Span(f"{RUNNING_STATE.glyph} {RUNNING_STATE.word}", "running"),))
    usual = around.medians.get(row.task.job)
    told = Span("" if usual is None else f", usually {words.took(usual)}", "dim")
    parts.append((Span(words.age(age)), told))
    if row.attempt > 1:
        parts.append((Span(f"attempt {row.attempt:,}", "backoff"),))
    if row.pid is not None:
        parts.append((Span(f"pid {row.pid}"),))
    if row.rss is not None:
        parts.append((Span(f"{words.size(row.rss)} resident"),))
    if row.cpu_seconds is not None:
        share = 100 * row.cpu_seconds / max(age, 1.0)
        parts.append(
            (
                Span(f"{words.took(row.cpu_seconds)} CPU"),
                Span(f", {share:.0f} % of a core", "dim"),
            )
        )
    if row.processes is not None:
        parts.append((Span(words.plural(row.processes, "process", "processes")),))
    trouble = around.workers.get(row.worker)
    if trouble is None:
        parts.append((Span(f"on {clean_name(row.worker)}", "dim"),))
    else:
        parts.append((Span("on ", "dim"), trouble.told(row.worker)))
    last = around.last.of(row)
    if last is not None:
        silent = max(0.0, scene.now - last.at)
        said = f"last output {words.ago(silent)}" if last.line else "no output yet"
        mark = around.last.mark(row, scene.now)
        glyph = f"{mark.text} " if mark.text.strip() else ""
        parts.append((Span(f"{glyph}{said}", mark.style or "dim"),))
    return parts
