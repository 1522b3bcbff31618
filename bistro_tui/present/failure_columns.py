"""How groups of failures, and the failures in them, stand in a list."""

from bistro_tui.engine.view import Failure
from bistro_tui.present import words
from bistro_tui.present.clean import clean_log, clean_name
from bistro_tui.present.failures import FailureRow, Group
from bistro_tui.present.palette import BACKOFF_STATE, FAILED_STATE, state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column

_NAMED_JOBS = 3


def _number(row: FailureRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Group):
        return (Span(f"{words.count(len(row.failures))}×", "strong"),)
    return ()


def _states(row: FailureRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Failure):
        state = state_of(row.reason)
        return (Span(f"{state.glyph} {state.word}", state.style),)
    failed = len(row.failures) - row.waiting
    spans: list[Span] = []
    for state, number in ((FAILED_STATE, failed), (BACKOFF_STATE, row.waiting)):
        if number:
            gap = " " if spans else ""
            text = f"{gap}{state.glyph} {words.count(number)}"
            spans.append(Span(text, state.style))
    return tuple(spans)


def _who(row: FailureRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Failure):
        return (Span(clean_name(str(row.task))),)
    jobs = row.jobs
    named = ", ".join(clean_name(job, limit=40) for job in jobs[:_NAMED_JOBS])
    rest = f" +{len(jobs) - _NAMED_JOBS:,}" if len(jobs) > _NAMED_JOBS else ""
    return (Span(named, "strong"), Span(rest, "dim"))


def _age(row: FailureRow, width: int, scene: Scene) -> Line:
    newest = row.newest if isinstance(row, Group) else row.ended
    return (Span(words.coarse(scene.now - newest), "dim"),)


def _words(row: FailureRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Group):
        if row.said:
            return (Span(row.words),)
        return (Span(row.words), Span(" · said nothing", "dim"))
    said = clean_log(row.last_line[:2_000]).strip()
    ended = clean_name(row.exit)
    if said and ended:
        return (Span(f"{ended} · ", "dim"), Span(said, "stderr"))
    return (Span(said, "stderr") if said else Span(ended, "dim"),)


COLUMNS: tuple[Column[FailureRow], ...] = (
    Column(
        title="tasks", cell=_number, width=5, right=True, tight=True,
        sort=lambda row: len(row.failures) if isinstance(row, Group) else None,
    ),
    Column(title="state", cell=_states, width=11, drop=2),
    Column(
        title="job", cell=_who, width=14, flex=1, most=32,
        sort=lambda row: row.jobs[0] if isinstance(row, Group) else row.task.job,
    ),
    Column(
        title="ago", cell=_age, width=3, right=True, drop=3, tight=True,
        sort=lambda row: row.newest if isinstance(row, Group) else row.ended,
    ),
    Column(
        title="last words", cell=_words, width=20, flex=6,
        sort=lambda row: row.words if isinstance(row, Group) else None,
    ),
)  # fmt: skip
