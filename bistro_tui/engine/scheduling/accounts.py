"""Who has how much of which resource left.

Source: Bistro, scheduler/Scheduler (resources by node) and remote worker resources.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, ResourceName
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, Place

Amounts: TypeAlias = Mapping[ResourceName, int]
Charges: TypeAlias = Mapping[Place, Amounts]
"""What one attempt takes, recorded at its start and given back at its end."""


class Accounts:
    """One account for each place.

    Only what is in use is kept, limits come from the config: so a config edit changes
    limits under running tasks, and what a task gives back is what it took, whatever
    became of its job, its node or the resource since then.
    """

    def __init__(self) -> None:
        self._limits: dict[LevelName, Amounts] = {}
        self._used: dict[Place, dict[ResourceName, int]] = {}

    def set_limits(self, settings: Settings) -> bool:
        """Take over the limits of ``settings``; return whether any is another now."""
        limits: dict[LevelName, Amounts] = {
            level: {name: spec.limit for name, spec in resources.items()}
            for level, resources in settings.resources.items()
            if resources
        }
        override = settings.worker_resources_override.get(LOCAL_WORKER.node)
        if override is not None and WORKER_LEVEL in limits:
            limits[WORKER_LEVEL] = {**limits[WORKER_LEVEL], **override}
        changed = limits != self._limits
        self._limits = limits
        return changed

    def shortage(self, place: Place, needs: Amounts) -> ResourceName | None:
        """Return the first resource of which ``place`` has too little; None if it fits.

        A need of 0 does not fit an overdrawn account either.
        """
        limits = self._limits.get(place.level)
        if limits is None:
            return None
        used = self._used.get(place, {})
        for resource, limit in limits.items():
            if needs.get(resource, 0) > limit - used.get(resource, 0):
                return resource
        return None

    def never_fits(self, level: LevelName, needs: Amounts) -> ResourceName | None:
        """Return a resource that an unused node of ``level`` has too little of."""
        for resource, limit in self._limits.get(level, {}).items():
            if needs.get(resource, 0) > limit:
                return resource
        return None

    def charges(self, places: Iterable[Place], needs: Amounts) -> Charges:
        """Return what a task with ``needs`` takes from each place with resources."""
        return {
            place: {name: needs.get(name, 0) for name in self._limits[place.level]}
            for place in places
            if place.level in self._limits
        }

    def take(self, charges: Charges) -> list[Place]:
        """Take ``charges``; return the places that have more of something now."""
        return self._add(charges, 1)

    def give_back(self, charges: Charges) -> list[Place]:
        """Undo ``take``; return the places that have more of something now."""
        return self._add(charges, -1)

    def usage(self, place: Place) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of a place, as the config orders them."""
        used = self._used.get(place, {})
        return tuple(
            (resource, used.get(resource, 0), limit)
            for resource, limit in self._limits.get(place.level, {}).items()
        )

    def in_use(self) -> Charges:
        """Return everything that is in use; empty when all was given back."""
        return {place: dict(used) for place, used in self._used.items()}

    def _add(self, charges: Charges, sign: int) -> list[Place]:
        gained = []
        for place, amounts in charges.items():
            used = self._used.setdefault(place, {})
            for resource, amount in amounts.items():
                left = used.get(resource, 0) + sign * amount
                if left:
                    used[resource] = left
                else:
                    used.pop(resource, None)
            if not used:
                del self._used[place]
            if any(sign * amount < 0 for amount in amounts.values()):
                gained.append(place)
        return gained
