"""All nodes as one flat list, in the order that a person likes."""

from collections.abc import Callable, Hashable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from bistro_tui.engine.view import NodeRow
from bistro_tui.present.clean import clean_name
from bistro_tui.present.node_index import Picked
from bistro_tui.present.nodes import LEVEL, RUNNING, USAGE, node_label, trouble_text
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.widgets.node_list import NodeList

Sort: TypeAlias = Callable[[NodeRow], Any]
"""Gives what rows are put in order by."""


class NodeTable(NodeList):
    """Nodes without indentation: sorted, each with the node above it."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._columns: Sequence[Column[NodeRow]] = (
            Column(title="node", cell=_name, width=12, flex=1, most=60,
                   sort=lambda row: row.name),
            Column(title="in", cell=self._above_cell, width=10, flex=1, most=30,
                   drop=3),
            LEVEL,
            RUNNING,
            Column(title="failed", cell=self._trouble_cell, width=8, tight=True,
                   drop=2, sort=self._failed),
            USAGE,
        )  # fmt: skip

    def columns(self) -> Sequence[Column[NodeRow]]:
        """Return the columns."""
        return self._columns

    def places(self) -> Sequence[int]:
        """Return every place."""
        return range(len(self.index))

    @property
    def depends_on_state(self) -> bool:
        """Whether other rows may be in sight, or elsewhere, after a new snapshot."""
        by_state = self.order is not None and self.order.title not in ("node", "level")
        return by_state or super().depends_on_state

    def arranged(self, rows: Sequence[NodeRow]) -> Sequence[NodeRow]:
        """Return the nodes in order, those without a value last, as in the tree."""
        sort = next((c.sort for c in self.columns() if self._sorts_by(c)), None)
        if sort is None or self.order is None or not isinstance(rows, Picked):
            return rows
        down, nodes = self.order.down, rows.nodes
        value = _shared(sort) if self.order.title == USAGE.title else sort
        valued = [(value(nodes[place]), place) for place in rows.places]
        valued.sort(key=itemgetter(0), reverse=down)
        return Picked(nodes, [place for _, place in valued], in_order=False)

    def _above_cell(self, row: NodeRow, width: int, scene: Scene) -> Line:
        place = self.index.place(row.name)
        above = -1 if place is None else self.index.parents[place]
        name = "" if above < 0 else clean_name(self.index.nodes[above].name)
        return (Span(name, "dim"),)

    def _failed(self, row: NodeRow) -> tuple[int, int]:
        return self.troubles.get(row.name, (0, 0))

    def _trouble_cell(self, row: NodeRow, width: int, scene: Scene) -> Line:
        trouble = self.troubles.get(row.name)
        return (Span("·", "faint"),) if trouble is None else trouble_text(trouble)

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return nothing: the row at its place is as good as another."""
        return None


def _shared(sort: Sort) -> Sort:
    """Return the same, asked once for all nodes that show the same use."""
    known: dict[tuple[int, int], object] = {}

    def value(row: NodeRow) -> object:
        look = (id(row.usage), row.running)
        if look not in known:
            known[look] = sort(row)
        return known[look]

    return value


def _name(row: NodeRow, width: int, scene: Scene) -> Line:
    return node_label(row)
