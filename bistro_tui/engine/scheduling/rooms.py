"""Who holds what, who waits for it, and who may have room now."""

from collections.abc import Mapping, Sequence

from bistro_tui.engine.ids import LevelName, NodeName, ResourceName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.accounts import (
    ALWAYS,
    OPEN,
    Accounts,
    Amounts,
    Held,
    Room,
    add,
)
from bistro_tui.engine.scheduling.attempts import Attempt, Attempts
from bistro_tui.engine.scheduling.holding import held_at, recharge
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.layout import Holders
from bistro_tui.engine.scheduling.leftovers import Leftover, Leftovers
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP, Place, Places
from bistro_tui.engine.scheduling.waiting import Waiting
from bistro_tui.engine.scheduling.workers import Workers


class Rooms:
    """The accounts of nodes and workers, what is held of them, and who waits."""

    def __init__(self) -> None:
        self.places = Places(NodeTree(()))
        self.accounts = Accounts()
        self.attempts = Attempts()
        self.leftovers = Leftovers()
        self.waiting = Waiting()
        self.gained: dict[int, None] = {}
        """Nodes at which someone may fit who waits there."""
        self.workers = Workers(self.accounts, self.waiting.at, self.gained)
        self.workers.set_places(self.places)
        self.holders = Holders(self.places, ())

    def hold_anew(self) -> None:
        """Find what each attempt holds in the accounts of now."""
        levels = (*self.accounts.levels, *self.workers.levels)
        self.holders = Holders(self.places, levels)
        recharge(
            self.attempts, self.leftovers, self.places, self.accounts, self.workers
        )

    def held_at(
        self,
        places: Sequence[Place],
        needs: Mapping[LevelName, Amounts],
        worker: NodeName = LOCAL_WORKER.node,
    ) -> Held:
        """Return what one holds that takes ``needs`` at ``places`` and of ``worker``.

        Only where those places are there now.
        """
        return held_at(places, needs, worker, self.places, self.accounts, self.workers)

    def give_back(self, attempt: Attempt) -> None:
        """Give back what ``attempt`` took; note who may have room now."""
        if attempt.held is not None:
            self.give_held(attempt.held)
            if self.workers.is_reported:
                self.workers.move(attempt.worker, -1)
            return
        accounts, at, gained = attempt.accounts, self.waiting.at, self.gained
        is_shared = self.places.account_at is not None
        for step, used, amount in attempt.demand.takes:
            account = accounts[step]
            left = used.get(account, 0) - amount
            if left:
                used[account] = left
            else:
                del used[account]
            if is_shared:
                self.gain(account)
            elif account in at:
                gained[account] = None
        if self.workers.is_reported:
            self.workers.move(attempt.worker, -1)

    def take_held(self, held: Held) -> None:
        """Take what one holds that was not started here."""
        for used, account, amount in held:
            add(used, account, amount)
            if amount < 0 or account < 0:
                self.gain(account)

    def give_held(self, held: Held) -> None:
        """Give that back; note who may have room now."""
        for used, account, amount in held:
            add(used, account, -amount)
            self.gain(account)

    def gain(self, account: int) -> None:
        """Take note that ``account`` may have more left than before."""
        at = self.waiting.at
        if account < 0 and self.workers.is_reported:
            self.workers.look(account)
            return
        if self.places.account_at is None or account < 0:
            if account in at:
                self.gained[account] = None
            return
        for node in self.places.twins(account):
            if node in at:
                self.gained[node] = None

    def show(self, tasks: JobTasks, node: int) -> None:
        """Let ``tasks`` wait at ``node`` no longer, but where it is hidden next."""
        self.waiting.remove(node, tasks.ready.hidden[node], tasks)
        if tasks.ready.show(node) and node != TOP:
            self.open(tasks)

    def wait_for(self, tasks: JobTasks, node: int, room: Room) -> None:
        """Let what of ``tasks`` waits at ``node`` wait for ``room`` there."""
        self.waiting.remove(node, tasks.ready.hidden[node], tasks)
        tasks.ready.hidden[node] = room
        self.waiting.add(node, room, tasks)

    def open(self, tasks: JobTasks) -> None:
        """Let ``tasks``, which nothing hides, have its turn."""
        if TOP in tasks.ready.hidden:
            return
        tasks.ready.hidden[TOP] = ALWAYS
        self.waiting.add(TOP, ALWAYS, tasks)
        self.gained[OPEN] = None

    def shortage_at(self, node: int, needs: Amounts) -> ResourceName | None:
        """Return the first resource that ``node``, or at TOP the worker, lacks."""
        account = node if node < 0 else self.places.account(node)
        return self.accounts.shortage(self.places.level(node), account, needs)

    def usage(self, node: int) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of a node, or at TOP of all workers."""
        if node == TOP and self.workers.is_reported:
            return self.workers.sums()
        account = node if node < 0 else self.places.account(node)
        return self.accounts.usage(self.places.level(node), account)

    def nodes_of(self, attempt: Attempt | Leftover) -> tuple[int, ...]:
        """Return the present nodes that ``attempt`` was started on, instance first."""
        if isinstance(attempt, Attempt) and not attempt.places:
            return self.places.tree.path(attempt.leaf)
        found = (self.places.nodes_of(place) for place in attempt.places)
        return tuple(nodes[0] for nodes in found if nodes)

    def held(self, attempt: Attempt | Leftover) -> Held:
        """Return what a living attempt holds: (book, account, amount) each."""
        if isinstance(attempt, Leftover):
            return attempt.held
        if attempt.held is not None:
            return attempt.held
        return tuple(
            (used, attempt.accounts[step], amount)
            for step, used, amount in attempt.demand.takes
        )

    def full_node(self, tasks: JobTasks, leaf: int) -> int | None:
        """Return the topmost node that is too full for a task on ``leaf``, if any.

        The worker is asked last, and stands for TOP.
        """
        needs = tasks.job.resources
        for node in self.places.tree.path(leaf):
            if self.shortage_at(node, needs) is not None:
                return node
        return TOP if self.lacks_worker(tasks, leaf) else None

    def lacks_worker(self, tasks: JobTasks, leaf: int) -> bool:
        """Return whether no worker takes a task on ``leaf`` at this moment."""
        room = tasks.demand.worker_room
        return room is not None and not room.fits(self.host_node(tasks, leaf))

    def host_node(self, tasks: JobTasks, leaf: int) -> int:
        """Return the node above ``leaf`` whose name is the host it needs, else TOP."""
        demand = tasks.demand
        if demand.worker_step == len(demand.rooms):
            return TOP
        step = demand.worker_step if demand.first_up else demand.worker_step - 1
        return leaf if step < 0 else demand.above(demand.up[leaf])[step]
