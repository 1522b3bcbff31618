"""How the rows beside a chosen node or resource look."""

from bistro_tui.engine.view import RunningRow, TaskId, TaskRow
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_name
from bistro_tui.present.node_detail import (
    DetailRow,
    Holder,
    Said,
    Section,
    Used,
    Waiter,
)
from bistro_tui.present.palette import BLOCKED_STATE, RUNNING_STATE, state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import gauge, use_style
from bistro_tui.present.tasks import stop_text


def section_line(row: Section, width: int) -> Line:
    """Return the line above a group."""
    count = "" if row.count is None else f" {row.count:,}"
    text = clean_name(row.text, limit=40)
    fill = max(0, width - len(text) - len(count) - 4)
    return (
        Span("── ", "faint"),
        Span(text, "head"),
        Span(count, "dim"),
        Span(" " + "─" * fill, "faint"),
    )


def said_line(row: Said) -> Line:
    """Return a sentence."""
    return (Span("  "), Span(clean(row.text), "error" if row.is_error else "dim"))


def _state(row: DetailRow, width: int, scene: Scene) -> Line:
    match row:
        case Used():
            _, used, limit = row.usage
            return gauge(used, limit, min(width, 10), plain=scene.plain)
        case RunningRow() if row.stopping:
            return (Span("◑ stopping", "blocked"),)
        case Holder() if row.running is None:
            return (Span("◑ recovers", "blocked"),) if row.is_recovering else ()
        case Holder() | RunningRow():
            state = RUNNING_STATE
        case Waiter():
            state = BLOCKED_STATE
        case TaskRow():
            state = state_of(row.reason)
        case _:
            return ()
    return (Span(f"{state.glyph} {state.word}", state.style),)


def _what(row: DetailRow, width: int, scene: Scene) -> Line:
    match row:
        case Used():
            return (Span(clean_name(row.usage.resource), "strong"),)
        case Holder():
            return _task(row.holding.task)
        case Waiter():
            first = _task(row.waiting.first)
            more = row.waiting.tasks - 1
            return (
                (*first, Span(f" +{words.count(more)}", "blocked")) if more else first
            )
        case RunningRow() | TaskRow():
            return _task(row.task)
        case _:
            return ()


def _task(task: TaskId) -> Line:
    return (
        Span(clean_name(task.job), "strong"),
        Span("@", "dim"),
        Span(clean_name(task.node)),
    )


def _amount(row: DetailRow, width: int, scene: Scene) -> Line:
    match row:
        case Used():
            _, used, limit = row.usage
            return (Span(f"{used}/{limit}", use_style(used, limit)),)
        case Holder():
            return (Span(words.count(row.holding.amount)),)
        case Waiter():
            return (Span(words.count(row.waiting.need)),)
        case _:
            return ()


def _age(row: DetailRow, width: int, scene: Scene) -> Line:
    since: float | None = None
    style = "running"
    match row:
        case Holder():
            since = None if row.running is None else row.running.since
        case RunningRow():
            since = row.since
        case TaskRow():
            since, style = row.since, "dim"
        case _:
            pass
    return () if since is None else (Span(words.age(scene.now - since), style),)


def _note(row: DetailRow, width: int, scene: Scene) -> Line:
    match row:
        case Used() if row.waiting:
            style = BLOCKED_STATE.style
            text = f"{BLOCKED_STATE.glyph} {words.plural(row.waiting, 'task')}"
            verb = "waits" if row.waiting == 1 else "wait"
            return (Span(text, style), Span(f" {verb} for it", "dim"))
        case Waiter():
            tasks = words.plural(row.waiting.tasks, "task")
            verb = "waits" if row.waiting.tasks == 1 else "wait"
            return (Span(tasks, "blocked"), Span(f" {verb}", "dim"))
        case RunningRow():
            return _process(row, scene)
        case Holder() if row.running is not None:
            return _process(row.running, scene)
        case TaskRow():
            return (Span(clean(row.why), "dim"),)
        case _:
            return ()


def _process(row: RunningRow, scene: Scene) -> Line:
    if row.stopping:
        return (Span(stop_text(row, scene.now), "blocked"),)
    parts = [f"try {row.attempt}"] if row.attempt > 1 else []
    if row.pid is not None:
        parts.append(f"pid {row.pid}")
    if row.rss is not None:
        parts.append(words.size(row.rss))
    return (Span(" · ".join(parts), "dim"),)


COLUMNS: tuple[Column[DetailRow], ...] = (
    Column(title="state", cell=_state, width=10),
    Column(title="task or resource", cell=_what, width=18, flex=2, most=50),
    Column(title="has", cell=_amount, width=5, right=True, tight=True),
    Column(title="time", cell=_age, width=6, right=True, tight=True),
    Column(title="", cell=_note, width=10, flex=3, drop=1),
)
