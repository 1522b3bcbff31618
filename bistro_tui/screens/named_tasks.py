"""Tasks on nodes that a filter names, asked for beside the pages that are read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from bistro_tui.engine.view import Reason, TaskPage, TaskRow
from bistro_tui.present.filters import node_word
from bistro_tui.present.task_pages import Question, TaskPages

_MOST = 2_000
"""Tasks whose node has the word: a longer word finds the others."""
_LOOKS = 3

Ask: TypeAlias = Callable[[Question, str], Awaitable[TaskPage]]
"""Asks for a page of tasks with that word in their nodes."""


class NamedTasks:
    """What the scheduler finds of a filter's word, read or not; newest at each turn."""

    def __init__(self) -> None:
        self._word = ""
        self._pages = TaskPages()

    @property
    def rows(self) -> Sequence[TaskRow]:
        """What was found for the filter of the last turn."""
        return self._pages.rows

    def forget(self) -> None:
        """Begin anew: other tasks are meant."""
        self._word, self._pages = "", TaskPages()

    async def turn(
        self, filter_text: str, reasons: tuple[Reason | None, ...], ask: Ask
    ) -> bool:
        """Ask what is due; return whether anything came. Raises ControlRefused."""
        word = node_word(filter_text)
        if word != self._word:
            had_rows = bool(self.rows)
            self.forget()
            self._word = word
            if not word:
                return had_rows
        if not word:
            return False
        pages = self._pages
        pages.choose(reasons)
        questions = [pages.again(0)]
        for _ in range(_LOOKS):
            question = questions.pop() if questions else pages.more()
            if question is None or (question.place and len(self.rows) >= _MOST):
                break
            page = await ask(question, word)
            if pages is not self._pages:
                return True
            pages.take(question, page)
        return True

    def added_to(self, rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
        """Return these rows and those that were found beside them."""
        if not self.rows:
            return rows
        known = {row.task for row in rows}
        return [*rows, *(row for row in self.rows if row.task not in known)]
