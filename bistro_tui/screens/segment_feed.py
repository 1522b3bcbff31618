"""Reads the tasks behind one segment of a job's bar, page by page."""

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import EngineView, JobName, JobRow, Reason, TaskPage
from bistro_tui.present.clean import clean
from bistro_tui.present.job_segments import reason_word
from bistro_tui.present.task_pages import (
    PAGE_ROWS,
    Question,
    TaskPages,
    reading_text,
)
from bistro_tui.screens.named_tasks import NamedTasks
from bistro_tui.widgets.job_lists import SegmentTasks

_LOOKS = 5
"""Pages that are read in one turn for a filter."""
_AHEAD = 60
"""Rows below those in sight that are read before they are looked at."""


class SegmentFeed:
    """Feeds one list; one question at a time."""

    def __init__(self, view: EngineView, table: SegmentTasks) -> None:
        self.job: JobName | None = None
        self.reason: Reason | None = None
        self._view = view
        self._table = table
        self._pages = TaskPages()
        self._named = NamedTasks()
        self._is_busy = False

    def choose(self, job: JobName, reason: Reason | None) -> None:
        """Begin with other tasks; the same ones: nothing changes."""
        if (job, reason) == (self.job, self.reason):
            return
        self.job, self.reason = job, reason
        self._pages = TaskPages()
        self._pages.choose((reason,))
        self._named.forget()
        self._table.reading = ""
        self._table.note = "…"
        self._table.show((), self._table.now)

    async def turn(self, row: JobRow) -> None:
        """Read anew what is in sight, and on if its end is near."""
        if self._is_busy or self.job != row.name:
            return
        self._is_busy = True
        table = self._table
        reason = self.reason
        table.total = row.tasks if reason is None else row.counts.get(reason, 0)
        try:
            if self._pages.has_begun:
                top = round(table.scroll_offset.y) if table.order is None else 0
                last = max(0, len(self._pages.rows) - 1)
                await self._ask(self._pages.again(min(top, last)))
            pages = self._pages
            if await self._named.turn(table.filter_text, (reason,), self._page):
                self._show(pages)
            for _ in range(_LOOKS if table.wanted else 1):
                if pages is not self._pages or not self._is_near_end():
                    break
                await self._ask(pages.more())
        except ControlRefused as refused:
            table.note = clean(str(refused))
            table.sync()
        finally:
            self._is_busy = False

    @property
    def is_due(self) -> bool:
        """Whether the end of what was read is near, and no question is open."""
        return not self._is_busy and self._is_near_end()

    def _is_near_end(self) -> bool:
        if not self._pages.has_begun:
            return True
        wanted = self._table.last_in_sight + _AHEAD
        return self._pages.has_more and len(self._table.rows) < wanted

    async def _ask(self, question: Question | None) -> None:
        if question is None or self.job is None:
            return
        pages = self._pages
        page = await self._page(question, "")
        # Another job may have been chosen meanwhile.
        if pages is self._pages and pages.take(question, page):
            self._show(pages)

    async def _page(self, question: Question, name: str) -> TaskPage:
        if question.reason is not None and not self._table.total:
            return TaskPage(rows=(), next=None)
        return await self._view.tasks(
            job=self.job,
            reason=question.reason,
            name=name,
            after=question.after,
            limit=PAGE_ROWS,
        )

    def _show(self, pages: TaskPages) -> None:
        table = self._table
        if pages is not self._pages or not pages.has_begun:
            return
        word = "" if self.reason is None else f" that is {reason_word(self.reason)}"
        table.note = f"no task{word} now"
        table.reading = reading_text(
            len(pages.rows), table.total, has_more=pages.has_more, is_cut=pages.is_cut
        )
        if table.is_attached:
            table.show(tuple(self._named.added_to(pages.rows)), table.now)
            table.sync()
