"""The columns of the page of jobs: what the overview has, and pace and plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bistro_tui.engine.view import JobName, JobRow, Snapshot
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.job_pace import Pace, next_retries
from bistro_tui.present.job_page import rate
from bistro_tui.present.jobs import ALL, BAR, COUNTS, ETA, NAME, OWNER, STATE
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column

_NOTHING: Line = (Span("·", "faint"),)


@dataclass(slots=True)
class Ledger:
    """What is known of jobs beside their rows."""

    pace: Pace = field(default_factory=Pace)
    retries: Mapping[JobName, float] = field(default_factory=dict)
    now: float = 0.0

    def look(self, snapshot: Snapshot, now: float) -> None:
        """Take note of a new snapshot."""
        self.now = now
        self.pace.look(snapshot.jobs, now)
        self.retries = next_retries(snapshot.ended, snapshot.running, now)

    def columns(self) -> Sequence[Column[JobRow]]:
        """Return the columns; they show what is known when they are drawn."""
        bar = replace(BAR, flex=4, most=100)
        return (
            NAME,
            STATE,
            bar,
            *COUNTS,
            ALL,
            self._pace_column(),
            self._next_column(),
            replace(ETA, width=5),
            _PRIORITY,
            _LEVEL,
            replace(OWNER, drop=10),
        )

    def _pace_column(self) -> Column[JobRow]:
        def per_minute(job: JobRow) -> float | None:
            return self.pace.per_minute(job, self.now)

        def cell(job: JobRow, width: int, scene: Scene) -> Line:
            number = self.pace.per_minute(job, scene.now)
            return (Span(rate(number), "dim"),) if number else _NOTHING

        return Column(
            title="/min",
            cell=cell,
            width=5,
            right=True,
            drop=9,
            needs=84,
            tight=True,
            sort=per_minute,
        )

    def _next_column(self) -> Column[JobRow]:
        def cell(job: JobRow, width: int, scene: Scene) -> Line:
            due = self.retries.get(job.name)
            if due is None or due <= scene.now:
                return _NOTHING
            return (Span(words.left(due - scene.now), "backoff"),)

        return Column(
            title="next",
            cell=cell,
            width=6,
            right=True,
            drop=8,
            needs=78,
            tight=True,
            sort=lambda job: self.retries.get(job.name),
        )


def _priority(job: JobRow, width: int, scene: Scene) -> Line:
    return (Span(f"{words.number(job.priority)}", "dim"),)


def _level(job: JobRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(job.level), "dim"),)


_PRIORITY: Column[JobRow] = Column(
    title="prio",
    cell=_priority,
    width=5,
    right=True,
    drop=12,
    needs=96,
    tight=True,
    sort=lambda job: job.priority,
)
_LEVEL: Column[JobRow] = Column(
    title="level",
    cell=_level,
    width=8,
    drop=11,
    needs=100,
    sort=lambda job: job.level,
)
