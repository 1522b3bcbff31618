"""All tasks of one job: where each stands, counted, and the candidates in order."""

import random
from collections.abc import Mapping

from bistro_tui.engine.config.model import Job, NodeOrder
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.scheduling.candidates import Candidates
from bistro_tui.engine.scheduling.eligibility import eligibility
from bistro_tui.engine.scheduling.places import Places
from bistro_tui.engine.scheduling.reasons import Reason


class JobTasks:
    """The tasks of ``job``, one for each node name of its level.

    A standing is a ``Reason`` as far as the task itself goes. RUNNABLE there means
    that only what is shared (pauses, resources, the worker) can still be in the way.
    """

    def __init__(
        self, job: Job, places: Places, order: NodeOrder, rng: random.Random
    ) -> None:
        self.job = job
        self._rng = rng
        self._ranks: Mapping[int, int] | None = None
        if order is not NodeOrder.RANDOM:
            self._ranks = places.ranks(job.level_for_tasks, order)
        self.eligible = eligibility(job, places)
        self.nodes = places.names(job.level_for_tasks)
        """The nodes of the job's level by name, usable or not."""
        self.standing: dict[NodeName, Reason] = {}
        self.counts: dict[Reason, int] = {}
        """All tasks by standing; zeros are left out."""
        self.owed: dict[Reason, int] = {}
        """Those on usable nodes by standing; empty for a job that cannot run."""
        self.candidates = Candidates(places.parents)
        self.last_start = 0
        """Serial of this job's newest start, 0 before the first."""

    def stand_all(self, standings: Mapping[NodeName, Reason]) -> None:
        """Set every task's standing at once, on a new object."""
        self.standing = dict(standings)
        ranked: list[tuple[float, int]] = []
        for node, reason in standings.items():
            self._count(node, reason, 1)
            if reason is Reason.RUNNABLE:
                leaves = self.eligible.usable[node]
                ranked.extend((self._rank(leaf), leaf) for leaf in leaves)
        # Highest rank first: then each node is put into its parent's queue once.
        for rank, leaf in sorted(ranked, reverse=True):
            self.candidates.add(leaf, rank)

    def stand(self, node: NodeName, reason: Reason) -> bool:
        """Set one task's standing; return whether it became a candidate."""
        known = self.standing[node]
        if known is reason:
            return False
        self.standing[node] = reason
        self._count(node, known, -1)
        self._count(node, reason, 1)
        if known is Reason.RUNNABLE:
            for leaf in self.eligible.usable[node]:
                self.candidates.discard(leaf)
        if reason is not Reason.RUNNABLE:
            return False
        for leaf in self.eligible.usable[node]:
            self.candidates.add(leaf, self._rank(leaf))
        return True

    def _rank(self, leaf: int) -> float:
        # Random order: a new place in the order each time it becomes a candidate.
        return self._rng.random() if self._ranks is None else self._ranks[leaf]

    def _count(self, node: NodeName, reason: Reason, change: int) -> None:
        _bump(self.counts, reason, change)
        if self.job.can_run and node in self.eligible.usable:
            _bump(self.owed, reason, change)


def _bump(counts: dict[Reason, int], reason: Reason, change: int) -> None:
    count = counts.get(reason, 0) + change
    if count:
        counts[reason] = count
    else:
        del counts[reason]
