"""What a policy is told, and what it answers."""

from collections.abc import Collection, Sequence
from typing import Protocol

from bistro_tui.engine.ids import JobName


class Contender(Protocol):
    """One job as a policy sees it; the numbers are those of the moment.

    It is the same object as long as its config is the same, hashed by identity.
    """

    @property
    def name(self) -> JobName:
        """The name of the job."""
        ...

    @property
    def priority(self) -> float:
        """The job's priority; any number."""
        ...

    @property
    def candidates(self) -> int:
        """How many of its tasks only wait for room or their turn."""
        ...

    @property
    def last_start(self) -> int:
        """Serial of its newest start among those of all jobs; 0 before the first."""
        ...


class Policy(Protocol):
    """Chooses which job is next. One is made for each scheduler that uses it."""

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Take note of all jobs that can ever be chosen, in the order of the config.

        Called at first, and whenever one of them was added, changed or removed.
        """
        ...

    def choose(self, waiting: Collection[Contender]) -> Contender:
        """Return the job of ``waiting``, which is not empty, that is next."""
        ...

    def started(self, job: Contender) -> None:
        """Take note that a task of ``job`` starts."""
        ...

    def changed(self, job: Contender) -> None:
        """Take note that ``job`` has other candidates now, by more than a start."""
        ...
