"""What the tasks of one job need, and from which accounts."""

from collections.abc import Mapping, Sequence

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName
from bistro_tui.engine.scheduling.accounts import Accounts, Amounts, Room, Used
from bistro_tui.engine.scheduling.layout import Holders, Layout


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
    )

    def __init__(
        self, job: Job, layout: Layout, holders: Holders, accounts: Accounts
    ) -> None:
        self.up: Sequence[int] = layout.up
        self.above = holders.above
        """Of a node with an account: itself and all such above it, at last TOP."""
        self.first_up = not layout.leaf_has_account
        """Whether the leaves themselves have no account."""
        levels = (*holders.levels_above(layout), WORKER_LEVEL)
        rooms = [accounts.room(level, job.resources) for level in levels[:-1]]
        self.rooms: tuple[Room, ...] = tuple(room for room in rooms if room is not None)
        """One for each account of a leaf, its own first, then upwards: its *step*."""
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
