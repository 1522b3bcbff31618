"""The limit tree: level, resource, nodes; what is full stands first."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import TypeAlias

from bistro_tui.engine.view import (
    LevelName,
    NodeName,
    NodeRow,
    ResourceName,
    Snapshot,
    Usage,
)
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.workers import has_remote

WORKER = LevelName("worker")
LOCAL = NodeName("local")
"""The one worker of a scheduler that runs its tasks itself."""
FEW_NODES = 20
"""A resource of more nodes is folded at first."""

_usage_of = itemgetter(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUse:
    """One resource of one node."""

    level: LevelName
    node: NodeName
    usage: Usage
    is_alone: bool = False
    """The only node of its level: it stands for the resource itself."""

    @property
    def resource(self) -> ResourceName:
        """The name of the resource."""
        return ResourceName(self.usage.resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One resource of all nodes of a level."""

    level: LevelName
    resource: ResourceName
    full: int
    """Nodes on which none of it is left."""
    busy: int
    """Nodes on which some of it is in use and some is left."""
    idle: int
    used: int
    total: int
    """The limits of all its nodes together."""
    each: tuple[int, int]
    """The least and the greatest limit of a node."""
    of_workers: tuple[NodeUse, ...] = ()
    """Where no node of the tree has it but workers do: each of them, the fullest
    first."""
    in_use: tuple[int, ...] = field(default=(), repr=False)
    """The places of the nodes on which some is in use, the fullest first."""

    @property
    def nodes(self) -> int:
        """How many nodes have it."""
        return self.full + self.busy + self.idle

    @property
    def fullness(self) -> tuple[bool, float, int]:
        """What the most contended has most of."""
        return (self.full > 0, self.full / self.nodes + self.share, self.used)

    @property
    def share(self) -> float:
        """How much of all of it is in use, 0 to 1 and, while overdrawn, beyond."""
        return self.used / self.total if self.total else float(self.used > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level that has resources."""

    name: LevelName
    full: int
    """Nodes on which none of some resource is left."""
    busy: int
    idle: int
    limits: tuple[Limit, ...]
    """Its resources, the most contended first."""

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return self.full + self.busy + self.idle


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """The idle nodes that are not listed."""

    level: LevelName
    resource: ResourceName
    nodes: int


LimitRow: TypeAlias = Level | Limit | NodeUse | More


def levels_of(
    index: NodeIndex, nodes: Sequence[NodeRow], of_workers: Sequence[NodeUse] = ()
) -> tuple[Level, ...]:
    """Return the levels with resources in the order of the tree, the workers' last.

    ``nodes`` are the newest rows of ``index``. Costs a look at each, about 0.1 µs: rows
    that show the same use share it, so that only different ones are counted.
    """
    found: list[Level] = []
    for name, places in index.levels.items():
        level = _level(name, places, nodes)
        if level is not None:
            found.append(level)
    if of_workers:
        found.append(_level_of_workers(of_workers))
    return tuple(found)


def uses_of_workers(shown: Snapshot) -> tuple[NodeUse, ...]:
    """Return the resources of each worker; of one that is alone they stand for all."""
    if not has_remote(shown):
        told = [(LOCAL, shown.worker_usage)]
    else:
        told = [(row.shard, row.usage) for row in shown.workers]
    return tuple(
        NodeUse(level=WORKER, node=shard, usage=usage, is_alone=len(told) == 1)
        for shard, usages in told
        for usage in usages
    )


def _level_of_workers(uses: Sequence[NodeUse]) -> Level:
    by_resource: dict[ResourceName, list[NodeUse]] = {}
    standing: dict[NodeName, tuple[bool, bool]] = {}
    for use in uses:
        by_resource.setdefault(use.resource, []).append(use)
        is_full, is_busy = standing.get(use.node, (False, False))
        standing[use.node] = (is_full or _is_full(use), is_busy or use.usage.used > 0)
    full = sum(is_full for is_full, _ in standing.values())
    busy = sum(is_busy and not is_full for is_full, is_busy in standing.values())
    return Level(
        name=WORKER,
        full=full,
        busy=busy,
        idle=len(standing) - full - busy,
        limits=_ranked(
            _limit_of_workers(resource, some) for resource, some in by_resource.items()
        ),
    )


def _limit_of_workers(resource: ResourceName, uses: Sequence[NodeUse]) -> Limit:
    full = sum(map(_is_full, uses))
    idle = sum(use.usage.used <= 0 for use in uses)
    limits = [use.usage.limit for use in uses]
    return Limit(
        level=WORKER,
        resource=resource,
        full=full,
        busy=len(uses) - full - idle,
        idle=idle,
        used=sum(use.usage.used for use in uses),
        total=sum(limits),
        each=(min(limits), max(limits)),
        of_workers=tuple(sorted(uses, key=_fullness, reverse=True)),
    )


def _is_full(use: NodeUse) -> bool:
    return use.usage.used >= use.usage.limit and use.usage.used > 0


def _fullness(use: NodeUse) -> tuple[float, int]:
    _, used, limit = use.usage
    return (used / limit if limit else float(used > 0), used)


def _ranked(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    return tuple(sorted(limits, key=attrgetter("fullness"), reverse=True))


def _level(
    name: LevelName, places: Sequence[int], nodes: Sequence[NodeRow]
) -> Level | None:
    usages = [_usage_of(nodes[place]) for place in places]
    by_id = {id(usage): usage for usage in usages}
    if not any(by_id.values()):
        return None
    counts = Counter(map(id, usages))
    at_work = {key for key, usage in by_id.items() if any(one[1] > 0 for one in usage)}
    working: list[tuple[int, tuple[Usage, ...]]] = []
    if at_work:
        working = [
            (place, usage)
            for place, usage in zip(places, usages, strict=True)
            if id(usage) in at_work
        ]
    full = sum(
        counts[key]
        for key in at_work
        if any(used >= limit and used > 0 for _, used, limit in by_id[key])
    )
    busy = sum(counts[key] for key in at_work) - full
    alike = [(by_id[key], number) for key, number in counts.items()]
    resources = dict.fromkeys(one[0] for usage, _ in alike for one in usage)
    limits = [_limit(name, resource, alike, working) for resource in resources]
    return Level(
        name=name,
        full=full,
        busy=busy,
        idle=len(usages) - full - busy,
        limits=_ranked(limits),
    )


def _limit(
    level: LevelName,
    resource: str,
    alike: Sequence[tuple[tuple[Usage, ...], int]],
    working: Sequence[tuple[int, tuple[Usage, ...]]],
) -> Limit:
    full = busy = idle = in_use = total = 0
    limits: list[int] = []
    for usage, number in alike:
        for name, used, limit in usage:
            if name != resource:
                continue
            limits.append(limit)
            in_use += used * number
            total += limit * number
            if used <= 0:
                idle += number
            elif used >= limit:
                full += number
            else:
                busy += number
    ranked = [
        (-used / limit if limit else -float("inf"), -used, place)
        for place, usage in working
        for name, used, limit in usage
        if name == resource and used > 0
    ]
    return Limit(
        level=level,
        resource=ResourceName(resource),
        full=full,
        busy=busy,
        idle=idle,
        used=in_use,
        total=total,
        each=(min(limits), max(limits)),
        in_use=tuple(place for *_, place in sorted(ranked)),
    )


def limit_key(row: LimitRow) -> Hashable:
    """Return what a row is known by while rows come and go."""
    match row:
        case Level():
            return ("level", row.name)
        case Limit():
            return ("limit", row.level, row.resource)
        case NodeUse():
            return ("use", row.level, row.resource, row.node)
        case More():
            return ("more", row.level, row.resource)
