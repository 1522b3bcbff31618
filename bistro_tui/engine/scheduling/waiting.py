"""Who waits for room, and where.

The unit that waits is all that a job has below one node: one entry, whatever the
number of its tasks.
"""

from collections.abc import Collection, Iterator
from itertools import chain
from typing import TypeAlias

from bistro_tui.engine.scheduling.accounts import Room
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.places import TOP

_FEW, _MANY = 16, 64
"""Where few wait, policies look at each of them; where many do, no one counts them."""

Waiters: TypeAlias = tuple[Room, JobTasks] | dict[Room, dict[JobTasks, None]]
"""One that waits alone, which takes a tenth of the memory; or many, by their needs."""


class AnyOf(Collection[JobTasks]):
    """The jobs of several collections as one, each once; they may change meanwhile."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Collection[Collection[JobTasks]]) -> None:
        self._parts = parts

    def __contains__(self, job: object) -> bool:
        # A generator costs more than all else here.
        for part in self._parts:  # noqa: SIM110
            if job in part:
                return True
        return False

    def __iter__(self) -> Iterator[JobTasks]:
        return iter(dict.fromkeys(chain.from_iterable(self._parts)))

    def __len__(self) -> int:
        """Return how many there are, exactly of a few; of many, that they are many."""
        number = 0
        for part in self._parts:
            number += len(part)
            if number > _MANY:
                return number
        return number if number > _FEW else len(set(chain.from_iterable(self._parts)))


class Waiting:
    """Waiting jobs by node, and there by what they need."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at: dict[int, Waiters] = {}
        """By node, below zero what is above them all; the first to come first."""

    def add(self, node: int, room: Room, job: JobTasks) -> None:
        """Let ``job`` wait for ``room`` at ``node``; TOP means where the room says."""
        key = node if node != TOP else room.key
        waiters = self.at.get(key)
        if waiters is None:
            self.at[key] = (room, job)
            return
        if isinstance(waiters, tuple):
            waiters = self.at[key] = {waiters[0]: {waiters[1]: None}}
        if room in waiters:
            waiters[room][job] = None
        else:
            waiters[room] = {job: None}

    def remove(self, node: int, room: Room, job: JobTasks) -> None:
        """End what ``add`` began."""
        key = node if node != TOP else room.key
        waiters = self.at[key]
        if isinstance(waiters, tuple):
            del self.at[key]
            return
        jobs = waiters[room]
        del jobs[job]
        if not jobs:
            del waiters[room]
            if not waiters:
                del self.at[key]

    def entries(self) -> Iterator[tuple[int, Room, JobTasks]]:
        """Return every entry: the node, what is needed there, and who needs it."""
        for node, waiters in self.at.items():
            if isinstance(waiters, tuple):
                yield (node, *waiters)
            else:
                for room, jobs in waiters.items():
                    for job in jobs:
                        yield node, room, job
