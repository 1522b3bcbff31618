"""The states by which people look at tasks, in a line that keys walk along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bistro_tui.engine.view import Reason, Snapshot
from bistro_tui.present import words
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    BLOCKED_STATE,
    DONE_STATE,
    FAILED_STATE,
    OFF_STATE,
    READY_STATE,
    RUNNING_STATE,
    State,
    state_of,
)
from bistro_tui.present.spans import Line, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One stop of the line."""

    word: str
    state: State | None = None
    """How its tasks are shown; None where they are in several states."""
    reasons: tuple[Reason | None, ...] = ()
    """What to ask the scheduler for, one after the other; None: all tasks. Empty: it is
    made from snapshots, or by other questions."""


def _of(state: State) -> TaskState:
    reasons = tuple(reason for reason in Reason if state_of(reason) is state)
    return TaskState(word=state.word, state=state, reasons=reasons)


RUNNING: Final = TaskState(word=RUNNING_STATE.word, state=RUNNING_STATE)
ENDED: Final = TaskState(word="ended")
FAILURES: Final = TaskState(word="failures", state=FAILED_STATE)
ALL: Final = TaskState(word="all", reasons=(None,))

STATES: Final[tuple[TaskState, ...]] = (
    RUNNING,
    ENDED,
    FAILURES,
    _of(FAILED_STATE),
    _of(BACKOFF_STATE),
    _of(BLOCKED_STATE),
    _of(READY_STATE),
    _of(DONE_STATE),
    _of(OFF_STATE),
    ALL,
)
"""From left to right."""


def numbers(snapshot: Snapshot) -> Mapping[TaskState, int]:
    """Return how many tasks, or attempts that ended, stand behind each stop."""
    totals = snapshot.totals
    found = {
        state: sum(totals.get(reason, 0) for reason in state.reasons if reason)
        for state in STATES
    }
    found[RUNNING] = len(snapshot.running)
    found[ENDED] = len(snapshot.ended)
    found[FAILURES] = totals.get(Reason.FAILED, 0) + totals.get(Reason.BACKOFF, 0)
    # What the head counts too: it changes with the config alone.
    found[ALL] = sum(job.tasks for job in snapshot.jobs)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a stop stands in the line, for the mouse."""

    state: TaskState
    start: int
    end: int


def state_line(
    chosen: TaskState, counts: Mapping[TaskState, int], width: int
) -> tuple[Line, Sequence[Stop]]:
    """Return the line of states in at most ``width`` cells, and where each stands.

    Where there is no room for words, those that are not chosen go by their glyphs.
    """
    stops: list[tuple[TaskState, Line]] = []
    for form in (_long, _short, _glyphs, _shortest):
        stops = [
            (state, form(state, state is chosen, counts[state])) for state in STATES
        ]
        if 1 + sum(_cells(line) + 1 for _, line in stops) <= width:
            break
    spans: list[Span] = [Span(" ")]
    places: list[Stop] = []
    at = 1
    for state, line in stops:
        cells = _cells(line)
        places.append(Stop(state=state, start=at, end=at + cells))
        spans += [*line, Span(" ")]
        at += cells + 1
    return tuple(spans), places


def _cells(line: Line) -> int:
    # Glyphs of states take one cell each, and the rest is ASCII.
    return sum(len(span.text) for span in line)


def _long(state: TaskState, chosen: bool, number: int) -> Line:
    glyph = f"{state.state.glyph} " if state.state and state is not FAILURES else ""
    return _chip(state, chosen, number, f"{glyph}{state.word} {number:,}", pad=True)


def _short(state: TaskState, chosen: bool, number: int) -> Line:
    glyph = f"{state.state.glyph} " if state.state and state is not FAILURES else ""
    text = f"{glyph}{state.word} {words.count(number)}"
    return _chip(state, chosen, number, text, pad=chosen)


def _glyphs(state: TaskState, chosen: bool, number: int) -> Line:
    text = f"{state.word} {words.count(number)}"
    if not chosen and state.state is not None and state is not FAILURES:
        text = f"{state.state.glyph} {words.count(number)}"
    return _chip(state, chosen, number, text, pad=chosen)


def _shortest(state: TaskState, chosen: bool, number: int) -> Line:
    text = state.word
    if not chosen and state.state is not None and state is not FAILURES:
        text = f"{state.state.glyph}{words.count(number)}"
    return _chip(state, chosen, number, text, pad=False)


def _chip(
    state: TaskState, chosen: bool, number: int, text: str, *, pad: bool = True
) -> Line:
    if pad:
        text = f" {text} "
    if chosen:
        return (Span(text, "chip"),)
    if not number:
        return (Span(text, "faint"),)
    return (Span(text, state.state.style if state.state else "dim"),)
