"""What the tasks of a job need of a worker, to be asked again and again.

One bit stands for each worker, so that to ask two hundred of them costs a few steps.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import WORKER_LEVEL, JobName, LevelName, NodeName
from bistro_tui.engine.scheduling.accounts import Room
from bistro_tui.engine.scheduling.places import TOP

_MOST_HOSTS = 5_000


class Fit:
    """Which workers have enough left for the same needs; healthy or not."""

    __slots__ = ("mask", "needs")

    def __init__(self, needs: tuple[int, ...]) -> None:
        self.needs = needs
        """In the order in which the config lists the resources of the level."""
        self.mask = 0


class Table(Protocol):
    """What a room looks at."""

    ready: int
    """The healthy workers with a slot left."""
    names: Sequence[NodeName]
    """The names of the present nodes."""

    @property
    def hosts(self) -> Mapping[str, int]:
        """The workers of each host."""
        ...

    def may_ever(self, room: "WorkerRoom", node: int) -> bool:
        """Return whether a worker may have room for a task below ``node`` some day."""
        ...


class WorkerRoom(Room):
    """What one kind of task needs: resources, and a worker that it may use.

    ``level``: where the name of the node above the task is the host that it needs. It
    is then asked for that node, otherwise for TOP.
    """

    __slots__ = ("_accepts", "_table", "accepted", "filter", "fit", "host", "job")

    def __init__(
        self, job: Job, fit: Fit, level: LevelName | None, table: Table
    ) -> None:
        super().__init__(level if level is not None else WORKER_LEVEL, fit.needs)
        self.job: JobName = job.name
        """Who asks: the fraction of a filter is another one for each job."""
        self.host = job.host_placement
        """The only host that will do; empty: any, or that of the node."""
        self.filter: LevelFilter | None = job.filters.get(WORKER_LEVEL)
        self.fit = fit
        self.accepted = 0
        """The workers that filter and host allow."""
        self._accepts: dict[str, bool] = {}
        self._table = table

    @property
    def is_by_node(self) -> bool:
        """Whether the answer is another one for each node."""
        return self.level != WORKER_LEVEL

    def accepts(self, host: str) -> bool:
        """Return whether the filter and the required host allow workers of ``host``."""
        known = self._accepts.get(host)
        if known is None:
            if len(self._accepts) > _MOST_HOSTS:
                # Hosts may come and go for years.
                self._accepts.clear()
            known = self._accepts[host] = self._is_accepted(host)
        return known

    def _is_accepted(self, host: str) -> bool:
        if self.host and self.host != host:
            return False
        # A worker has no tags, and they do not count.
        return self.filter is None or self.filter.accepts(
            job=self.job, node=host, tags=self.filter.tag_whitelist
        )

    def mask(self, node: int) -> int:
        """Return the workers that take such a task at this moment."""
        found = self.fit.mask & self.accepted & self._table.ready
        if found and self.level != WORKER_LEVEL:
            found &= self._table.hosts.get(self._table.names[node], 0)
        return found

    def among(self, node: int) -> int:
        """Return the workers that may take such a task, healthy and free or not."""
        if node == TOP or not self.is_by_node:
            return self.accepted
        return self.accepted & self._table.hosts.get(self._table.names[node], 0)

    def host_at(self, node: int) -> str:
        """Return the only host that will do for a task below ``node``; empty: any."""
        if node == TOP or not self.is_by_node:
            return self.host
        return self._table.names[node]

    def fits(self, account: int) -> bool:
        """Return whether a worker takes such a task now; False at TOP if by node."""
        if account == TOP and self.level != WORKER_LEVEL:
            return False
        return self.mask(account) != 0

    @property
    def ever_fits(self) -> bool:
        """Whether a worker may have room some day; if by node: perhaps."""
        return self._table.may_ever(self, TOP)

    def ever_fits_at(self, node: int) -> bool:
        """Return the same for a task below ``node``."""
        return self._table.may_ever(self, node)

    @property
    def fits_nowhere(self) -> bool:
        """Whether no worker takes such a task now."""
        return not self.fit.mask & self.accepted & self._table.ready
