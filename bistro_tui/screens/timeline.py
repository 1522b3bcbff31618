"""Page 7: attempts along the time, by job or by node."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from bistro_tui.engine.view import Attempt, RunningRow, Snapshot
from bistro_tui.present.clean import clean_name
from bistro_tui.present.run_facts import full_facts, rule, short_facts
from bistro_tui.present.runs import MOST, RunKey, Runs
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.things import JobThing, NodeThing, TaskThing, Thing
from bistro_tui.screens.history_feed import HistoryFeed
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import wrap
from bistro_tui.widgets.gantt_view import GanttView

_TURN_SECONDS = 1.0
_FACT_ROWS = 2
_MARGIN = Span("  ")


class TimelinePage(Page):
    """The chart, and below it the facts of the attempt under the cursor."""

    KEY: ClassVar[str] = "7"
    NAME: ClassVar[str] = "Timeline"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._runs = Runs()
        self._gantt = GanttView(self._runs, id="gantt")
        self._feed = HistoryFeed(stage.view, self._runs)
        self._facts = Bar(self._fact_lines, id="run-facts")
        self._wanted: TaskThing | None = None
        self._fact_rows = _FACT_ROWS
        self.active_pane = self._gantt

    def compose(self) -> ComposeResult:
        """The chart and the facts."""
        yield self._gantt
        yield self._facts

    def on_mount(self) -> None:
        """Begin to read the history."""
        self._gantt.note = "reading the history …"
        # Of a young scheduler, all that happened fills the chart.
        now = self.stage.scene().now
        self._gantt.begin(now, now - self.stage.snapshot.state.started)
        self.set_interval(_TURN_SECONDS, self._turn, name="history")
        self._turn()

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The chart."""
        return (self._gantt,)

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._runs.look(snapshot.running, snapshot.ended)
        self._show()

    def _show(self) -> None:
        self._gantt.known_since = self._feed.known_since
        self._gantt.show(self.stage.scene().now)
        if self._wanted is not None and self._gantt.point_at(self._wanted):
            self._wanted = None
        self._facts.sync()
        self.screen.refresh_bindings()

    def tick(self) -> None:
        """Let the time go on."""
        super().tick()
        self._facts.sync()

    def lay_out(self, width: int, height: int) -> None:
        """Leave the chart all but the facts."""
        self._gantt.styles.height = "1fr"
        self._fact_rows = _FACT_ROWS if height >= 14 else 1
        self._facts.sync()

    def _turn(self) -> None:
        if not self.stage.is_frozen and self.display:
            begin(self, self._read, name="history")

    async def _read(self) -> None:
        jobs = self.stage.snapshot.jobs
        places: dict[str, int] = {job.name: at for at, job in enumerate(jobs)}
        if places != self._gantt.chart.order:
            self._gantt.chart.order = places
        await self._feed.turn(self._gantt.chart.axis.left)
        if not self._gantt.is_attached:
            return
        self._gantt.note = self._note()
        if not self.stage.is_frozen:
            self._show()

    def _note(self) -> str:
        if self._feed.refusal:
            return clean_name(self._feed.refusal)
        if self._feed.is_full and self._gantt.chart.axis.left < self._feed.known_since:
            return f"the newest {MOST:,} are held"
        if self._gantt.chart.axis.left < self._feed.known_since:
            return "reading older ones …"
        return ""

    @on(GanttView.Moved)
    def _moved(self) -> None:
        self._turn()

    @on(GanttView.Chosen)
    def _chosen(self, event: GanttView.Chosen) -> None:
        if not event.by_itself:
            self._wanted = None
        self._facts.sync()
        self.screen.refresh_bindings()

    # What is known of the attempt under the cursor.

    def _known(self, key: RunKey | None) -> Attempt | RunningRow | None:
        if key is None:
            return None
        return self._runs.attempt(key) or self._runs.row(key)

    def _fact_lines(self, width: int) -> list[Line]:
        run = self._gantt.run
        known = self._known(None if run is None else run.key)
        facts = short_facts(known, self.stage.scene())
        lines = wrap(facts, max(8, width - 3))[: self._fact_rows]
        # The chart keeps its height while the cursor moves.
        lines += [()] * (self._fact_rows - len(lines))
        return [rule(known, width), *((_MARGIN, *line) for line in lines)]

    @on(GanttView.Opened)
    def _opened(self) -> None:
        self.open_details(self.things())

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Show all that is known of the attempt under the cursor."""
        run = self._gantt.run
        if run is None:
            return
        title = f"Attempt · {clean_name(str(run.task))}"
        text = partial(self._full, run.key)
        self.stage.open_text(title, text, opened_by="enter")

    async def _full(self, key: RunKey) -> list[Line]:
        return full_facts(self._known(key), self.stage.scene())

    def idle_acts(self) -> frozenset[str]:
        """Return the ids of keys that need an attempt while none is chosen."""
        idle = super().idle_acts()
        return idle | {"act.details"} if self._gantt.run is None else idle

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that attempt; of a job or a node show only its own."""
        match thing:
            case TaskThing():
                if not self._gantt.point_at(thing):
                    self._wanted = thing
            case JobThing():
                self._gantt.set_filter(f'job="{thing.name}"')
            case NodeThing():
                self._gantt.set_filter(f'node="{thing.name}"')
            case _:
                return False
        return True

    def back(self) -> bool:
        """Undo one step: the filter, then the look into the past."""
        if super().back():
            return True
        if self._gantt.chart.following:
            return False
        self._gantt.action_follow()
        return True
