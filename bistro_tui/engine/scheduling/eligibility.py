"""Which nodes a job may use, as far as the tree and the job's filters say.

Source: Bistro, config/Job (canRunOnNode).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.scheduling.places import Places
from bistro_tui.engine.scheduling.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """What is not usable among the nodes of a job's level; mostly nothing."""

    barred: Mapping[int, Reason] = field(default_factory=dict)
    """Slot → NODE_DISABLED or AVOIDED, where no node of that name is usable."""
    unusable: frozenset[int] = frozenset()
    """The replicas that are not usable although another of their name is."""


def eligibility(job: Job, places: Places) -> Eligibility:
    """Return which nodes ``job`` may use.

    A disabled node bars all below it, and so does a filter of any level on the path.
    Among replicas, the one that comes furthest decides.
    """
    if places.is_all_enabled and not job.filters:
        return Eligibility()
    slots = places.slots(job.level_for_tasks)
    barred: dict[int, Reason] = {}
    unusable: set[int] = set()
    verdicts: dict[int, bool] = {}
    for slot in range(len(slots)):
        nodes = slots.nodes(slot)
        enabled = [node for node in nodes if places.enabled[node]]
        usable = [node for node in enabled if _accepts(job, places, node, verdicts)]
        if not usable:
            barred[slot] = Reason.AVOIDED if enabled else Reason.NODE_DISABLED
        elif len(usable) < len(nodes):
            unusable.update(node for node in nodes if node not in usable)
    return Eligibility(barred=barred, unusable=frozenset(unusable))


def _accepts(job: Job, places: Places, index: int, verdicts: dict[int, bool]) -> bool:
    """Return whether the job's filters accept a node and all its ancestors.

    ``verdicts`` remembers what was found for the nodes above.
    """
    if not job.filters:
        return True
    above = places.parents[index]
    if above >= 0:
        accepted = verdicts.get(above)
        if accepted is None:
            accepted = verdicts[above] = _accepts(job, places, above, verdicts)
        if not accepted:
            return False
    return node_passes(job, places, index)


def node_passes(job: Job, places: Places, index: int) -> bool:
    """Return whether the job's filter for that node's level accepts this one node."""
    level_filter = job.filters.get(places.level(index))
    if level_filter is None:
        return True
    node = places.tree.node(index)
    return level_filter.accepts(job=job.name, node=node.name, tags=node.tags)
