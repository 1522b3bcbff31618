"""The line above a log: whose it is, what it is narrowed to, whether it follows."""

from dataclasses import dataclass

from bistro_tui.engine.view import Attempt
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.filters import filter_chip
from bistro_tui.present.log_buffer import BOTH, LogBuffer, streams_word
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.cells import line_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """How a log is looked at."""

    has_focus: bool
    following: bool
    is_live: bool
    """Lines may still come."""
    is_silent: bool
    """It does not run and printed nothing."""
    unseen: int
    """Lines that came below while not following."""
    unseen_more: bool
    """There may be still more of them."""
    filter_text: str
    is_looking: bool
    """The store is being searched."""
    note: str
    """What the last key could not do; safe to show."""


def log_title(buffer: LogBuffer, state: LogState, width: int) -> Line:
    """Return the line in ``width`` cells; what does not fit on the right goes first."""
    on = ".on" if state.has_focus else ""
    bar = "━" if state.has_focus else "─"
    left: list[Span] = [
        Span(f"{bar} ", f"rule{on}"),
        Span("Log", f"title{on}"),
        Span(" "),
        *_whose(buffer),
        *_chips(buffer, state),
        Span(" "),
    ]
    for right in (_right(state), _right(state)[:1], ()):
        fill = width - line_cells(tuple(left)) - line_cells(right) - 3
        if fill >= 0 and right:
            end = (Span(" "), *right, Span(f" {bar}", f"rule{on}"))
            return (*left, Span(bar * fill, f"rule{on}"), *end)
    return (*left, Span(bar * max(0, width - line_cells(tuple(left))), f"rule{on}"))


def _whose(buffer: LogBuffer) -> Line:
    spans: list[Span] = []
    if buffer.task is None:
        label = buffer.scope.label
        spans.append(Span(f"all tasks of {label}" if label else "all tasks", "dim"))
        if buffer.is_several:
            spans = [Span(label, "strong"), Span(" merged", "dim")]
    else:
        spans.append(Span(clean_name(str(buffer.task), limit=60), "strong"))
        if buffer.attempt is not None:
            spans += [Span("  "), *_attempt(buffer.attempt)]
        elif buffer.running:
            spans.append(Span("  ● running", "running"))
    if buffer.streams != BOTH:
        spans.append(Span(f"  {streams_word(buffer.streams)} only", "accent"))
    return tuple(spans)


def _attempt(attempt: Attempt) -> Line:
    took = words.took(attempt.ended - attempt.started)
    result = clean_name(attempt.result.replace("_", " "), limit=30)
    return (
        Span(f" attempt of {words.date_time(attempt.started)} ", "chip"),
        Span(f" {result}", "strong"),
        Span(f" after {took}", "dim"),
    )


def _chips(buffer: LogBuffer, state: LogState) -> Line:
    if not state.filter_text:
        return ()
    kept = f" {filter_chip(state.filter_text, 30)} "
    spans = [Span("  "), Span(f"{kept}{len(buffer.shown):,} ", "chip")]
    if buffer.sought.error:
        spans.append(Span(f" {buffer.sought.error}", "failed"))
    if state.is_looking:
        spans.append(Span(" looking further back…", "dim"))
    return tuple(spans)


def _right(state: LogState) -> Line:
    if state.note:
        return (Span(state.note, "warning"),)
    if state.is_silent:
        return (Span("it does not run now", "dim"),)
    if not state.is_live:
        return (Span("it is over", "dim"), Span(" · Escape shows all", "dim"))
    if state.following:
        return (Span("▼ following", "done"),)
    hint = Span(" · space follows", "dim")
    if state.unseen or state.unseen_more:
        more = "+" if state.unseen_more else ""
        news = f"{state.unseen:,}{more} new" if state.unseen else "newer lines"
        return (Span(f"▼ {news}", "warning"), hint)
    return (Span("‖ paused", "dim"), hint)
