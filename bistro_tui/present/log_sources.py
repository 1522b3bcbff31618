"""Whose logs there are to choose from: all tasks, those that run, those that ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from bistro_tui.engine.view import EndedRow, RunningRow, Snapshot, TaskId
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.palette import READY_STATE, RUNNING_STATE, State, state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One line of the list of logs."""

    task: TaskId | None
    """None: all tasks."""
    row: RunningRow | EndedRow | None = None
    """None for all tasks, and for a task that neither runs nor ended lately."""
    running: int = 0
    """How many tasks run, where it is all of them."""


def sources(snapshot: Snapshot, chosen: TaskId | None) -> list[Source]:
    """Return all tasks together, running tasks oldest first, then the newest ended.

    Each task is there once. ``chosen`` is there in any case.
    """
    found: dict[TaskId | None, Source] = {
        None: Source(task=None, running=len(snapshot.running))
    }
    for row in snapshot.running:
        found.setdefault(row.task, Source(task=row.task, row=row))
    for ended in snapshot.ended:
        found.setdefault(ended.task, Source(task=ended.task, row=ended))
    if chosen is not None:
        found.setdefault(chosen, Source(task=chosen))
    return list(found.values())


def _state(source: Source) -> State | None:
    match source.row:
        case RunningRow():
            return RUNNING_STATE
        case EndedRow():
            return state_of(source.row.result)
        case None:
            return None


def _word(source: Source) -> str:
    state = _state(source)
    return "" if state is None else "again" if state is READY_STATE else state.word


def source_text(source: Source) -> str:
    """Return what the filter looks at."""
    return "all tasks" if source.task is None else str(source.task)


def source_fields(source: Source) -> Mapping[str, object]:
    """Return what a filter may name."""
    if source.task is None:
        return {}
    task = source.task
    return {"job": task.job, "node": task.node, "status": _word(source)}


def _glyph(source: Source, width: int, scene: Scene) -> Line:
    if source.task is None:
        return (Span("≡", "accent"),)
    state = _state(source)
    return (Span("·", "dim"),) if state is None else (Span(state.glyph, state.style),)


def _name(source: Source, width: int, scene: Scene) -> Line:
    if source.task is None:
        return (Span("all tasks", "strong"),)
    ink = "" if isinstance(source.row, RunningRow) else "dim"
    return (Span(clean_name(str(source.task)), ink),)


def _age(source: Source, width: int, scene: Scene) -> Line:
    match source.row:
        case RunningRow():
            return (Span(words.age(scene.now - source.row.since), "running"),)
        case EndedRow():
            ago = words.coarse(scene.now - source.row.ended)
            return (Span(f"{_word(source)} {ago}", "dim"),)
        case None:
            text = f"{source.running:,} run" if source.task is None else ""
            return (Span(text, "dim"),)


COLUMNS: tuple[Column[Source], ...] = (
    Column(title="", cell=_glyph, width=1),
    Column(
        title="task", cell=_name, width=12, flex=1, sort=lambda row: source_text(row),
        tight=True,
    ),
    Column(title="time", cell=_age, width=11, right=True, drop=1, tight=True),
)  # fmt: skip
