"""The jobs table: one row a job."""

from collections.abc import Mapping
from typing import Final

from bistro_tui.engine.view import JobRow, Reason
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
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
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import STATES, tally_bar, tally_of

_INVALID = State(glyph="⚠", word="invalid", style="failed", mark="!")
_DISABLED = State(glyph="⊘", word="disabled", style="off", mark="-")
_REMOVED = State(glyph="⊘", word="removed", style="off", mark="-")
_NO_TASKS = State(glyph="·", word="no tasks", style="off", mark="-")


def job_state(job: JobRow) -> State:
    """Return the one state that says most about a job."""
    if job.errors:
        return _INVALID
    if not job.in_config:
        return _REMOVED
    if not job.enabled:
        return _DISABLED
    tally = tally_of(job.counts)
    if job.tasks == 0:
        return _NO_TASKS
    by_need = (
        (tally.running, RUNNING_STATE),
        (tally.ready, READY_STATE),
        (tally.backoff, BACKOFF_STATE),
        (tally.blocked, BLOCKED_STATE),
        (tally.failed, FAILED_STATE),
        (tally.done, DONE_STATE),
    )
    return next((state for number, state in by_need if number), OFF_STATE)


def job_text(job: JobRow) -> str:
    """Return what the filter looks at."""
    return f"{job.name} {job.owner}"


def job_fields(job: JobRow) -> Mapping[str, object]:
    """Return what a filter may name."""
    return {
        "job": job.name,
        "owner": job.owner,
        "level": job.level,
        "status": job_state(job).word,
        "priority": job.priority,
        "tasks": job.tasks,
    }


def _name(job: JobRow, width: int, scene: Scene) -> Line:
    style = "strong" if job.enabled and not job.errors else "dim"
    name = Span(clean_name(job.name), style)
    if not job.differs:
        return (name,)
    # Schedulers that are shown as one do not agree about this job, or lack it.
    sign = Span("≠ ", "warning") if job.mixed else Span("⊂ ", "dim")
    return (sign, name)


def _state(job: JobRow, width: int, scene: Scene) -> Line:
    state = job_state(job)
    return (Span(f"{state.glyph} {state.word}", state.style),)


def _bar(job: JobRow, width: int, scene: Scene) -> Line:
    return tally_bar(tally_of(job.counts), width, plain=scene.plain)


def _owner(job: JobRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(job.owner), "dim"),)


def _number(number: int, style: str) -> Line:
    return (Span(words.count(number), style),) if number else (Span("·", "faint"),)


_REASONS: Final[Mapping[State, tuple[Reason, ...]]] = {
    state: tuple(reason for reason in Reason if state_of(reason) is state)
    for state in STATES
}


_OFF: Final = _REASONS[OFF_STATE]


def _sum(counts: Mapping[Reason, int], reasons: tuple[Reason, ...]) -> int:
    number = 0
    for reason in reasons:
        number += counts.get(reason, 0)
    return number


def counted(state: State, *, drop: int = 0, needs: int = 0) -> Column[JobRow]:
    """Return the column of how many tasks are in that state."""
    reasons = _REASONS[state]

    def cell(job: JobRow, width: int, scene: Scene) -> Line:
        return _number(_sum(job.counts, reasons), state.style)

    return Column(
        title=state.glyph,
        cell=cell,
        width=4,
        right=True,
        drop=drop,
        needs=needs,
        tight=True,
        sort=lambda job: _sum(job.counts, reasons),
    )


def _of_all(job: JobRow, width: int, scene: Scene) -> Line:
    return (Span(words.count(job.tasks), "dim"),)


def _eta(job: JobRow, width: int, scene: Scene) -> Line:
    is_late = job.eta is not None and job.eta <= scene.now
    if job.eta is None or (is_late and not job.counts.get(Reason.RUNNING)):
        # What was expected by now and does not run may be a long time yet.
        return (Span("·", "faint"),)
    return (Span(words.about(job.eta - scene.now), "dim"),)


def _share_done(job: JobRow) -> float | None:
    owed = job.tasks - _sum(job.counts, _OFF)
    return job.counts.get(Reason.DONE, 0) / owed if owed else None


_STATE_ORDER: Final[Mapping[str, int]] = {
    state.word: place
    for place, state in enumerate(
        (
            _INVALID,
            FAILED_STATE,
            BACKOFF_STATE,
            BLOCKED_STATE,
            RUNNING_STATE,
            READY_STATE,
            DONE_STATE,
            _NO_TASKS,
            OFF_STATE,
            _DISABLED,
            _REMOVED,
        )
    )
}

NAME: Final[Column[JobRow]] = Column(
    title="job",
    cell=_name,
    width=14,
    flex=2,
    most=48,
    sort=lambda job: job.name.casefold(),
)
STATE: Final[Column[JobRow]] = Column(
    title="state",
    cell=_state,
    width=10,
    sort=lambda job: _STATE_ORDER[job_state(job).word],
)
BAR: Final[Column[JobRow]] = Column(
    title="tasks", cell=_bar, width=6, flex=2, most=60, drop=2, sort=_share_done
)
ALL: Final[Column[JobRow]] = Column(
    title="all",
    cell=_of_all,
    width=4,
    right=True,
    needs=110,
    tight=True,
    sort=lambda job: job.tasks,
)
ETA: Final[Column[JobRow]] = Column(
    title="eta",
    cell=_eta,
    width=4,
    right=True,
    drop=6,
    tight=True,
    sort=lambda job: job.eta,
)
OWNER: Final[Column[JobRow]] = Column(
    title="owner",
    cell=_owner,
    width=7,
    flex=1,
    most=24,
    drop=7,
    sort=lambda job: job.owner.casefold() or None,
)
COUNTS: Final[tuple[Column[JobRow], ...]] = (
    counted(DONE_STATE),
    counted(RUNNING_STATE),
    counted(FAILED_STATE),
    counted(BACKOFF_STATE, drop=3),
    counted(BLOCKED_STATE, drop=4),
    counted(READY_STATE, drop=5),
    counted(OFF_STATE, needs=80, drop=8),
)

COLUMNS: Final[tuple[Column[JobRow], ...]] = (
    NAME,
    STATE,
    BAR,
    *COUNTS,
    ALL,
    ETA,
    OWNER,
)
"""Of the overview."""
