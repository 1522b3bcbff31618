"""The jobs table: one row a job."""

from bistro_tui.engine.view import JobRow
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
)
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import Tally, tally_bar, tally_of

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


def _name(job: JobRow, width: int, scene: Scene) -> Line:
    style = "strong" if job.enabled and not job.errors else "dim"
    return (Span(clean_name(job.name), style),)


def _state(job: JobRow, width: int, scene: Scene) -> Line:
    state = job_state(job)
    return (Span(f"{state.glyph} {state.word}", state.style),)


def _bar(job: JobRow, width: int, scene: Scene) -> Line:
    return tally_bar(tally_of(job.counts), width, plain=scene.plain)


def _owner(job: JobRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(job.owner), "dim"),)


def _number(number: int, style: str) -> Line:
    return (Span(words.count(number), style),) if number else (Span("·", "faint"),)


def _counted(
    state: State, field: str, *, drop: int = 0, needs: int = 0
) -> Column[JobRow]:
    def cell(job: JobRow, width: int, scene: Scene) -> Line:
        tally: Tally = tally_of(job.counts)
        return _number(getattr(tally, field), state.style)

    return Column(
        title=state.glyph,
        cell=cell,
        width=4,
        right=True,
        drop=drop,
        needs=needs,
        tight=True,
    )


def _of_all(job: JobRow, width: int, scene: Scene) -> Line:
    return (Span(words.count(job.tasks), "dim"),)


def _eta(job: JobRow, width: int, scene: Scene) -> Line:
    if job.eta is None:
        return (Span("·", "faint"),)
    return (Span(words.about(job.eta - scene.now), "dim"),)


COLUMNS: tuple[Column[JobRow], ...] = (
    Column(title="job", cell=_name, width=14, flex=2, most=48),
    Column(title="state", cell=_state, width=10),
    Column(title="tasks", cell=_bar, width=6, flex=2, most=60, drop=2),
    _counted(DONE_STATE, "done"),
    _counted(RUNNING_STATE, "running"),
    _counted(FAILED_STATE, "failed"),
    _counted(BACKOFF_STATE, "backoff", drop=3),
    _counted(BLOCKED_STATE, "blocked", drop=4),
    _counted(READY_STATE, "ready", drop=5),
    _counted(OFF_STATE, "off", needs=80, drop=8),
    Column(title="all", cell=_of_all, width=4, right=True, needs=110, tight=True),
    Column(title="eta", cell=_eta, width=4, right=True, drop=6, tight=True),
    Column(title="owner", cell=_owner, width=7, flex=1, most=24, drop=7),
)
