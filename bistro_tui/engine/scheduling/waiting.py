"""Who waits for room, and where.

The unit that waits is all that a job has below one node: one entry, whatever the
number of its tasks.
"""

from bistro_tui.engine.scheduling.accounts import ALWAYS, Room
from bistro_tui.engine.scheduling.job_tasks import JobTasks

OPEN = -2
"""Where those wait whom nothing but their turn keeps from starting."""


class Waiting:
    """Waiting jobs by node, and there by what they need."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at: dict[int, dict[Room, dict[JobTasks, None]]] = {}
        """By node, TOP for the worker; the first to come first."""

    def add(self, node: int, room: Room, job: JobTasks) -> None:
        """Let ``job`` wait for ``room`` at ``node``; ALWAYS means OPEN."""
        key = OPEN if room is ALWAYS else node
        rooms = self.at.get(key)
        if rooms is None:
            self.at[key] = {room: {job: None}}
        elif room in rooms:
            rooms[room][job] = None
        else:
            rooms[room] = {job: None}

    def remove(self, node: int, room: Room, job: JobTasks) -> None:
        """End what ``add`` began."""
        key = OPEN if room is ALWAYS else node
        rooms = self.at[key]
        jobs = rooms[room]
        del jobs[job]
        if not jobs:
            del rooms[room]
            if not rooms:
                del self.at[key]
