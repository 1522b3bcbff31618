"""The tree of limits: level, resource, nodes."""

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from bistro_tui.engine.view import LevelName, NodeName, NodeRow, ResourceName
from bistro_tui.present.limit_cells import (
    COLUMNS,
    NAME_WIDTH,
    fold_column,
    limit_fields,
    limit_text,
    limit_thing,
    name_cell,
)
from bistro_tui.present.limit_rows import limit_rows
from bistro_tui.present.limits import (
    FEW_NODES,
    Level,
    Limit,
    LimitRow,
    NodeUse,
    levels_of,
    limit_key,
)
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.spans import Line, Span, joined
from bistro_tui.present.table import Column, Order
from bistro_tui.present.things import Thing
from bistro_tui.widgets.row_list import RowList

_MANY = 5_000
_PAUSE = 1.0
"""Seconds between two looks at the use of many nodes."""


class LimitTree(RowList[LimitRow]):
    """Each resource of each level, what is full first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "fold", "fold", show=False, id="limit.fold",
                tooltip="Fold the nodes of this resource"),
        Binding("right", "unfold", "unfold", show=False, id="limit.unfold",
                tooltip="Unfold the nodes of this resource"),
        Binding("asterisk", "fold_all", "fold all", show=False, id="limit.fold_all",
                tooltip="Fold or unfold all resources"),
    ]  # fmt: skip

    heading = "Resources"

    shows_context = True

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._index = NodeIndex(())
        self._newest: Sequence[NodeRow] = ()
        self._levels: tuple[Level, ...] = ()
        self._looked: float | None = None
        self._fullest: dict[Hashable, NodeName] = {}
        self._choices: dict[Hashable, bool] = {}
        """Which resources a person folded or unfolded."""
        name: Column[LimitRow] = Column(
            title="resource",
            cell=name_cell(self._is_open),
            width=NAME_WIDTH,
            flex=4,
            most=50,
            sort=lambda row: "",
        )
        self._columns = (name, *COLUMNS)

    def key_of(self, row: LimitRow) -> Hashable:
        """Return level, resource and node."""
        return limit_key(row)

    def text_of(self, row: LimitRow) -> str:
        """Return level, resource and node."""
        return limit_text(row)

    def fields(self, row: LimitRow) -> Mapping[str, object]:
        """Return level, resource, node, status and use."""
        return limit_fields(row)

    def columns(self) -> Sequence[Column[LimitRow]]:
        """Return the columns."""
        return self._columns

    def thing_of(self, row: LimitRow) -> Thing | None:
        """Return the resource of that node, or of the fullest one."""
        return limit_thing(row, self.fullest)

    def is_item(self, row: LimitRow) -> bool:
        """Return whether it is a resource, of all nodes or of one."""
        return isinstance(row, Limit | NodeUse)

    def empty_text(self) -> str:
        """Return what stands here without resources."""
        return "no resource limits: every task may run at once"

    def fullest(self, limit: Limit) -> NodeName | None:
        """Return the node or worker on which least of a resource is left.

        Of nodes that are as full it is the one that it was: what is told of it would
        else be of another node with each task that ends.
        """
        if limit.of_workers:
            return limit.of_workers[0].node
        places = limit.in_use or self._index.levels.get(limit.level, ())
        if not len(places):
            return None
        row, key = self._newest[places[0]], limit_key(limit)
        known = self._index.place(self._fullest.get(key, row.name))
        if known in limit.in_use and self._newest[known].usage == row.usage:
            row = self._newest[known]
        self._fullest[key] = row.name
        return row.name

    def show_limits(
        self,
        index: NodeIndex,
        nodes: Sequence[NodeRow],
        now: float,
        *,
        of_workers: Sequence[NodeUse] = (),
    ) -> None:
        """Take the newest nodes, of many of them once a second; and the workers."""
        if index is self._index and not self._may_look(now):
            self.tick(now)
            return
        self._looked = now
        self._index, self._newest = index, nodes
        self._levels = levels_of(index, nodes, of_workers)
        self._make(now)

    def _may_look(self, now: float) -> bool:
        if self._looked is None or len(self._index) < _MANY:
            return True
        return not 0 <= now - self._looked < _PAUSE

    def _make(self, now: float) -> None:
        self.show(limit_rows(self._levels, self._index, self._newest,
                             is_open=self._is_open, wanted=self.wanted or None,
                             by_name=self._by_name), now)  # fmt: skip

    @property
    def _by_name(self) -> bool | None:
        """Whether a person wants names in order: None no, else whether backwards."""
        if self.order is None or self.order.title != "resource":
            return None
        return self.order.down

    def set_filter(self, text: str) -> None:
        """Show only what fits, below its resource and its level."""
        super().set_filter(text)
        self._make(self.now)

    def sort_by(self, order: Order | None) -> None:
        """Put resources and nodes in that order, below what they belong to."""
        super().sort_by(order)
        self._make(self.now)

    def sifted(self, rows: Sequence[LimitRow]) -> Sequence[LimitRow]:
        """Return all: they are made for the filter."""
        return rows

    def meant(self, rows: Sequence[LimitRow]) -> Sequence[LimitRow]:
        """Return what itself fits: of the nodes all that are there."""
        if not self.wanted:
            return rows
        return [row for row in rows if isinstance(row, NodeUse) or self.fits(row)]

    def arranged(self, rows: Sequence[LimitRow]) -> Sequence[LimitRow]:
        """Return them as they are: they are made in order."""
        return rows

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return the resource, when its nodes were folded away."""
        if isinstance(key, tuple) and key[0] == "use":
            return ("limit", key[1], key[2])
        return None

    def title_facts(self) -> Line:
        """Return how many nodes are full, level by level."""
        if not self._levels:
            return ()
        facts = [
            (Span(f"{level.full:,} full {level.name}", "blocked"),)
            for level in self._levels
            if level.full
        ]
        return (Span("  "), *joined(facts)) if facts else (Span("  none full", "dim"),)

    # Folding.

    def _is_open(self, limit: Limit) -> bool:
        return self._choices.get(limit_key(limit), limit.nodes <= FEW_NODES)

    def _choose(self, limit: Limit, *, is_open: bool) -> None:
        self._choices[limit_key(limit)] = is_open
        self._make(self.now)

    def action_fold(self) -> None:
        """Fold the resource under the cursor; on a node: go to its resource."""
        row = self.current
        if isinstance(row, Limit) and self._is_open(row) and not self.wanted:
            self._choose(row, is_open=False)
        elif isinstance(row, NodeUse):
            self.point_at_key(("limit", row.level, row.resource))

    def action_unfold(self) -> None:
        """Show the nodes of the resource under the cursor; else go on to the next."""
        row = self.current
        if isinstance(row, Limit) and not self._is_open(row) and not self.wanted:
            self._choose(row, is_open=True)
        elif isinstance(row, Limit):
            self.action_cursor(1)

    def action_fold_all(self) -> None:
        """Fold all resources; if any is folded, unfold all."""
        limits = [limit for level in self._levels for limit in level.limits]
        is_open = any(not self._is_open(limit) for limit in limits)
        self._choices = {limit_key(limit): is_open for limit in limits}
        self._make(self.now)

    def clicked(self, x: int) -> None:
        """Fold or unfold where the fold mark was clicked."""
        row = self.current
        if isinstance(row, Limit) and abs(x - 1 - fold_column(row)) <= 1:
            if self._is_open(row):
                self.action_fold()
            else:
                self.action_unfold()

    def point_at_resource(
        self, level: LevelName, node: NodeName, resource: ResourceName
    ) -> bool:
        """Put the cursor on that resource of that node, unfolded if it was folded."""
        if self.wanted:
            self.set_filter("")
        self._choices[("limit", level, resource)] = True
        self._make(self.now)
        return self.point_at_key(("use", level, resource, node)) or self.point_at_key(
            ("limit", level, resource)
        )
