"""What a run came to, for the summary and the exit code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.progress import JobProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The whole run at its end."""

    jobs: Mapping[JobName, JobProgress]
    """The owed tasks by status at the end, whenever that was reached."""
    started: int
    """Attempts of this run."""
    seconds: float
    ended_by_itself: bool
    """False: stopped from outside before nothing was left to do."""
    problems: tuple[str, ...] = ()
    """Why the result is not complete although nothing failed: a bad config, …."""
    invalid: frozenset[JobName] = frozenset()
    """Enabled jobs that did not run because of their own errors."""
    blockers: Mapping[JobName, str] = field(default_factory=dict)
    """What kept the blocked tasks of jobs from running."""
    lost: str = ""
    """Why something could not be stored at the end; empty when everything was."""

    @property
    def done(self) -> int:
        """Owed tasks that are done."""
        return sum(job.done for job in self.jobs.values())

    @property
    def failed(self) -> int:
        """Owed tasks that failed for good."""
        return sum(job.failed for job in self.jobs.values())

    @property
    def blocked(self) -> int:
        """Owed tasks that are neither done nor failed."""
        return sum(job.blocked for job in self.jobs.values())

    @property
    def is_complete(self) -> bool:
        """Whether every owed task is done and nothing was in error."""
        return not (self.failed or self.blocked or self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return the document of ``--exit-when-done --json``."""
        rate = self.started / self.seconds if self.seconds > 0 else 0.0
        return {
            "done": self.done,
            "failed": self.failed,
            "blocked": self.blocked,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "tasks_per_second": round(rate, 3),
            "jobs": {
                name: {"done": job.done, "failed": job.failed, "blocked": job.blocked}
                for name, job in self.jobs.items()
            },
        }
