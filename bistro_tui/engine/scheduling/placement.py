"""Starting whatever may start, in the policy's order, for a cost that follows starts.

Source: Bistro, scheduler/Scheduler and scheduler/SchedulerPolicy: what would be found
by looking at every job and node again.
"""

from bisect import insort
from collections.abc import Collection, Mapping
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.accounts import ALWAYS, Room
from bistro_tui.engine.scheduling.actions import Action, StartTask
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.demand import Demand
from bistro_tui.engine.scheduling.job_tasks import CODE, JobTasks
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.policies.policy import Policy
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.waiting import OPEN
from bistro_tui.engine.statuses.status import next_backoff

_RUNNING = CODE[Reason.RUNNING]
_UNRANKED = -2


class _Offer(NamedTuple):
    """Room at a node, offered to the job that is to have it by the policy."""

    rank: int
    """Of the best leaf that the job has there: the highest is tried first. Unranked
    where that is not asked: it is the job's only offer, or the order is random."""
    node: int
    serial: int
    """Starts so far when the offer was made: a later one may have changed the turn."""


class Placement:
    """Offers the room that there is to one job at a time until no one can use it.

    Each node with new room is offered to the one job, among those that wait there and
    fit, that is next by the policy. Whether it starts a task or finds that another
    node is too full for it, the offer is made again to who is next then. So a release
    costs the same however many jobs wait, and none is left with room for it.
    """

    def __init__(self, state: State, policy: Policy) -> None:
        self._state = state
        self._policy = policy
        self._at = state.waiting.at
        self._attempts = state.attempts
        self._book = state.book
        self._draw_bits = state.rng.getrandbits
        self._offers: dict[JobTasks, list[_Offer]] = {}
        self._starts: list[Action]
        self._wall: float
        self._second: int
        self._left: int
        self._path: tuple[int, ...]
        """The nodes with accounts on the path of the leaf looked at last, then TOP."""
        self._accounts: tuple[int, ...]
        """Their accounts."""

    def run(self, now: Now, starts: list[Action], steps: int) -> None:
        """Add the starts to ``starts``, in order; all are recorded in the state.

        After about so many ``steps``, each a start or a look at a node that is too
        full, the rest is left for the next run: it stays in ``gained``.
        """
        self._starts = starts
        self._left = steps
        self._wall = now.wall
        self._second = int(now.wall)
        gained = self._state.gained
        while gained and self._left > 0:
            nodes = list(gained)
            gained.clear()
            for group in [nodes] if len(nodes) == 1 else self._apart(nodes):
                if len(group) == 1:
                    self._fill(group[0])
                else:
                    self._share(group)

    def _apart(self, nodes: list[int]) -> Collection[list[int]]:
        """Return ``nodes`` in groups that have no account above them in common.

        Who gets the room in one group is nothing to the others.
        """
        state = self._state
        is_shared = OPEN in nodes or TOP in nodes or state.places.account_at is not None
        if is_shared or state.accounts.has_worker:
            return [nodes]
        up = state.holders.up
        groups: dict[int, list[int]] = {}
        for node in nodes:
            root = node
            while (above := up[root]) != TOP:
                root = above
            if root in groups:
                groups[root].append(node)
            else:
                groups[root] = [node]
        return groups.values()

    def _fill(self, node: int) -> None:
        """Give away the room at one node, which nobody else has a say in."""
        while (job := self._taker(node)) is not None:
            if self._left <= 0:
                self._state.gained[node] = None
                return
            self._try(job, node)

    def _share(self, nodes: list[int]) -> None:
        """Give away the room of several nodes, always to the job that is next."""
        offers, gained = self._offers, self._state.gained
        for node in nodes:
            self._offer(node)
        while offers and self._left > 0:
            job = self._next(offers)
            mine = offers[job]
            offer = mine.pop()
            if not mine:
                del offers[job]
            if job.last_start <= offer.serial:
                self._try(job, offer.node)
            self._offer(offer.node)
            if gained:
                more = tuple(gained)
                gained.clear()
                for node in more:
                    self._offer(node)
        for left in offers.values():
            gained.update((offer.node, None) for offer in left)
        offers.clear()

    def _taker(self, node: int) -> JobTasks | None:
        """Return whose turn it is among those who wait at ``node`` and fit, if any."""
        waiters = self._at.get(node)
        if waiters is None:
            return None
        account_at = self._state.places.account_at
        account = node if account_at is None or node < 0 else account_at[node]
        if isinstance(waiters, tuple):
            return waiters[1] if waiters[0].fits(account) else None
        fitting = self._state.waiting.fitting(node, account)
        return self._next(fitting) if fitting is not None else None

    def _next(self, jobs: Mapping[JobTasks, object]) -> JobTasks:
        if len(jobs) == 1:
            return next(iter(jobs))
        chosen = self._policy.choose(jobs)
        assert isinstance(chosen, JobTasks)
        return chosen

    def _offer(self, node: int) -> None:
        """Offer the room at ``node`` to whom it is for, if it is for anyone."""
        job = self._taker(node)
        if job is None:
            return
        serial = self._state.attempts.starts
        mine = self._offers.get(job)
        if mine is None:
            self._offers[job] = [_Offer(_UNRANKED, node, serial)]
            return
        if job.layout.is_random:
            mine.append(_Offer(_UNRANKED, node, serial))
            return
        if mine[0].rank == _UNRANKED:
            mine[0] = self._ranked(job, mine[0].node, mine[0].serial)
        insort(mine, self._ranked(job, node, serial))

    def _ranked(self, job: JobTasks, node: int, serial: int) -> _Offer:
        rank = job.ready.rank(TOP if node == OPEN else node)
        return _Offer(rank, node, serial)

    def _try(self, job: JobTasks, node: int) -> None:
        """Start one task that ``job`` has at or below ``node``, or move its entry."""
        ready, demand = job.ready, job.demand
        top = TOP if node == OPEN else node
        room = ready.hidden.get(top)
        if room is None:
            return
        rooms = demand.rooms
        depth = len(rooms) if top == TOP else rooms.index(room)
        if depth == 0 and not demand.first_up and top != TOP:
            self._try_leaf(job, top, room)
            return
        layers = depth if demand.first_up else depth - 1
        while (leaf := ready.best(top, layers)) is not None:
            self._left -= 1
            step = self._full(demand, leaf)
            if step < 0:
                ready.drop(leaf, top)
                self._start(job, leaf)
                return
            if step < depth:
                ready.hide(self._path[step], top, rooms[step])
                self._state.waiting.add(self._path[step], rooms[step], job)
                if job in self._offers or self._left <= 0:
                    # What it has elsewhere may come first now.
                    return
            elif step > depth:
                self._state.show(job, top)
                return
            else:
                if room is ALWAYS:
                    self._state.wait_for_worker(job)
                return
        self._state.show(job, top)

    def _try_leaf(self, job: JobTasks, leaf: int, room: Room) -> None:
        step = self._full(job.demand, leaf)
        if step < 0:
            self._state.waiting.remove(leaf, room, job)
            del job.ready.hidden[leaf]
            self._start(job, leaf)
        elif step > 0:
            self._state.show(job, leaf)

    def _full(self, demand: Demand, leaf: int) -> int:
        """Return the highest step at which a task on ``leaf`` lacks room, -1 for none.

        The worker is asked last, as the step after all others. Leaves the path.
        """
        path = demand.above(demand.up[leaf])
        if not demand.first_up:
            path = (leaf, *path)
        self._path = accounts = path
        account_at = self._state.places.account_at
        if account_at is not None:
            accounts = (*(account_at[node] for node in path[:-1]), TOP)
        self._accounts = accounts
        full = -1
        for step, used, most in demand.checks:
            if used.get(accounts[step], 0) > most:
                full = step
        worker = demand.worker_room
        if full < 0 and worker is not None and not worker.fits(TOP):
            return len(demand.rooms)
        return full

    def _start(self, job: JobTasks, leaf: int) -> None:
        """Start the task on ``leaf``, for which ``_full`` has just found room."""
        state, demand, attempts = self._state, job.demand, self._attempts
        places, accounts = state.places, self._accounts
        slot = places.slot_at[leaf]
        task = TaskId(job.name, job.slots.names[slot])
        previous = self._book.get(task)
        if previous is None:
            backoff = job.first_backoff
        else:
            backoff = next_backoff(previous, job.job.backoff)
        invocation = InvocationId(self._second, self._draw_bits(63))
        attempts.add(
            Attempt(
                task,
                invocation,
                attempts.next_number(task),
                self._wall,
                leaf,
                slot,
                demand,
                accounts,
                backoff,
            )
        )
        job.last_start = attempts.starts
        if job.slots.replicas:
            state.stand(job, slot, _RUNNING)
        else:
            # The leaf is among the candidates no more, and there is no other.
            job.restand(slot, _RUNNING)
        for step, used, amount in demand.takes:
            account = accounts[step]
            left = used.get(account, 0) + amount
            if left:
                used[account] = left
            else:
                del used[account]
            if amount < 0:
                state.gain(account)
        self._policy.started(job)
        self._starts.append(
            StartTask(
                task,
                invocation,
                job.job,
                previous,
                backoff,
                places.tree,
                leaf,
                demand.needs,
            )
        )
