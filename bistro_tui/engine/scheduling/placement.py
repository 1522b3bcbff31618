"""Starting whatever may start, in the policy's order, for a cost that follows starts.

Source: Bistro, scheduler/Scheduler and scheduler/SchedulerPolicy: what would be found
by looking at every job and node again.
"""

import math
from bisect import insort
from collections.abc import Collection

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.accounts import OPEN, Room
from bistro_tui.engine.scheduling.actions import Action, StartTask
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.demand import Demand
from bistro_tui.engine.scheduling.job_tasks import CODE, JobTasks
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP
from bistro_tui.engine.scheduling.policies.policy import Policy
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.waiting import AnyOf
from bistro_tui.engine.scheduling.worker_rooms import WorkerRoom
from bistro_tui.engine.statuses.status import next_backoff
from bistro_tui.engine.steady_wall import LASTS_SEC, SteadyWall

_RUNNING = CODE[Reason.RUNNING]

_FEW_LEFT = 32
"""So many nodes with room can be looked at with each decision."""


class Placement:
    """Gives away the room that there is, always to one job, until no one can use it.

    Of all that wait at nodes with new room and fit there, the policy chooses one job,
    the node order one of its nodes. Whether that starts a task or finds that another
    node is too full for it, who is next is asked again. So a release costs the same
    however many jobs wait, and no one is left waiting beside room.
    """

    def __init__(self, state: State, policy: Policy) -> None:
        self._state = state
        self._policy = policy
        self._at = state.waiting.at
        self._attempts = state.attempts
        self._book = state.book
        self._draw_bits = state.rng.getrandbits
        self._live: dict[int, Collection[JobTasks]] = {}
        """Nodes with room, and who waits at each and fits."""
        self._ranked: dict[JobTasks, list[tuple[int, int]]] = {}
        """The live nodes at which a job waits with the rank of its best leaf there,
        highest last; nodes that are live no more may be among them."""
        self._starts: list[Action]
        self._wall: float
        self._mono: float
        self._second: int
        """Of the steady clock: who asks for attempts newest first goes by it."""
        self._steady: SteadyWall | None = None
        self._looked = 0.0
        """When the steady clock was looked at last."""
        self._left: int
        self._most: float
        """So many attempts may be live."""
        self._path: tuple[int, ...]
        """The nodes with accounts on the path of the leaf looked at last, then TOP."""
        self._accounts: tuple[int, ...]
        """Their accounts."""
        self._lacking: Room
        """What there was too little of, where there was."""

    def run(self, now: Now, starts: list[Action], steps: int) -> None:
        """Add the starts to ``starts``, in order; all are recorded in the state.

        After about so many ``steps``, each a start or a look at a node that is too
        full, the rest is left for the next run: it stays in ``gained``. So it is once
        no more may run at once.
        """
        self._starts = starts
        self._left = steps
        # Of several workers, only that of this host has the limit.
        limit = None if self._state.workers.is_reported else self._state.gate.limit
        self._most = limit if limit is not None else math.inf
        self._wall = now.wall
        self._mono = now.mono
        if self._steady is None or now.elapsed - self._looked > LASTS_SEC:
            # Nobody saw since when the clock is as it is.
            self._steady = SteadyWall(now)
        self._looked = now.elapsed
        self._second = int(self._steady.at(now))
        gained = self._state.gained
        while gained and self._left > 0:
            nodes = list(gained)
            gained.clear()
            for group in [nodes] if len(nodes) == 1 else self._apart(nodes):
                if len(group) == 1:
                    self._fill(group[0])
                else:
                    self._share(group)
        if len(gained) > _FEW_LEFT and self._attempts.live >= self._most:
            self._gather()

    def _gather(self) -> None:
        """Let all that wait where there is room wait for nothing but their turn.

        Else each end would lead to a look at all these nodes, for one start.
        """
        state = self._state
        nodes = [node for node in state.gained if node >= 0]
        for node in nodes:
            del state.gained[node]
            for job in tuple(self._fitting(node) or ()):
                state.show(job, node)

    def _apart(self, nodes: list[int]) -> Collection[list[int]]:
        """Return ``nodes`` in groups that have no account above them in common.

        Who gets the room in one group is nothing to the others, unless this run could
        start as many as may still run at once.
        """
        state = self._state
        is_shared = OPEN in nodes or TOP in nodes or state.places.account_at is not None
        is_shared = is_shared or state.workers.is_reported
        is_scarce = self._attempts.live + self._left > self._most
        if is_shared or is_scarce or state.accounts.has_worker:
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
        while (jobs := self._fitting(node)) is not None:
            if self._left <= 0:
                self._state.gained[node] = None
                return
            self._try(self._next(jobs), node)

    def _share(self, nodes: list[int]) -> None:
        """Give away the room of several nodes to whose turn it is at any of them."""
        live, gained = self._live, self._state.gained
        for node in nodes:
            self._look_at(node)
        jobs: Collection[JobTasks] = AnyOf(live.values())
        if len(self._state.jobs) == 1:
            jobs = tuple(self._state.jobs.values())
        while live and self._left > 0:
            job = self._next(jobs)
            node = self._best_node(job)
            starts = len(self._starts)
            self._try(job, node)
            self._look_at(node)
            if len(self._starts) > starts:
                self._look_at_path()
            else:
                # What it has elsewhere may come first now.
                self._ranked.pop(job, None)
            if gained:
                for node in gained:
                    self._look_at(node)
                gained.clear()
                self._ranked.clear()
        gained.update(dict.fromkeys(live))
        live.clear()
        self._ranked.clear()

    def _look_at(self, node: int) -> None:
        jobs = self._fitting(node)
        if jobs is not None:
            self._live[node] = jobs
        else:
            self._live.pop(node, None)

    def _look_at_path(self) -> None:
        """Look again at the nodes that have less left since the last start."""
        places, live = self._state.places, self._live
        for node in self._path:
            if places.account_at is None or node == TOP:
                if node in live:
                    self._look_at(node)
                continue
            for twin in places.twins(node):
                if twin in live:
                    self._look_at(twin)

    def _best_node(self, job: JobTasks) -> int:
        """Return the live node at which ``job`` has its best leaf, or just any.

        It waits at one at least.
        """
        live = self._live
        if job.layout.is_random:
            return next(node for node, jobs in live.items() if job in jobs)
        ranked = self._ranked.get(job)
        if not ranked:
            nodes = [node for node, jobs in live.items() if job in jobs]
            ranked = sorted((self._rank(job, node), node) for node in nodes)
            self._ranked[job] = ranked
        while ranked:
            rank, node = ranked.pop()
            if job not in live.get(node, ()):
                continue
            now = self._rank(job, node)
            if now == rank or not ranked or now >= ranked[-1][0]:
                # There may be more to start there.
                ranked.append((now, node))
                return node
            insort(ranked, (now, node))
        return self._best_node(job)

    def _rank(self, job: JobTasks, node: int) -> int:
        return job.ready.rank(TOP if node < 0 else node)

    def _fitting(self, node: int) -> Collection[JobTasks] | None:
        """Return who waits at ``node`` and fits there, None for no one."""
        waiters = self._at.get(node)
        if waiters is None:
            return None
        account_at = self._state.places.account_at
        account = node if account_at is None or node < 0 else account_at[node]
        if isinstance(waiters, tuple):
            return (waiters[1],) if waiters[0].fits(account) else None
        fitting = [jobs for room, jobs in waiters.items() if room.fits(account)]
        if len(fitting) == 1:
            return fitting[0]
        return AnyOf(fitting) if fitting else None

    def _next(self, jobs: Collection[JobTasks]) -> JobTasks:
        if len(jobs) == 1:
            return next(iter(jobs))
        chosen = self._policy.choose(jobs)
        assert isinstance(chosen, JobTasks)
        return chosen

    def _try(self, job: JobTasks, node: int) -> None:
        """Start one task that ``job`` has at or below ``node``, or move its entry."""
        ready, demand = job.ready, job.demand
        top = TOP if node < 0 else node
        room = ready.hidden.get(top)
        if room is None:
            return
        rooms = demand.rooms
        depth = len(rooms) if top == TOP else demand.step(room)
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
                ready.hide(self._path[step], top, self._lacking)
                self._state.waiting.add(self._path[step], self._lacking, job)
                if self._live or self._left <= 0:
                    # What it has elsewhere may come first now.
                    return
            elif step > depth:
                self._state.show(job, top)
                return
            else:
                if room is not self._lacking:
                    self._state.wait_for(job, top, self._lacking)
                return
        self._state.show(job, top)

    def _try_leaf(self, job: JobTasks, leaf: int, room: Room) -> None:
        self._left -= 1
        step = self._full(job.demand, leaf)
        if step < 0:
            self._state.waiting.remove(leaf, room, job)
            del job.ready.hidden[leaf]
            self._start(job, leaf)
        elif step > 0:
            self._state.show(job, leaf)
        elif room is not self._lacking:
            self._state.wait_for(job, leaf, self._lacking)

    def _full(self, demand: Demand, leaf: int) -> int:
        """Return the highest step at which a task on ``leaf`` lacks room, -1 for none.

        The worker is asked last, as the step after all others, or as the one of the
        node that says which worker it is. Leaves the path, and what was lacking.
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
        if full >= 0:
            self._lacking = demand.rooms[full]
            return full
        worker = demand.worker_room
        if worker is not None and not worker.fits(path[demand.worker_step]):
            self._lacking = worker
            return demand.worker_step
        return -1

    def _start(self, job: JobTasks, leaf: int) -> None:
        """Start the task on ``leaf``, for which ``_full`` has just found room."""
        state, demand, attempts = self._state, job.demand, self._attempts
        places, accounts, shard = state.places, self._accounts, LOCAL_WORKER.node
        room = demand.worker_room
        if state.workers.is_reported:
            assert isinstance(room, WorkerRoom)
            worker = state.workers.choose(room, self._path[demand.worker_step])
            shard, accounts = worker.shard, (*accounts[:-1], worker.account)
        slot = places.slot_at[leaf]
        task = TaskId(job.name, job.slots.names[slot])
        previous = self._book.get(task)
        if previous is None:
            backoff = job.first_backoff
        else:
            backoff = next_backoff(previous, job.job.backoff)
        invocation = InvocationId(self._second, self._draw_bits(63))
        attempt = Attempt(
            task,
            invocation,
            attempts.next_number(task),
            self._wall,
            self._mono,
            leaf,
            slot,
            demand,
            accounts,
            backoff,
        )
        attempts.add(attempt)
        job.last_start = attempts.serial
        if attempts.live >= self._most:
            self._left = 0
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
        if state.workers.is_reported:
            attempt.worker = shard
            state.workers.move(shard, 1)
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
                shard,
            )
        )
