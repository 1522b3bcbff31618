"""Page 4: the tree of limits, and who has and who wants the chosen resource."""

from typing import ClassVar

from textual import on

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Claims, Snapshot
from bistro_tui.present.clean import clean_name
from bistro_tui.present.limit_cells import usage_facts
from bistro_tui.present.limits import uses_of_workers
from bistro_tui.present.node_detail import DetailRow, Said, claim_rows
from bistro_tui.present.things import ResourceThing, Thing
from bistro_tui.screens.split import SplitPage
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.work import begin
from bistro_tui.widgets.detail_list import DetailList
from bistro_tui.widgets.limit_tree import LimitTree
from bistro_tui.widgets.rows import Rows

_TURN_SECONDS = 1.0
_EMPTY = "put the cursor on a resource: who has it, and who waits, stands here"


class ResourcesPage(SplitPage[DetailList]):
    """Limits, use, holders and waiters."""

    KEY: ClassVar[str] = "4"
    NAME: ClassVar[str] = "Resources"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, DetailList(id="claims"))
        self._tree = LimitTree(id="limits")
        self._thing: ResourceThing | None = None
        self._claims: Claims | None = None
        self._refused = ""
        self._is_busy = False
        self.details.empty = _EMPTY

    @property
    def main(self) -> LimitTree:
        """The tree of limits."""
        return self._tree

    def on_mount(self) -> None:
        """Begin to ask who has and who wants."""
        self.set_interval(_TURN_SECONDS, self._turn, name="claims")
        self._turn()

    # What is shown.

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        now = self.stage.scene().now
        index, of_workers = self.stage.node_index, uses_of_workers(snapshot)
        self._tree.show_limits(index, snapshot.nodes, now, of_workers=of_workers)
        self._show_claims()

    def _show_claims(self) -> None:
        row = self._tree.current
        thing = None if row is None else self._tree.thing_of(row)
        thing = thing if isinstance(thing, ResourceThing) else None
        if thing != self._thing:
            self._thing, self._claims, self._refused = thing, None, ""
            self._turn()
        details, now = self.details, self.stage.scene().now
        details.title, details.facts = "", ()
        rows: list[DetailRow] = []
        if thing is not None:
            details.title = (
                f"{clean_name(thing.resource, limit=30)} "
                f"on {clean_name(thing.node, limit=40)}"
            )
        if self._refused:
            rows = [Said(text=self._refused, key="refused", is_error=True)]
        elif self._claims is not None:
            claims = self._claims
            details.facts = usage_facts(claims.used, claims.limit, self.stage.scene())
            held = {row.task for row in claims.holders}
            running = {
                row.task: row for row in self.stage.snapshot.running if row.task in held
            }
            rows = claim_rows(claims, running, self.stage.snapshot)
        elif thing is not None:
            rows = [Said(text="asking the scheduler …", key="asking")]
        details.show(rows, now)

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        if message.pane is self._tree:
            self._show_claims()

    def _turn(self) -> None:
        if not self.stage.is_frozen and self.display and not self._is_busy:
            begin(self, self._ask, name="claims")

    async def _ask(self) -> None:
        asked: ResourceThing | None = None
        # The cursor may have gone on while the answer was on its way.
        while not self._is_busy and self._thing not in (None, asked):
            asked = self._thing
            assert asked is not None
            self._is_busy = True
            try:
                claims = await self.stage.view.claims(asked.node, asked.resource)
                refused = ""
            except ControlRefused as error:
                claims, refused = None, str(error)
            finally:
                self._is_busy = False
            if asked == self._thing:
                self._claims, self._refused = claims, refused
        if self.display and self.is_attached:
            self._show_claims()

    # What a person does.

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that resource of that node."""
        if not isinstance(thing, ResourceThing):
            return False
        self.active_pane = self._tree
        return self._tree.point_at_resource(thing.level, thing.node, thing.resource)
