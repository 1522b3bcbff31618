"""Asks for what the page of tasks shows beside snapshots, as far as it is in sight."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from statistics import median

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    EngineView,
    JobName,
    LogSearch,
    NodeName,
    Reason,
    RunningRow,
    Snapshot,
    TaskPage,
)
from bistro_tui.present.task_columns import Surroundings
from bistro_tui.present.task_pages import (
    PAGE_ROWS,
    Question,
    TaskPages,
    reading_text,
)
from bistro_tui.present.task_states import RUNNING, TaskState
from bistro_tui.screens.named_tasks import NamedTasks
from bistro_tui.widgets.task_list import TaskList

_TAIL_LINES = 500
_LOOKS = 3
"""Logs of single tasks that are looked at in one turn, and pages that are read."""
_MEDIAN_SECONDS = 60.0
"""How long an answer about what is usual for a job holds."""
_FEW = 3
"""Of fewer attempts than that, none is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Which tasks are meant among those of a state."""

    job: JobName | None = None
    node: NodeName | None = None
    """That node alone."""

    def holds(self, job: str, node: str) -> bool:
        """Return whether that task is meant."""
        return self.job in (None, job) and self.node in (None, node)


EVERY = Narrowed()


class TaskFeed:
    """Feeds the list of tasks; one turn at a time, about once a second."""

    def __init__(
        self, view: EngineView, table: TaskList, surroundings: Surroundings
    ) -> None:
        self.state: TaskState = RUNNING
        self.narrowed = EVERY
        self.pages = TaskPages()
        self._named = NamedTasks()
        self.refusal = ""
        """Why there is no answer: the scheduler's sentence."""
        self._view = view
        self._table = table
        self._around = surroundings
        self._after = 0
        self._medians_asked: dict[JobName, float] = {}
        self._choice = 0
        self._busy_with: int | None = None
        """The choice that a question is open for."""

    def choose(self, state: TaskState, narrowed: Narrowed) -> None:
        """Begin with other tasks."""
        self._choice += 1
        self.state, self.narrowed, self.refusal = state, narrowed, ""
        self.pages.choose(state.reasons)
        self.pages.forget()
        self._named.forget()
        self._table.reading = ""

    async def turn(self, shown: Snapshot, now: float) -> None:
        """Ask what is due; at once back if the last turn goes on still.

        That of another choice is not waited for, and what it is refused is not told.
        """
        await self._alone(partial(self._turn, shown, now))

    async def read_on(self, shown: Snapshot) -> None:
        """Read more tasks if the end of those that were read is near."""
        if self.state.reasons:
            await self._alone(partial(self._read_on, shown))

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        choice = self._choice
        if self._busy_with == choice:
            return
        self._busy_with = choice
        try:
            await work()
        except ControlRefused as refused:
            if choice == self._choice:
                self.refusal = str(refused)
        finally:
            if self._busy_with == choice:
                self._busy_with = None

    async def _turn(self, shown: Snapshot, now: float) -> None:
        if self.state.reasons:
            choice = self._choice
            await self._renew(shown)
            if choice == self._choice:
                await self._ask_named(shown)
            if choice == self._choice:
                await self._read_on(shown)
        elif self.state is RUNNING:
            await self._read_last_lines()
            await self._ask_usual(shown, now)

    # Tasks of a state.

    async def _renew(self, shown: Snapshot) -> None:
        if self.pages.has_begun:
            in_sight = self._table.in_sight
            first = in_sight[0] if in_sight else None
            rows = self.pages.rows
            # Sorted or filtered, what is in sight stands in no order of pages.
            plain = first is not None and self._table.order is None
            top = round(self._table.scroll_offset.y)
            place = top if plain and not self._table.wanted else 0
            await self._ask(self.pages.again(min(place, max(0, len(rows) - 1))), shown)

    async def _ask_named(self, shown: Snapshot) -> None:
        """Ask for what a filter names; of one node all is asked for anyway."""
        choice, ask = self._choice, partial(self._page, shown)
        if self.narrowed.node is not None:
            return
        text = self._table.filter_text
        came = await self._named.turn(text, self.state.reasons, ask)
        if came and choice == self._choice and self._table.is_attached:
            self._show()

    async def _read_on(self, shown: Snapshot) -> None:
        choice = self._choice
        for _ in range(_LOOKS * 4):
            if choice != self._choice:
                return
            begun = self.pages.has_begun and bool(self.pages.rows)
            if begun and not self._table.is_near_end:
                return
            question = self.pages.more()
            if question is None:
                return
            await self._ask(question, shown)

    async def _ask(self, question: Question | None, shown: Snapshot) -> None:
        if question is None:
            return
        page = await self._page(shown, question, self.narrowed.node or "")
        if self.pages.take(question, page) and self._table.is_attached:
            self.refusal = ""
            self._show()

    async def _page(self, shown: Snapshot, question: Question, name: str) -> TaskPage:
        reason, narrowed = question.reason, self.narrowed
        if reason is not None and not shown.totals.get(reason, 0):
            return TaskPage(rows=(), next=None)
        page = await self._view.tasks(
            job=narrowed.job,
            reason=reason,
            name=name,
            after=question.after,
            limit=PAGE_ROWS,
        )
        if narrowed.node is None:
            return page
        rows = tuple(row for row in page.rows if narrowed.holds(*row.task))
        return TaskPage(rows=rows, next=page.next)

    def _show(self) -> None:
        pages, table = self.pages, self._table
        table.reading = reading_text(
            len(pages.rows), table.total, has_more=pages.has_more, is_cut=pages.is_cut
        )
        table.show(self._named.added_to(pages.rows), table.now)
        table.sync()

    # What running tasks say, and how long they usually take.

    def _running_in_sight(self) -> list[RunningRow]:
        return [row for row in self._table.in_sight if isinstance(row, RunningRow)]

    async def _read_last_lines(self) -> None:
        last = self._around.last
        page = await self._view.read_log(None, after=self._after, limit=_TAIL_LINES)
        self._after = page.last_id
        last.take(page.lines)
        for _ in range(_LOOKS):
            row = last.unknown(self._running_in_sight())
            if row is None:
                break
            search = LogSearch(
                task=row.task, invocation=row.invocation, backwards=True, limit=1
            )
            found = await self._view.search_log(search)
            last.looked(row, found.lines)
        self._table.sync()

    async def _ask_usual(self, shown: Snapshot, now: float) -> None:
        for row in self._running_in_sight():
            job = row.task.job
            if now - self._medians_asked.get(job, -_MEDIAN_SECONDS) < _MEDIAN_SECONDS:
                continue
            self._medians_asked[job] = now
            seconds: float | None = None
            # An older scheduler, or a job that is gone: what was seen has to do.
            with suppress(ControlRefused):
                seconds = (await self._view.job_facts(job)).median_seconds
            seconds = _seen_median(shown, job) if seconds is None else seconds
            if seconds is not None:
                self._around.medians[job] = seconds
            self._table.sync()
            return


def _seen_median(shown: Snapshot, job: JobName) -> float | None:
    """Return what done attempts among the last ones took."""
    took = [
        row.seconds
        for row in shown.ended
        if row.task.job == job and row.result is Reason.DONE
    ]
    return median(took) if len(took) >= _FEW else None
