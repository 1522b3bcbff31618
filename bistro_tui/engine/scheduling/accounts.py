"""Who has how much of which resource left.

Source: Bistro, scheduler/Scheduler (resources by node) and remote worker resources.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.ids import INSTANCE_LEVEL, WORKER_LEVEL, LevelName, ResourceName
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.physical.limits import worker_limits
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP

Amounts: TypeAlias = Mapping[ResourceName, int]

Used: TypeAlias = dict[int, int]
"""How much of one resource is in use, by the number of the account; zeros left out."""

Held: TypeAlias = tuple[tuple[Used, int, int], ...]
"""What one attempt holds: (in which book, under which account, how much)."""


class Room:
    """What one kind of task needs on a node of one level, to be asked again and again.

    Jobs with the same needs share one; it changes with the limits.
    """

    __slots__ = ("checks", "key", "level", "needs")

    def __init__(self, level: LevelName, needs: tuple[int, ...]) -> None:
        self.key = TOP
        """Under which number those wait who wait for it at TOP."""
        self.level = level
        self.needs = needs
        """In the order in which the config lists the resources of the level."""
        self.checks: tuple[tuple[Used, int], ...] = ()
        """For each resource: what is in use, and the most of it that leaves room."""

    def fits(self, account: int) -> bool:
        """Return whether ``account`` has enough left of everything.

        A need of 0 does not fit an overdrawn account either.
        """
        # A generator costs more than all else here.
        for used, most in self.checks:  # noqa: SIM110
            if used.get(account, 0) > most:
                return False
        return True

    @property
    def ever_fits(self) -> bool:
        """Whether an unused account has enough of everything."""
        return all(most >= 0 for _, most in self.checks)

    @property
    def fits_nowhere(self) -> bool:
        """Whether no account has enough, as those in use and those that are not."""
        return any(
            most < min(0, min(used.values(), default=0)) for used, most in self.checks
        )


OPEN = -2
"""Where those wait whom nothing but their turn keeps from starting."""

ALWAYS = Room(INSTANCE_LEVEL, ())
"""The room of those that wait for nothing but their turn."""
ALWAYS.key = OPEN


def add(used: Used, account: int, amount: int) -> None:
    """Take ``amount`` from an account, or give it back if it is negative."""
    left = used.get(account, 0) + amount
    if left:
        used[account] = left
    else:
        del used[account]


class Accounts:
    """One account for each node name of the levels with resources, one for the worker.

    Only what is in use is kept, limits come from the config: so a config edit changes
    limits under running tasks, and what a task gives back is what it took, whatever
    became of its job or its node since then.
    """

    def __init__(self) -> None:
        self._limits: dict[LevelName, dict[ResourceName, int]] = {}
        self._used: dict[ResourceName, Used] = {}
        self._rooms: dict[tuple[LevelName, tuple[int, ...]], Room] = {}

    @property
    def levels(self) -> tuple[LevelName, ...]:
        """The levels whose nodes have accounts; the worker's is not among them."""
        return tuple(level for level in self._limits if level != WORKER_LEVEL)

    @property
    def all_levels(self) -> tuple[LevelName, ...]:
        """The levels with resources, the worker's among them."""
        return tuple(self._limits)

    @property
    def has_worker(self) -> bool:
        """Whether the worker has an account."""
        return WORKER_LEVEL in self._limits

    def set_limits(
        self, settings: Settings, host: HostResources
    ) -> tuple[bool, set[LevelName]]:
        """Take over the limits of ``settings``, and the worker's of its host.

        Returns whether there are other resources now, so that everything that was
        asked of the accounts is void, and else the levels with a limit that changed.
        """
        limits: dict[LevelName, dict[ResourceName, int]] = {
            level: {name: spec.limit for name, spec in resources.items()}
            for level, resources in settings.resources.items()
            if resources
        }
        if WORKER_LEVEL in limits:
            limits[WORKER_LEVEL] = worker_limits(settings, host, LOCAL_WORKER.node)
        known, self._limits = self._limits, limits
        if _names(known) != _names(limits):
            self._used = {name: {} for found in limits.values() for name in found}
            self._rooms = {}
            return True, set()
        changed = {level for level in limits if limits[level] != known[level]}
        for room in self._rooms.values():
            if room.level in changed:
                room.checks = self._checks(room.level, room.needs)
        return False, changed

    def room(self, level: LevelName, needs: Amounts) -> Room | None:
        """Return what a task with ``needs`` needs on ``level``, None for no account."""
        limits = self._limits.get(level)
        if limits is None:
            return None
        amounts = tuple(needs.get(name, 0) for name in limits)
        room = self._rooms.get((level, amounts))
        if room is None:
            room = self._rooms[level, amounts] = Room(level, amounts)
            room.checks = self._checks(level, amounts)
        return room

    def open_room(self, level: LevelName) -> Room:
        """Return the room of a level where nothing can run out."""
        return self._rooms.setdefault((level, ()), Room(level, ()))

    def keep_rooms(self, rooms: Iterable[Room]) -> None:
        """Forget all rooms but these, which are all that anyone still asks."""
        kept = set(rooms)
        self._rooms = {key: room for key, room in self._rooms.items() if room in kept}

    def _checks(
        self, level: LevelName, needs: tuple[int, ...]
    ) -> tuple[tuple[Used, int], ...]:
        return tuple(
            (self._used[name], limit - need)
            for (name, limit), need in zip(
                self._limits[level].items(), needs, strict=True
            )
        )

    def takes(self, level: LevelName, needs: Amounts) -> tuple[tuple[Used, int], ...]:
        """Return what a task with ``needs`` takes on ``level``: (book, amount) each."""
        return tuple(
            (self._used[name], needs[name])
            for name in self._limits.get(level, ())
            if needs.get(name)
        )

    def needs(self, level: LevelName, needs: Amounts) -> Amounts:
        """Return what a task with ``needs`` asks for on ``level``, zeros included."""
        return {name: needs.get(name, 0) for name in self._limits.get(level, ())}

    def retake(self, everything: Iterable[Held]) -> None:
        """Begin the books anew with what is held."""
        for used in self._used.values():
            used.clear()
        for held in everything:
            for used, account, amount in held:
                add(used, account, amount)

    def shortage(
        self, level: LevelName, account: int, needs: Amounts
    ) -> ResourceName | None:
        """Return the first resource that ``account`` has too little of, if any."""
        for resource, limit in self._limits.get(level, {}).items():
            if needs.get(resource, 0) > limit - self._used[resource].get(account, 0):
                return resource
        return None

    def usage(
        self, level: LevelName, account: int
    ) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of an account, as the config orders them."""
        return tuple(
            (resource, self._used[resource].get(account, 0), limit)
            for resource, limit in self._limits.get(level, {}).items()
        )

    def sums(
        self, level: LevelName, number: int
    ) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of the ``number`` accounts of a level."""
        return tuple(
            (resource, sum(self._used[resource].values()), number * limit)
            for resource, limit in self._limits.get(level, {}).items()
        )

    def book(self, resource: ResourceName) -> Used:
        """Return what is in use of one resource, by account."""
        return self._used[resource]

    def full_for(self, room: Room) -> set[int]:
        """Return the accounts in use that ``room`` does not fit."""
        return {
            account
            for used, most in room.checks
            for account, amount in used.items()
            if amount > most
        }

    def in_use(self) -> dict[ResourceName, dict[int, int]]:
        """Return everything that is in use; empty when all was given back."""
        return {name: dict(used) for name, used in self._used.items() if used}


def _names(
    limits: Mapping[LevelName, Mapping[ResourceName, int]],
) -> dict[LevelName, tuple[ResourceName, ...]]:
    return {level: tuple(resources) for level, resources in limits.items()}
