"""The state of every task of a job, in tree order. Pure; looked at in small pieces."""

import hashlib
from array import array
from collections.abc import Generator, Sequence
from itertools import count, islice
from operator import gt

from bistro_tui.engine.ids import JobName, LevelName, NodeName
from bistro_tui.engine.inquiries import JobGrid
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.job_tasks import CODE, RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.places import TOP, Slots
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import shared_reason
from bistro_tui.engine.scheduling.state import State

_SLICE = 5_000
"""Tasks that are looked at between two rests, where a look is a step in C."""
_LOOKS, _LEAVES = 100, 1_000
"""The same where each look goes up the tree, and where it is one in Python."""

_RUNNABLE = bytes([RUNNABLE])
_RESOURCE = bytes([CODE[Reason.RESOURCE]])
_WORKER = bytes([CODE[Reason.WORKER]])


class TreeOrder:
    """The tasks of one level in tree order: each node's followed by the next node's."""

    def __init__(
        self, nodes: tuple[NodeName, ...], slots: Sequence[int] | None, digest: str
    ) -> None:
        self.nodes = nodes
        self.slots = slots
        """Place in tree order → slot; None: they are the same."""
        self.digest = digest
        """Another one for other nodes, or for another order."""


class JobGrids:
    """Remembers the orders of the levels of one tree."""

    def __init__(self) -> None:
        self._tree: NodeTree | None = None
        self._orders: dict[LevelName, TreeOrder] = {}

    def order(self, state: State, level: LevelName) -> Generator[None, None, TreeOrder]:
        """Return the order of a level; each ``yield`` is a rest."""
        tree, slots = state.places.tree, state.places.slots(level)
        if tree is not self._tree:
            self._tree, self._orders = tree, {}
        known = self._orders.get(level)
        if known is None:
            known = yield from _order(tree, slots)
            if tree is self._tree:
                self._orders[level] = known
        return known

    def grid(
        self, state: State, job: JobName
    ) -> Generator[None, None, tuple[JobGrid, TreeOrder] | None]:
        """Return the state of each task of a job; None for one that there is not.

        What changes meanwhile may be in it or not. As counts are: while starts go on,
        a task that is next to start counts as one that lacks a resource.
        """
        tasks = state.jobs.get(job)
        if tasks is None:
            return None
        level = tasks.job.level_for_tasks
        order = yield from self.order(state, level)
        reasons = yield from _reasons(state, tasks, order)
        grid = JobGrid(job=job, level=level, nodes=order.nodes, reasons=reasons)
        return grid, order


def _order(tree: NodeTree, slots: Slots) -> Generator[None, None, TreeOrder]:
    """Return the slots of a level in tree order."""
    leaves, names = slots.leaves, slots.names
    keys: list[Sequence[int]] = [leaves]
    parents = tree.parents
    while max(leaves, default=0) > 0:
        above: list[int] = []
        for at in range(0, len(leaves), _SLICE):
            above += (max(parents[node], 0) for node in leaves[at : at + _SLICE])
            yield
        leaves = above
        keys.append(leaves)
    slot_of: Sequence[int] | None = None
    # By the nodes at the top first; mostly they come in that order.
    is_sorted = True
    for key in keys:
        is_sorted = is_sorted and (yield from _is_rising(key))
    if not is_sorted:
        columns = list(zip(*reversed(keys), strict=True))
        yield
        slot_of = array("i", sorted(range(len(names)), key=columns.__getitem__))
        yield
        names = [names[slot] for slot in slot_of]
    digest = hashlib.blake2b(digest_size=9)
    for at in range(0, len(names), _SLICE):
        text = "\0".join(names[at : at + _SLICE]) + "\0"
        digest.update(text.encode(errors="surrogatepass"))
        yield
    return TreeOrder(tuple(names), slot_of, digest.hexdigest())


def _is_rising(numbers: Sequence[int]) -> Generator[None, None, bool]:
    for at in range(0, len(numbers), _SLICE):
        some = numbers[at : at + _SLICE + 1]
        if any(map(gt, some, some[1:])):
            return False
        yield
    return True


def _reasons(
    state: State, tasks: JobTasks, order: TreeOrder
) -> Generator[None, None, bytes]:
    """Return a byte for each task, the place of its reason among all of them."""
    closed = state.closed()
    if closed is not None:
        table = bytearray(range(256))
        table[RUNNABLE] = table[CODE[Reason.RECOVERING]] = CODE[closed.reason]
        found = tasks.standing.translate(table)
    elif _may_lack_the_worker(tasks):
        found = yield from _told_apart(state, tasks)
    else:
        found = tasks.standing.replace(_RUNNABLE, _RESOURCE)
    yield
    if order.slots is None:
        return bytes(found)
    moved = bytearray()
    for at in range(0, len(order.slots), _SLICE):
        moved += bytes(map(found.__getitem__, order.slots[at : at + _SLICE]))
        yield
    return bytes(moved)


def _may_lack_the_worker(tasks: JobTasks) -> bool:
    """Return whether some candidates may lack nothing but the worker."""
    worker = tasks.demand.worker_room
    is_full = worker is not None and not worker.fits(TOP)
    return is_full and not any(room.fits_nowhere for room in tasks.demand.rooms)


def _told_apart(state: State, tasks: JobTasks) -> Generator[None, None, bytearray]:
    """Return the standings, where candidates lack a resource of a node or the worker.

    What cannot be told in one go is told of the standings of its beginning.
    """
    found = tasks.standing.replace(_RUNNABLE, _WORKER)
    is_odd = not all(room.ever_fits for room in tasks.demand.rooms)
    if is_odd or tasks.slots.replicas:
        yield from _look_at_each(state, tasks, found)
    else:
        yield from _look_below_full(state, tasks, found)
    return found


def _look_at_each(
    state: State, tasks: JobTasks, found: bytearray
) -> Generator[None, None, None]:
    """Find who lacks a resource of a node: it takes long, and is rarely needed."""
    places, slot = state.places, found.find(_WORKER)
    for looks in count(1):
        if slot < 0 or state.places is not places:
            return
        if shared_reason(state, tasks, slot) is not Reason.WORKER:
            found[slot] = CODE[Reason.RESOURCE]
        if looks % _LOOKS == 0:
            yield
        slot = found.find(_WORKER, slot + 1)


def _look_below_full(
    state: State, tasks: JobTasks, found: bytearray
) -> Generator[None, None, None]:
    """The same, where each slot is one node and nothing was given away."""
    slot_at = state.places.slot_at
    full = [(at, state.accounts.full_for(r)) for at, r in enumerate(tasks.demand.rooms)]
    for step, nodes in full:
        is_leaf = step == 0 and not tasks.demand.first_up
        for node in nodes:
            leaves = iter((node,)) if is_leaf else tasks.layout.leaves(node)
            while some := [slot_at[leaf] for leaf in islice(leaves, _LEAVES)]:
                for slot in some:
                    if found[slot] == _WORKER[0]:
                        found[slot] = _RESOURCE[0]
                yield
