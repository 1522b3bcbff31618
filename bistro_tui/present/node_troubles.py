"""Failed and backing-off tasks, added up from each node to all nodes above it."""

from collections.abc import Iterable, Mapping, Sequence

from bistro_tui.engine.view import NodeName, Reason, TaskRow
from bistro_tui.present.node_index import NodeIndex, Subtree
from bistro_tui.present.nodes import Trouble


def rolled_up(rows: Iterable[TaskRow], index: NodeIndex) -> Mapping[NodeName, Trouble]:
    """Return by node how many tasks on it and below it failed or wait for a backoff."""
    failed: dict[int, int] = {}
    backoff: dict[int, int] = {}
    for row in rows:
        counts = failed if row.reason is Reason.FAILED else backoff
        for place in index.places(row.task.node)[:1]:
            for above in (place, *index.above(place)):
                counts[above] = counts.get(above, 0) + 1
    return {
        index.nodes[place].name: Trouble(failed.get(place, 0), backoff.get(place, 0))
        for place in failed.keys() | backoff.keys()
    }


def below(rows: Iterable[TaskRow], nodes: Subtree) -> Sequence[TaskRow]:
    """Return the tasks on these nodes."""
    return [row for row in rows if row.task.node in nodes]
