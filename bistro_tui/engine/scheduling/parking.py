"""Which job waits for room at which place."""

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.places import Place


class Parking:
    """The parked nodes of all jobs, by the place whose account is short."""

    def __init__(self) -> None:
        self._at: dict[Place, dict[JobName, dict[int, None]]] = {}
        self._places_of: dict[JobName, dict[Place, None]] = {}

    def add(self, place: Place, job: JobName, node: int) -> None:
        """Let ``job`` wait at ``place`` with everything at and below ``node``."""
        self._at.setdefault(place, {}).setdefault(job, {})[node] = None
        self._places_of.setdefault(job, {})[place] = None

    def jobs_at(self, place: Place) -> tuple[JobName, ...]:
        """Return the jobs that wait at ``place``, the first to come first."""
        return tuple(self._at.get(place, ()))

    def take(self, place: Place, job: JobName) -> tuple[int, ...]:
        """End the waiting of ``job`` at ``place``; return the nodes it waited with."""
        jobs = self._at[place]
        nodes = tuple(jobs.pop(job))
        if not jobs:
            del self._at[place]
        places = self._places_of[job]
        del places[place]
        if not places:
            del self._places_of[job]
        return nodes

    def forget(self, job: JobName) -> None:
        """End all waiting of ``job``."""
        for place in tuple(self._places_of.get(job, ())):
            self.take(place, job)
