"""What the tasks of one job need, and from which accounts."""

from collections.abc import Mapping, Sequence

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName
from bistro_tui.engine.scheduling.accounts import Accounts, Amounts, Room, Used
from bistro_tui.engine.scheduling.layout import Holders, Layout
from bistro_tui.engine.scheduling.worker_rooms import WorkerRoom
from bistro_tui.engine.scheduling.workers import Workers


def host_level(job: Job) -> LevelName | None:
    """Return the level whose nodes are the hosts that the tasks of ``job`` need."""
    level = job.level_for_host_placement
    if job.host_placement or level == WORKER_LEVEL:
        return None
    return level


class Demand:
    """The needs of one job, ready to be looked up from a leaf upwards.

    Attempts keep it over a later edit of their job: they give back what they took. It
    is void once the tree or the set of resources is another.
    """

    __slots__ = (
        "above",
        "checks",
        "first_up",
        "needs",
        "rooms",
        "takes",
        "up",
        "worker_room",
        "worker_step",
    )

    def __init__(
        self,
        job: Job,
        layout: Layout,
        holders: Holders,
        accounts: Accounts,
        workers: Workers,
    ) -> None:
        self.up: Sequence[int] = layout.up
        self.above = holders.above
        """Of a node with an account: itself and all such above it, at last TOP."""
        self.first_up = not layout.leaf_has_account
        """Whether the leaves themselves have no account."""
        levels = (*holders.levels_above(layout), WORKER_LEVEL)
        self.rooms: tuple[Room, ...] = tuple(
            accounts.room(level, job.resources) or accounts.open_room(level)
            for level in levels[:-1]
        )
        """One for each account of a leaf, its own first, then upwards: its *step*."""
        self.worker_step = len(self.rooms)
        """The step whose node says which worker it needs; that of TOP: none does."""
        self.worker_room: Room | None
        """What it needs of a worker; None if it can use any at any time."""
        if workers.is_reported:
            at = host_level(job)
            if at in levels[:-1]:
                self.worker_step = levels.index(at)
            self.worker_room = workers.room(job, at if at in levels[:-1] else None)
        else:
            self.worker_room = accounts.room(WORKER_LEVEL, job.resources)
        self.checks: tuple[tuple[int, Used, int], ...]
        """All rooms in one: the step, what is in use, the most that leaves room."""
        self.takes: tuple[tuple[int, Used, int], ...] = tuple(
            (step, used, amount)
            for step, level in enumerate(levels)
            for used, amount in accounts.takes(level, job.resources)
        )
        """What a task takes: the step, the book, the amount. The worker comes last."""
        amounts = {level: accounts.needs(level, job.resources) for level in levels}
        self.needs: Mapping[LevelName, Amounts] = {
            level: found for level, found in amounts.items() if found
        }
        """The same by level, zeros included."""
        self.relimit()

    @property
    def pooled(self) -> WorkerRoom | None:
        """What it needs of the workers that were reported; None before any was."""
        room = self.worker_room
        return room if isinstance(room, WorkerRoom) else None

    def step(self, room: Room) -> int:
        """Return the step at which one waits who waits for ``room`` below TOP."""
        return self.worker_step if room is self.worker_room else self.rooms.index(room)

    @property
    def all_rooms(self) -> tuple[Room, ...]:
        """All that a task needs, the worker's included."""
        worker = self.worker_room
        return self.rooms if worker is None else (*self.rooms, worker)

    def relimit(self) -> None:
        """Take over the limits that the rooms have now."""
        self.checks = tuple(
            (step, used, most)
            for step, room in enumerate(self.rooms)
            for used, most in room.checks
        )
