"""What a task lacks, who has it, and when it would be enough."""

from dataclasses import dataclass

from bistro_tui.engine.ids import WORKER_LEVEL, ResourceName, TaskId
from bistro_tui.engine.scheduling.accounts import Amounts, Held, Used
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.scheduling.places import TOP, Place
from bistro_tui.engine.scheduling.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """One resource of one place that a task needs more of than is left."""

    place: Place
    resource: ResourceName
    need: int
    used: int
    limit: int
    holders: tuple[TaskId, ...]
    """Tasks that hold some of it: recovering ones, then running ones, oldest first."""
    amounts: tuple[int, ...]
    """How much each of the holders has."""

    @property
    def name(self) -> str:
        """The resource and where, as people read it."""
        return f"{self.resource} on {place_name(self.place)}"

    @property
    def would_fit_if(self) -> str:
        """Return what has to become true, as the end of a sentence."""
        if self.need > self.limit:
            return f"the limit of {self.name} grows from {self.limit} to {self.need}"
        grown = f"its limit grows to {self.used + self.need}"
        missing = self.need - (self.limit - self.used)
        count = len(self.holders)
        if count == 0:
            return f"{self.name} is given back, or {grown}"
        if count == 1:
            return f"the holder of {self.name} ends, or {grown}"
        if min(self.amounts) >= missing:
            return f"one of the {count} holders of {self.name} ends, or {grown}"
        return f"enough of the {count} holders of {self.name} end, or {grown}"


def place_name(place: Place) -> str:
    """Return what people call ``place``."""
    return f"worker {place.node}" if place.level == WORKER_LEVEL else place.node


class Holdings:
    """Who holds what at the moment, worked out when first asked and then kept."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._found: dict[tuple[int, int], list[tuple[TaskId, int]]] | None = None

    def of(self, used: Used, account: int) -> list[tuple[TaskId, int]]:
        """Return the tasks that hold some of a resource, oldest first."""
        if self._found is None:
            self._found = {}
            for attempt in (*self._state.leftovers, *self._state.attempts):
                for book, at, amount in self._held(attempt):
                    if amount > 0:
                        holder = (attempt.task, amount)
                        self._found.setdefault((id(book), at), []).append(holder)
        return self._found.get((id(used), account), [])

    def _held(self, attempt: Attempt | Leftover) -> Held:
        if isinstance(attempt, Attempt) and attempt.ended:
            return ()
        return self._state.held(attempt)


def find_shortage(
    state: State, node: int, needs: Amounts, holdings: Holdings
) -> Shortage | None:
    """Return the first resource that ``node``, at TOP the worker, has too little of.

    None if all is there.
    """
    resource = state.shortage_at(node, needs)
    if resource is None:
        return None
    used, limit = next(
        (used, limit) for name, used, limit in state.usage(node) if name == resource
    )
    account = node if node == TOP else state.places.account(node)
    holding = holdings.of(state.accounts.book(resource), account)
    return Shortage(
        place=state.places.at(node),
        resource=resource,
        need=needs.get(resource, 0),
        used=used,
        limit=limit,
        holders=tuple(task for task, _ in holding),
        amounts=tuple(amount for _, amount in holding),
    )
