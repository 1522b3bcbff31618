"""The workers: what each of them has left, and which one takes a task.

Source: Bistro, remote/RemoteWorkerSelector, RoundRobinRemoteWorkerSelector and
BusiestRemoteWorkerSelector.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bistro_tui.engine.config.model import Job, Settings
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName, ResourceName
from bistro_tui.engine.physical.host import UNKNOWN_HOST, HostResources
from bistro_tui.engine.physical.limits import worker_limits
from bistro_tui.engine.scheduling.accounts import Accounts
from bistro_tui.engine.scheduling.events import WorkerFacts
from bistro_tui.engine.scheduling.named_workers import NamedWorkers
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP, Place, Places
from bistro_tui.engine.scheduling.worker import Worker
from bistro_tui.engine.scheduling.worker_rooms import Fit, WorkerRoom

_BUSIEST = "busiest"


class Workers:
    """The workers of the last report; before the first there is only ``local``.

    An account outlives its worker while something runs that was started there.
    """

    def __init__(
        self, accounts: Accounts, waiting: Mapping[int, object], gained: dict[int, None]
    ) -> None:
        """Look at who is ``waiting``; put where one may fit into ``gained``."""
        self.is_reported = False
        """Whether workers were ever reported: otherwise nothing here is asked."""
        self.may_grow = False
        self.all: tuple[Worker, ...] = ()
        self.by_shard: dict[NodeName, Worker] = {}
        self.ready = 0
        """The healthy workers with a slot left."""
        self.healthy = 0
        self.hosts: dict[str, int] = {}
        """The workers of each host."""
        self.names: Sequence[NodeName] = ()
        """The names of the present nodes."""
        self.levels: frozenset[LevelName] = frozenset()
        """Those whose nodes are the hosts that some jobs need."""
        self.next = 0
        """Where the search for the first that fits begins."""
        self._accounts = accounts
        self._at = waiting
        self._gained = gained
        self._places: Places
        self._settings = Settings()
        self._named = NamedWorkers(self._settings)
        self._hosts_there: frozenset[str] = frozenset()
        """Of those that do not leave."""
        self._names_there: frozenset[str] = frozenset()
        """What the config may call those."""
        self._host = UNKNOWN_HOST
        self._local_limit: int | None = None
        self._account_of: dict[NodeName, int] = {LOCAL_WORKER.node: TOP}
        self._by_account: dict[int, Worker] = {}
        self._running: dict[int, int] = {}
        self._numbers = 1
        self._fits: dict[tuple[int, ...], Fit] = {}
        self._rooms: dict[object, WorkerRoom] = {}
        self._order: list[tuple[int, int]] = []
        """(score, position) of all, where the busiest is chosen."""

    # What is there.

    def report(self, facts: Iterable[WorkerFacts], *, may_grow: bool) -> None:
        """Take over that these are all workers; wake who may fit one that changed."""
        self.is_reported, self.may_grow = True, may_grow
        known, old = self.by_shard, self.all
        self.by_shard = {}
        changed = []
        for position, one in enumerate({one.shard: one for one in facts}.values()):
            worker = known.get(one.shard)
            if worker is None or worker.position != position or worker.facts != one:
                worker = Worker(one, self.account(one.shard), position)
                changed.append(worker)
            self.by_shard[one.shard] = worker
        self.all = tuple(self.by_shard.values())
        staying = [one for one in self.all if not one.facts.is_leaving]
        self._hosts_there = frozenset(one.host for one in staying)
        self._names_there = frozenset(name for one in staying for name in one.names)
        self.next = self._next_after(old)
        if not changed and len(old) == len(self.all):
            return
        self._by_account = {worker.account: worker for worker in self.all}
        self._forget_accounts()
        self.hosts = {}
        for worker in self.all:
            self.hosts[worker.host] = self.hosts.get(worker.host, 0) | worker.bit
        for room in self._rooms.values():
            room.accepted = self._accepted(room)
        self._look_at_all(changed)

    def _next_after(self, old: Sequence[Worker]) -> int:
        """Return where to go on after the last one used, or the nearest before it."""
        before = (worker.shard for worker in old[: self.next][::-1])
        last = next((shard for shard in before if shard in self.by_shard), None)
        return self.by_shard[last].position + 1 if last is not None else 0

    def set_settings(self, settings: Settings, host: HostResources) -> None:
        """Take over the limits of ``settings``; ``host`` is that of ``local``."""
        self._settings, self._host = settings, host
        self._named = NamedWorkers(settings)
        self._look_at_all(self.all)

    def forget_rooms(self) -> None:
        """Begin anew, for there are other resources: all that was asked is void."""
        self._fits, self._rooms = {}, {}

    def set_places(self, places: Places) -> None:
        """Take over the present nodes."""
        self._places, self.names = places, places.tree.names

    def limit_local(self, limit: int | None) -> None:
        """Let at most ``limit`` tasks run on this host at once."""
        self._local_limit = limit
        worker = self.by_shard.get(LOCAL_WORKER.node)
        if worker is not None:
            self._look_at_all((worker,))

    def recount(self, shards: Iterable[NodeName]) -> None:
        """Begin anew to count what runs, a shard for each, and to look what is left."""
        self._running = {}
        for shard in shards:
            account = self.account(shard)
            self._running[account] = self._running.get(account, 0) + 1
        self._forget_accounts()
        self._look_at_all(self.all)

    def _forget_accounts(self) -> None:
        """Forget those of workers that are gone and run nothing."""
        self._account_of = {
            shard: account
            for shard, account in self._account_of.items()
            if account == TOP or account in self._running or shard in self.by_shard
        }

    def _look_at_all(self, workers: Iterable[Worker]) -> None:
        """Work out anew what these have, and wake who may fit there."""
        specs = self._settings.resources.get(WORKER_LEVEL, {})
        everyone = (1 << len(self.all)) - 1
        for fit in self._fits.values():
            fit.mask &= everyone
        self.ready &= everyone
        self.healthy &= everyone
        for worker in workers:
            facts = worker.facts
            is_local = facts.shard == LOCAL_WORKER.node
            host = self._host if is_local and facts.host == UNKNOWN_HOST else facts.host
            limits = worker_limits(self._settings, host, facts.shard, facts.port)
            worker.limits = {name: limits[name] for name in specs}
            worker.lefts = tuple(
                (self._accounts.book(name), limit)
                for name, limit in worker.limits.items()
            )
            limited = [facts.slots, self._local_limit if is_local else None]
            worker.slots = min((n for n in limited if n is not None), default=None)
            self.healthy &= ~worker.bit
            self.healthy |= worker.bit if facts.is_healthy else 0
        self._order = []
        if self._settings.remote_worker_selector == _BUSIEST:
            for worker in self.all:
                worker.score = self._score(worker)
                self._order.append((worker.score, worker.position))
            self._order.sort()
        for worker in workers:
            self._look_at(worker)
            self._wake(worker)

    # What is taken and given back.

    def account(self, shard: NodeName) -> int:
        """Return under which number the account of ``shard`` is kept.

        Below zero, and odd: who waits for workers has even ones.
        """
        found = self._account_of.get(shard)
        if found is None:
            self._numbers += 1
            found = self._account_of[shard] = 1 - 2 * self._numbers
        return found

    def move(self, shard: NodeName, number: int) -> None:
        """Take note that ``number`` more tasks run on ``shard``.

        What they take is booked already.
        """
        account = self.account(shard)
        running = self._running.get(account, 0) + number
        self._running[account] = running
        if not running:
            del self._running[account]
        self.look(account)

    def look(self, account: int) -> None:
        """Take note that something was taken from ``account``, or given back."""
        worker = self._by_account.get(account)
        if worker is None:
            return
        if self._order:
            known = worker.score, worker.position
            worker.score = self._score(worker)
            del self._order[bisect_left(self._order, known)]
            insort(self._order, (worker.score, worker.position))
        if self._look_at(worker):
            self._wake(worker)

    def _look_at(self, worker: Worker) -> bool:
        """Find for what ``worker`` has room; return whether it has for more."""
        bit, account = worker.bit, worker.account
        gained = False
        left = [limit - used.get(account, 0) for used, limit in worker.lefts]
        for fit in self._fits.values():
            # A generator costs more than all else here.
            for need, has in zip(fit.needs, left, strict=True):
                if need > has:
                    fit.mask &= ~bit
                    break
            else:
                gained = gained or not fit.mask & bit
                fit.mask |= bit
        is_free = worker.slots is None or self._running.get(account, 0) < worker.slots
        if is_free and self.healthy & bit:
            gained = gained or not self.ready & bit
            self.ready |= bit
        else:
            self.ready &= ~bit
        return gained

    def _wake(self, worker: Worker) -> None:
        at, gained, bit = self._at, self._gained, worker.bit
        if not self.ready & bit:
            return
        for room in self._rooms.values():
            if room.key in at and room.accepted & room.fit.mask & bit:
                gained[room.key] = None
        for level in self.levels:
            for node in self._places.nodes_of(Place(level, NodeName(worker.host))):
                if node in at:
                    gained[node] = None

    def _score(self, worker: Worker) -> int:
        specs, account = self._settings.resources.get(WORKER_LEVEL, {}), worker.account
        return sum(
            specs[name].weight * (limit - self._accounts.book(name).get(account, 0))
            for name, limit in worker.limits.items()
        )

    # Who takes a task.

    def room(self, job: Job, level: LevelName | None) -> WorkerRoom:
        """Return what a task of ``job`` needs; jobs with the same needs share one.

        ``level``: where the names of the nodes above its tasks are the hosts it needs.
        """
        names = self._settings.resources.get(WORKER_LEVEL, {})
        needs = tuple(job.resources.get(name, 0) for name in names)
        found = job.filters.get(WORKER_LEVEL)
        asks = job.name if found is not None and found.fraction_of_nodes < 1 else None
        key = needs, found, asks, job.host_placement, level
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = WorkerRoom(job, self._fit(needs), level, self)
            self._numbers += 1
            room.key = -2 * self._numbers
            room.accepted = self._accepted(room)
        return room

    def keep_rooms(self, rooms: Iterable[object]) -> None:
        """Forget all rooms but these, which are all that anyone still asks."""
        kept = set(rooms)
        self._rooms = {key: room for key, room in self._rooms.items() if room in kept}
        fits = {room.fit for room in self._rooms.values()}
        self._fits = {needs: fit for needs, fit in self._fits.items() if fit in fits}

    def _fit(self, needs: tuple[int, ...]) -> Fit:
        fit = self._fits.get(needs)
        if fit is None:
            fit = self._fits[needs] = Fit(needs)
            for worker in self.all:
                if all(
                    need <= has
                    for need, has in zip(needs, self.left(worker), strict=True)
                ):
                    fit.mask |= worker.bit
        return fit

    def _accepted(self, room: WorkerRoom) -> int:
        found = 0
        for host, mask in self.hosts.items():
            if room.accepts(host):
                found |= mask
        return found

    def choose(self, room: WorkerRoom, node: int) -> Worker:
        """Return who takes a task for which ``room`` has just been found to fit.

        In turns, or the one with the least left, as the config says.
        """
        mask = room.mask(node)
        if self._order:
            for _, position in self._order:
                if mask >> position & 1:
                    return self.all[position]
        after = mask >> self.next
        if after:
            position = self.next + (after & -after).bit_length() - 1
        else:
            position = (mask & -mask).bit_length() - 1
        self.next = position + 1
        return self.all[position]

    # Looking.

    def of(self, mask: int) -> Iterator[Worker]:
        """Return the workers of a mask, in their order."""
        while mask:
            bit = mask & -mask
            yield self.all[bit.bit_length() - 1]
            mask ^= bit

    def running(self, shard: NodeName) -> int:
        """Return how many tasks run there."""
        return self._running.get(self.account(shard), 0)

    def left(self, worker: Worker) -> list[int]:
        """Return what is left of each resource, as the config orders them."""
        return [limit - used.get(worker.account, 0) for used, limit in worker.lefts]

    def usage(self, worker: Worker) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of one, as the config orders them."""
        return tuple(
            (name, used.get(worker.account, 0), limit)
            for (used, limit), name in zip(worker.lefts, worker.limits, strict=True)
        )

    def sums(self) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of all of them together."""
        names = self._settings.resources.get(WORKER_LEVEL, {})
        return tuple(
            (
                name,
                sum(self._accounts.book(name).values()),
                sum(worker.limits[name] for worker in self.all),
            )
            for name in names
        )

    # Whether it is worth waiting.

    def may_ever(self, room: WorkerRoom, node: int) -> bool:
        """Return whether one may have room for such a task below ``node`` some day.

        Only what others hold there may be in its way. Where workers may still come,
        none at all will do, and so will one that is away or that the config names.
        """
        if room.is_by_node and node == TOP:
            # Each node may say another host.
            return True
        if self.may_grow and (not self._names_there or self.missing(room, node)):
            return True
        return any(
            worker.fits_alone(room.needs)
            or (self.may_grow and self.may_come_back(room, worker))
            for worker in self.of(room.among(node))
        )

    def may_come_back(self, room: WorkerRoom, worker: Worker) -> bool:
        """Return whether it is away, and may take such a task when it is back."""
        return worker.may_come_back(room.needs, self._named.measured)

    def missing(self, room: WorkerRoom, node: int) -> list[str]:
        """Return who would take such a task below ``node`` if they were there.

        The host that it needs, or else workers that the config names.
        """
        host = room.host_at(node)
        if host and host not in self._hosts_there:
            return [host] if room.accepts(host) else []
        return self._named.missing(room, host, self._names_there)
