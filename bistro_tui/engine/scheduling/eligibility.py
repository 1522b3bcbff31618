"""Which nodes a job may use, as far as the tree and the job's filters say.

Source: Bistro, config/Job (canRunOnNode).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.scheduling.places import Places
from bistro_tui.engine.scheduling.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """The nodes of a job's level, sorted into usable ones and barred ones."""

    usable: Mapping[NodeName, tuple[int, ...]]
    """By name: the nodes that the job may use, at least one each."""
    barred: Mapping[NodeName, Reason]
    """By name: NODE_DISABLED or AVOIDED, where no node of that name is usable."""


def eligibility(job: Job, places: Places) -> Eligibility:
    """Return which nodes ``job`` may use.

    A disabled node bars all below it, and so does a filter of any level on the path.
    Among replicas, the one that comes furthest decides.
    """
    usable: dict[NodeName, tuple[int, ...]] = {}
    barred: dict[NodeName, Reason] = {}
    verdicts: dict[int, bool] = {}
    for name, indexes in places.names(job.level_for_tasks).items():
        enabled = [index for index in indexes if places.enabled[index]]
        accepted = tuple(i for i in enabled if accepts(job, places, i, verdicts))
        if accepted:
            usable[name] = accepted
        else:
            barred[name] = Reason.AVOIDED if enabled else Reason.NODE_DISABLED
    return Eligibility(usable=usable, barred=barred)


def accepts(job: Job, places: Places, index: int, verdicts: dict[int, bool]) -> bool:
    """Return whether the job's filters accept a node and all its ancestors.

    ``verdicts`` remembers by node what was found for this job and tree.
    """
    if not job.filters:
        return True
    for node in places.tree.path(index):
        if node not in verdicts:
            verdicts[node] = node_passes(job, places, node)
        if not verdicts[node]:
            return False
    return True


def node_passes(job: Job, places: Places, index: int) -> bool:
    """Return whether the job's filter for that node's level accepts this one node."""
    node = places.tree.nodes[index]
    level_filter = job.filters.get(node.level)
    return level_filter is None or level_filter.accepts(
        job=job.name, node=node.name, tags=node.tags
    )
