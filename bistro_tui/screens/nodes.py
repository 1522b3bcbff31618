"""Page 3: the nodes as tree, flat list or heat map, and all about the chosen one."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from bistro_tui.engine.view import NodeName, NodeRow, Snapshot
from bistro_tui.present.clean import clean_name
from bistro_tui.present.node_detail import node_rows
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.node_troubles import below, rolled_up
from bistro_tui.present.nodes import node_facts
from bistro_tui.present.things import NodeThing, ResourceThing, TaskThing, Thing
from bistro_tui.screens.node_feed import NodeFeed
from bistro_tui.screens.split import SplitPage
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.work import begin
from bistro_tui.widgets.detail_list import DetailList
from bistro_tui.widgets.node_grid import NodeGrid
from bistro_tui.widgets.node_list import NodeList
from bistro_tui.widgets.node_table import NodeTable
from bistro_tui.widgets.node_tree import NodeTree
from bistro_tui.widgets.rows import Rows

_TURN_SECONDS = 1.0


class NodesPage(SplitPage[DetailList]):
    """Nodes, and what runs, failed and waits on the chosen one."""

    KEY: ClassVar[str] = "3"
    NAME: ClassVar[str] = "Nodes"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "view", id="nodes.view",
                tooltip="Nodes: tree, flat list, heat map"),
    ]  # fmt: skip

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, DetailList(id="node-detail"))
        self._views: tuple[NodeList, ...] = (
            NodeTree(id="node-tree"),
            NodeTable(id="node-table"),
            NodeGrid(id="node-grid"),
        )
        self._at = 0
        self._feed = NodeFeed(stage.view)
        self._known: tuple[object, NodeIndex] | None = None
        """The failed tasks that the lists show, and of which tree."""

    @property
    def main(self) -> NodeList:
        """The list in sight."""
        return self._views[self._at]

    @property
    def mains(self) -> tuple[NodeList, ...]:
        """Tree, flat list and heat map."""
        return self._views

    def on_mount(self) -> None:
        """Begin to ask for what snapshots do not have."""
        self.set_interval(_TURN_SECONDS, self._turn, name="node")
        self._turn()

    # What is shown.

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        index = self.stage.node_index
        known = (self._feed.troubles, index)
        if self._known is None or any(
            a is not b for a, b in zip(known, self._known, strict=True)
        ):
            self._known = known
            troubles = rolled_up(self._feed.troubles, index)
            for pane in self._views:
                pane.troubles = troubles
        self.main.show(snapshot.nodes, self.stage.scene().now, index)
        self._show_details(snapshot)

    def _chosen_row(self, snapshot: Snapshot) -> NodeRow | None:
        row = self.main.current
        if row is None and snapshot.nodes and self.main.cursor_key is None:
            return snapshot.nodes[0]
        return row

    def _show_details(self, snapshot: Snapshot) -> None:
        now = self.stage.scene().now
        row, details = self._chosen_row(snapshot), self.details
        self._feed.choose(None if row is None else row.name)
        if row is None:
            details.title, details.facts = "", ()
            details.show((), now)
            return
        index = self.stage.node_index
        nodes = index.subtree(row.name)
        details.title = self._path(index, row.name)
        details.facts = node_facts(row)
        details.show(
            node_rows(
                row,
                running=[run for run in snapshot.running if run.task.node in nodes],
                claims=self._feed.claims,
                tasks=self._feed.tasks,
                troubles=below(self._feed.troubles, nodes),
                is_branch=len(nodes) > 1,
                refused=self._feed.refused,
                shown=snapshot,
            ),
            now,
        )

    @staticmethod
    def _path(index: NodeIndex, name: NodeName) -> str:
        place = index.place(name)
        if place is None:
            return clean_name(name)
        path = [place, *index.above(place)][:3]
        names = (clean_name(index.nodes[at].name, limit=24) for at in reversed(path))
        return " › ".join(names)

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        if message.pane is self.main:
            self._show_details(self.stage.snapshot)
            self._turn()

    def _turn(self) -> None:
        if not self.stage.is_frozen and self.display:
            begin(self, partial(self._ask, self.stage.snapshot), name="node")

    async def _ask(self, shown: Snapshot) -> None:
        now = self.stage.scene().now
        await self._feed.turn(self._chosen_row(shown), shown, now)
        if self.display and self.is_attached:
            self.take(self.stage.snapshot)

    def wants_all(self, width: int, height: int) -> bool:
        """Return whether the heat map would not fit beside the details."""
        pane = self.main
        return isinstance(pane, NodeGrid) and len(pane.rows) > width // 2 * (height - 3)

    # What a person does.

    def action_view(self) -> None:
        """Show the nodes as tree, as flat list, or as heat map; the node stays."""
        before = self.main
        self._at = (self._at + 1) % len(self._views)
        pane = self.main
        self.active_pane = pane
        if pane.filter_text != before.filter_text:
            pane.set_filter(before.filter_text)
        pane.show(
            self.stage.snapshot.nodes, self.stage.scene().now, self.stage.node_index
        )
        pane.display = True
        self.lay_out(*self.size)
        if before.cursor_key is not None:
            pane.stand_near(before.cursor_key)
        self.screen.set_focus(pane)

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that node, or on the node of that task or resource."""
        name: NodeName | None = None
        if isinstance(thing, NodeThing):
            name = thing.name
        elif isinstance(thing, TaskThing):
            name = thing.task.node
        elif isinstance(thing, ResourceThing):
            name = thing.node
        self.active_pane = self.main
        return name is not None and self.main.point_at_key(name)
