"""All tasks of one job: where each stands, counted, and the candidates in order."""

import random
from collections.abc import Iterator, Mapping

from bistro_tui.engine.config.model import Job, NodeOrder
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.scheduling.accounts import Accounts
from bistro_tui.engine.scheduling.demand import Demand
from bistro_tui.engine.scheduling.eligibility import eligibility
from bistro_tui.engine.scheduling.layout import Holders
from bistro_tui.engine.scheduling.places import Places
from bistro_tui.engine.scheduling.ready import OrderedReady, RandomReady, Ready
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.workers import Workers
from bistro_tui.engine.statuses.status import next_backoff

REASONS = tuple(Reason)
CODE: Mapping[Reason, int] = {reason: code for code, reason in enumerate(REASONS)}
RUNNABLE = CODE[Reason.RUNNABLE]

_TO_PRESENT = bytes(code == RUNNABLE for code in range(256))


class JobTasks:
    """The tasks of ``job``: one in each slot of its level.

    A standing is a ``Reason`` as far as the task itself goes, kept as its number.
    RUNNABLE there means that only what is shared (pauses, resources, the worker) can
    still be in the way; such a task is a *candidate*. RECOVERING means that it would be
    one but for its old copy.
    """

    def __init__(
        self,
        job: Job,
        places: Places,
        holders: Holders,
        accounts: Accounts,
        workers: Workers,
        order: NodeOrder,
    ) -> None:
        self.job = job
        self.name: JobName = job.name
        self.priority = job.priority
        self.first_backoff = next_backoff(None, job.backoff)
        """What an error of a task costs that never ended before."""
        self.last_start = 0
        """Serial of this job's newest start, 0 before the first."""
        level = job.level_for_tasks
        self.slots = places.slots(level)
        self.eligible = eligibility(job, places)
        self.standing = bytearray()
        """Slot → the number of the reason."""
        self.counts: list[int] = []
        """All tasks by the number of the reason."""
        self.touched: set[int] | None = None
        """Slots of which anything may have changed, for who keeps counts of them; None:
        nobody does."""
        self._has_barred = bool(self.eligible.barred)
        self._barred: list[int] = []
        """Those of them on nodes that the job may not use."""
        self.layout = holders.layout(level, order)
        self.ready: Ready
        self.demand = Demand(job, self.layout, holders, accounts, workers)

    def stand_all(self, standing: bytearray, rng: random.Random) -> None:
        """Take over every task's standing; called once, on a new object."""
        self.standing = standing
        self.counts = [standing.count(code) for code in range(len(REASONS))]
        self._barred = [0] * len(REASONS)
        for slot in self.eligible.barred:
            self._barred[standing[slot]] += 1
        present = standing.translate(_TO_PRESENT)
        if self.slots.replicas:
            present = self._spread(present)
        if self.layout.is_random:
            self.ready = RandomReady(self.layout, present, rng.random)
        else:
            self.ready = OrderedReady(self.layout, present)

    def _spread(self, by_slot: bytearray) -> bytearray:
        """Return for each node of the level what is true of its slot, if usable."""
        nodes = [(n, s) for s in range(len(by_slot)) for n in self.slots.nodes(s)]
        by_node = bytearray(len(nodes))
        for node, slot in nodes:
            if node not in self.eligible.unusable:
                by_node[self.layout.local[node]] = by_slot[slot]
        return by_node

    def __repr__(self) -> str:
        """Return the name: the rest is too long to read."""
        return f"<tasks of {self.name}>"

    @property
    def candidates(self) -> int:
        """How many tasks are candidates."""
        return self.counts[RUNNABLE]

    def restand(self, slot: int, code: int) -> None:
        """Set one task's standing and count it; the caller sees to ``ready``."""
        counts, standing = self.counts, self.standing
        known = standing[slot]
        standing[slot] = code
        counts[known] -= 1
        counts[code] += 1
        if self.touched is not None:
            self.touched.add(slot)
        if self._has_barred and slot in self.eligible.barred:
            self._barred[known] -= 1
            self._barred[code] += 1

    def usable(self, slot: int) -> tuple[int, ...]:
        """Return the nodes of a slot that is not barred which the job may use."""
        if slot not in self.slots.replicas:
            return (self.slots.leaves[slot],)
        nodes = self.slots.nodes(slot)
        return tuple(node for node in nodes if node not in self.eligible.unusable)

    def reason(self, slot: int) -> Reason:
        """Return the standing of a task as a reason."""
        return REASONS[self.standing[slot]]

    def count(self, reason: Reason) -> int:
        """Return how many tasks stand so."""
        return self.counts[CODE[reason]]

    def owed(self, reason: Reason) -> int:
        """Return how many tasks on usable nodes stand so; 0 if the job cannot run."""
        if not self.job.can_run:
            return 0
        code = CODE[reason]
        return self.counts[code] - self._barred[code]

    @property
    def all_owed(self) -> int:
        """How many tasks there are on usable nodes; 0 for a job that cannot run."""
        return len(self.slots) - len(self.eligible.barred) if self.job.can_run else 0

    def standings(self) -> Iterator[tuple[NodeName, Reason]]:
        """Return every task's node and standing, in fetch order of the nodes."""
        reasons = (REASONS[code] for code in self.standing)
        return zip(self.slots.names, reasons, strict=True)
