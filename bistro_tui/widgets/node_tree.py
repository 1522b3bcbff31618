"""The node tree with the use of every resource."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from bistro_tui.engine.view import NodeName, NodeRow
from bistro_tui.present.nodes import (
    LEVEL,
    RUNNING,
    USAGE,
    has_children,
    indent_of,
    matching,
    node_name,
    node_text,
    unfolded,
)
from bistro_tui.present.spans import Line, Scene
from bistro_tui.present.table import Column
from bistro_tui.present.things import NodeThing, Thing
from bistro_tui.widgets.row_list import RowList


class NodeTree(RowList[NodeRow]):
    """Nodes, indented under the node above; a branch can be folded away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "fold", "fold", show=False, id="node.fold",
                tooltip="Fold this branch, or go to the node above"),
        Binding("right", "unfold", "unfold", show=False, id="node.unfold",
                tooltip="Unfold this branch"),
        Binding("asterisk", "fold_all", "fold all", show=False, id="node.fold_all",
                tooltip="Fold or unfold all branches"),
    ]  # fmt: skip

    heading = "Nodes"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._folded: set[NodeName] = set()
        self._source: Sequence[NodeRow] = ()
        self._columns = (
            Column(title="node", cell=self._name_cell, width=12, flex=1, most=60),
            LEVEL,
            RUNNING,
            USAGE,
        )

    def key_of(self, row: NodeRow) -> Hashable:
        """Return the node's name."""
        return row.name

    def text_of(self, row: NodeRow) -> str:
        """Return the name."""
        return node_text(row)

    def columns(self) -> Sequence[Column[NodeRow]]:
        """Return the columns."""
        return self._columns

    def thing_of(self, row: NodeRow) -> Thing | None:
        """Return the node."""
        return NodeThing(name=row.name)

    def empty_text(self) -> str:
        """Return what stands here without nodes."""
        return "no nodes yet"

    def show(self, rows: Sequence[NodeRow], now: float) -> None:
        """Take the nodes in tree order."""
        self._source = rows
        super().show(unfolded(rows, self._folded), now)

    def sifted(self, rows: Sequence[NodeRow]) -> Sequence[NodeRow]:
        """Return the nodes that fit with the nodes above them, folded ones too."""
        return matching(self._source, self.wanted) if self.wanted else rows

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return the nearest node above, when the node was folded away."""
        in_sight = {row.name for row in self.rows}
        path: list[NodeRow] = []
        for row in self._source:
            del path[row.depth :]
            if row.name == key:
                above = reversed(path)
                return next((r.name for r in above if r.name in in_sight), None)
            path.append(row)
        return None

    def _name_cell(self, row: NodeRow, width: int, scene: Scene) -> Line:
        return node_name(row, self._marker(row))

    def _marker(self, row: NodeRow) -> str:
        if row.name in self._folded and not self.wanted:
            return "▸"
        return "▾" if row.name in self._parents() else " "

    def _parents(self) -> frozenset[NodeName]:
        # Asked for each visible row; made anew only when the nodes are.
        if self._parents_of is not self._source:
            self._parents_of = self._source
            self._parent_names = frozenset(
                row.name
                for index, row in enumerate(self._source)
                if has_children(self._source, index)
            )
        return self._parent_names

    _parents_of: Sequence[NodeRow] | None = None
    _parent_names: frozenset[NodeName] = frozenset()

    def _refold(self) -> None:
        self.show(self._source, self.now)

    def action_fold(self) -> None:
        """Fold the branch under the cursor; a leaf or folded one: go up."""
        row = self.current
        if row is None:
            return
        if row.name in self._parents() and row.name not in self._folded:
            self._folded.add(row.name)
            self._refold()
            return
        for index in range(self._cursor - 1, -1, -1):
            if self.rows[index].depth < row.depth:
                self.put_cursor(index)
                return

    def action_unfold(self) -> None:
        """Show what is below the node under the cursor."""
        row = self.current
        if row is not None and row.name in self._folded:
            self._folded.discard(row.name)
            self._refold()

    def action_fold_all(self) -> None:
        """Fold all branches but the root; if any is folded, unfold all."""
        if self._folded:
            self._folded.clear()
        else:
            roots = {row.name for row in self._source if row.depth == 0}
            self._folded = set(self._parents()) - roots
        self._refold()

    def clicked(self, x: int) -> None:
        """Fold or unfold where the fold mark was clicked."""
        row = self.current
        if row is None or row.name not in self._parents():
            return
        if abs(x - 1 - indent_of(row)) <= 1:
            if row.name in self._folded:
                self.action_unfold()
            else:
                self.action_fold()
