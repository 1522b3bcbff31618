"""Who holds a resource of a node, and who lacks it. Pure; looked at in small pieces."""

from array import array
from collections.abc import Generator, Sequence
from itertools import islice
from typing import TypeAlias

from bistro_tui.engine.ids import (
    WORKER_LEVEL,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.inquiries import (
    MOST_HOLDERS,
    MOST_WAITING,
    Claims,
    Holding,
    Waiting,
)
from bistro_tui.engine.scheduling.accounts import Used
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.job_tasks import RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP, Place, Places
from bistro_tui.engine.scheduling.state import State

Pieces: TypeAlias = Generator[None, None, Claims | None]
"""Each ``yield`` is where others may have their turn."""

_SLICE = 500
"""Tasks that are looked at between two rests: some tenths of a millisecond."""
_AT_ONCE = 5_000
"""The same where a look is a step in C."""


def claims_of(state: State, node: NodeName, resource: ResourceName) -> Pieces:
    """Return the claims on a resource of a node; None if it has no such resource.

    Tasks that wait are those that nothing of their own keeps from starting, but that
    lack this resource of this node, be it the first that they lack or not. What changes
    while they are counted may be counted or not.
    """
    level = _level_of(state, resource)
    if level == WORKER_LEVEL and state.workers.is_reported:
        return (yield from _of_worker(state, node, resource))
    nodes = _nodes(state, level, node) if level is not None else ()
    if level is None or not nodes:
        return None
    used, limit = next(
        (used, limit) for name, used, limit in state.usage(nodes[0]) if name == resource
    )
    account = nodes[0] if nodes[0] == TOP else state.places.account(nodes[0])
    places = state.places
    holders = yield from _holders(state, state.accounts.book(resource), account)
    waiters: list[Waiting] = []
    below: dict[LevelName, Sequence[int] | None] = {}
    for tasks in tuple(state.jobs.values()):
        need = tasks.job.resources.get(resource, 0)
        is_lacking = need > limit - used and level in tasks.demand.needs
        if not is_lacking or not tasks.candidates:
            continue
        own = tasks.job.level_for_tasks
        if own not in below:
            below[own] = yield from _slots_below(tasks, level, nodes, places)
        number, first = yield from _waiting(tasks, below[own])
        if number:
            task = TaskId(tasks.name, tasks.slots.names[first])
            waiters.append(Waiting(job=tasks.name, need=need, tasks=number, first=task))
        yield
    return Claims(
        node=node,
        resource=resource,
        used=used,
        limit=limit,
        holders=holders,
        waiters=tuple(sorted(waiters, key=lambda one: -one.tasks)),
    )


def _of_worker(state: State, shard: NodeName, resource: ResourceName) -> Pieces:
    """Return the claims on a resource of a worker that was reported.

    Tasks that have room on another worker do not wait for this one, nor do those that
    may not use it.
    """
    worker = state.workers.by_shard.get(shard)
    usage = () if worker is None else state.workers.usage(worker)
    found = [(used, limit) for name, used, limit in usage if name == resource]
    if worker is None or not found:
        return None
    ((used, limit),) = found
    book = state.accounts.book(resource)
    holders = yield from _holders(state, book, worker.account)
    waiters: list[Waiting] = []
    for tasks in tuple(state.jobs.values()):
        need = tasks.job.resources.get(resource, 0)
        room = tasks.demand.pooled
        if need <= limit - used or room is None or not tasks.candidates:
            continue
        slots: Sequence[int] | None = None
        if room.is_by_node:
            place = Place(room.level, NodeName(worker.host))
            nodes = state.places.nodes_of(place)
            is_lacking = any(
                room.among(node) & worker.bit and not room.mask(node) for node in nodes
            )
            if is_lacking:
                slots = yield from _slots_below(tasks, room.level, nodes, state.places)
        else:
            is_lacking = bool(room.accepted & worker.bit) and not room.mask(TOP)
        if is_lacking:
            number, first = yield from _waiting(tasks, slots)
            if number:
                task = TaskId(tasks.name, tasks.slots.names[first])
                waiters.append(
                    Waiting(job=tasks.name, need=need, tasks=number, first=task)
                )
        yield
    return Claims(
        node=shard,
        resource=resource,
        used=used,
        limit=limit,
        holders=holders,
        waiters=tuple(sorted(waiters, key=lambda one: -one.tasks)),
    )


def _level_of(state: State, resource: ResourceName) -> LevelName | None:
    """Return the one level that has that resource."""
    settings = state.config.settings if state.config is not None else None
    levels = settings.resources.items() if settings is not None else ()
    return next((level for level, specs in levels if resource in specs), None)


def _nodes(state: State, level: LevelName, node: NodeName) -> tuple[int, ...]:
    """Return the nodes of that name on that level: replicas share their resources."""
    if Place(level, node) == LOCAL_WORKER:
        return (TOP,)
    return state.places.nodes_of(Place(level, node))


def _holders(
    state: State, book: Used, account: int
) -> Generator[None, None, tuple[Holding, ...]]:
    found: list[Holding] = []
    left = book.get(account, 0)
    for number, one in enumerate((*state.leftovers, *state.attempts), 1):
        if number % _SLICE == 0:
            yield
        if left <= 0 or len(found) == MOST_HOLDERS:
            break
        if isinstance(one, Attempt) and one.ended:
            continue
        amount = _held(state, one, book, account)
        if amount > 0:
            found.append(Holding(task=one.task, amount=amount))
            left -= amount
    return tuple(found)


def _held(state: State, one: Attempt | Leftover, book: Used, account: int) -> int:
    if isinstance(one, Leftover) or one.held is not None:
        held = state.held(one)
        return sum(
            amount for used, at, amount in held if used is book and at == account
        )
    # Most are of this kind, and there may be a hundred thousand.
    for step, used, amount in one.demand.takes:
        if used is book and one.accounts[step] == account:
            return amount
    return 0


def _slots_below(
    tasks: JobTasks, level: LevelName, nodes: tuple[int, ...], places: Places
) -> Generator[None, None, Sequence[int] | None]:
    """Return the slots of a job's level at or below these nodes; None: all of them."""
    if nodes[0] in (TOP, 0):
        # All of the tree is below its first node.
        return None
    slot_at = places.slot_at
    if tasks.job.level_for_tasks == level:
        return (slot_at[nodes[0]],)
    found: dict[int, None] = {}
    for node in nodes:
        leaves = tasks.layout.leaves(node)
        while some := [slot_at[leaf] for leaf in islice(leaves, _SLICE)]:
            found.update(dict.fromkeys(some))
            yield
    return array("i", sorted(found))


def _waiting(
    tasks: JobTasks, slots: Sequence[int] | None
) -> Generator[None, None, tuple[int, int]]:
    """Return how many tasks of a job wait in these slots, and the first slot of all."""
    standing = tasks.standing
    if slots is None:
        return min(tasks.candidates, MOST_WAITING), standing.find(RUNNABLE)
    number, first = 0, -1
    for at in range(0, len(slots), _AT_ONCE):
        some = slots[at : at + _AT_ONCE]
        # In C: there may be a hundred thousand, for each of fifty jobs.
        found = bytes(map(standing.__getitem__, some))
        if first < 0 and (place := found.find(RUNNABLE)) >= 0:
            first = some[place]
        number += found.count(RUNNABLE)
        if number >= MOST_WAITING:
            break
        yield
    return min(number, MOST_WAITING), first
