"""The node tree with the use of every resource."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from bistro_tui.engine.view import NodeRow
from bistro_tui.present.folding import Folding
from bistro_tui.present.nodes import (
    LEVEL,
    RUNNING,
    USAGE,
    indent_of,
    node_name,
    trouble_text,
)
from bistro_tui.present.spans import Line, Scene
from bistro_tui.present.table import Column
from bistro_tui.widgets.node_list import NodeList


class NodeTree(NodeList):
    """Nodes, indented under the node above; a branch can be folded away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "fold", "fold", show=False, id="node.fold",
                tooltip="Fold this branch, or go to the node above"),
        Binding("right", "unfold", "unfold", show=False, id="node.unfold",
                tooltip="Unfold this branch, or go to the first node below"),
        Binding("asterisk", "fold_all", "fold all", show=False, id="node.fold_all",
                tooltip="Fold or unfold all branches"),
        Binding("shift+left", "fold_level(True)", "fold level", show=False,
                id="node.fold_level", tooltip="Fold all branches of this level"),
        Binding("shift+right", "fold_level(False)", "unfold level", show=False,
                id="node.unfold_level", tooltip="Unfold all branches of this level"),
        Binding("J", "sibling(1)", "next sibling", show=False, id="node.next_sibling",
                tooltip="Go to the next node below the same one"),
        Binding("K", "sibling(-1)", "previous sibling", show=False,
                id="node.previous_sibling",
                tooltip="Go to the node before below the same one"),
    ]  # fmt: skip

    shows_context = True

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._folding = Folding(self.index)
        name = Column(title="node", cell=self._name_cell, width=12, flex=2, most=60)
        trouble = Column(
            title="failed", cell=self._trouble_cell, width=8, tight=True, drop=3
        )
        self._columns: Sequence[Column[NodeRow]] = (name, LEVEL, RUNNING, USAGE)
        self._with_trouble: Sequence[Column[NodeRow]] = (
            name, LEVEL, RUNNING, trouble, USAGE,
        )  # fmt: skip

    def columns(self) -> Sequence[Column[NodeRow]]:
        """Return the columns; one of failures where there are any."""
        return self._with_trouble if self.troubles else self._columns

    def places(self) -> Sequence[int]:
        """Return the places that are not inside a folded branch."""
        return self._folding.shown

    def index_changed(self) -> None:
        """Keep the folds of the nodes that are still there."""
        self._folding = self._folding.renewed(self.index)

    def fitting(self, matches: Sequence[int]) -> Sequence[int]:
        """Return the nodes that fit with the nodes above them, folded ones too."""
        return self.with_above(matches)

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return the nearest node above, when the node was folded away."""
        places = self._places_of(key)
        if not places or self.wanted or not self._folding.shown:
            return None
        at = self._folding.position(places[0])
        return self.key_of(self._all[self._folding.shown[at]])

    def reveal(self, place: int) -> None:
        """Unfold what is above a node."""
        self._folding.reveal(place)
        self._sift()

    def _name_cell(self, row: NodeRow, width: int, scene: Scene) -> Line:
        return node_name(row, self._marker(row))

    def _trouble_cell(self, row: NodeRow, width: int, scene: Scene) -> Line:
        trouble = self.troubles.get(row.name)
        return () if trouble is None else trouble_text(trouble)

    def _marker(self, row: NodeRow) -> str:
        place = self.index.place(row.name)
        if place is None or not self.index.is_branch(place):
            return " "
        return "▸" if self._folding.is_folded(place) and not self.wanted else "▾"

    @property
    def _place(self) -> int | None:
        """Where the node under the cursor stands in the whole tree."""
        row = self.current
        if row is None:
            return None
        return next(iter(self._places_of(self.key_of(row))), None)

    def action_fold(self) -> None:
        """Fold the branch under the cursor; a leaf or folded one: go up."""
        place = self._place
        if place is None:
            return
        folding = self._folding
        if (
            self.index.is_branch(place)
            and not folding.is_folded(place)
            and not self.wanted
        ):
            folding.fold(place)
            self._sift()
            return
        above = self.index.parents[place]
        if above >= 0:
            self._go_to(above)

    def action_unfold(self) -> None:
        """Show what is below the node under the cursor; if it is shown, go there."""
        place = self._place
        if place is None or not self.index.is_branch(place):
            return
        if self._folding.is_folded(place) and not self.wanted:
            self._folding.unfold(place)
            self._sift()
        elif self._cursor + 1 < len(self.rows):
            self.put_cursor(self._cursor + 1)

    def action_fold_all(self) -> None:
        """Fold all branches but the root; if any is folded, unfold all."""
        if self._folding.any_folded:
            self._folding.unfold_all()
        else:
            self._folding.fold_all()
        self._sift()

    def action_fold_level(self, is_folded: bool) -> None:
        """Fold or unfold all branches as deep as that under the cursor."""
        row = self.current
        if row is not None and not self.wanted:
            self._folding.set_level(row.depth, is_folded=is_folded)
            self._sift()

    def action_sibling(self, step: int) -> None:
        """Go to the next node below the same one."""
        place = self._place
        other = None if place is None else self.index.sibling(place, step)
        if other is not None:
            self._go_to(other)

    def _go_to(self, place: int) -> None:
        position = self._index_of(self.key_of(self._all[place]))
        if position is not None:
            self.put_cursor(position)

    def clicked(self, x: int) -> None:
        """Fold or unfold where the fold mark was clicked."""
        row, place = self.current, self._place
        if row is None or place is None or not self.index.is_branch(place):
            return
        if abs(x - 1 - indent_of(row)) <= 1:
            if self._folding.is_folded(place):
                self.action_unfold()
            else:
                self.action_fold()
