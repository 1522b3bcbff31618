"""Keeps a log view fed: asks the scheduler for what it shows, and for what it lacks."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, TypeAlias, TypeVar

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Attempt, LogLine, LogPage, LogSearch, TaskId
from bistro_tui.present.clean import clean
from bistro_tui.present.log_buffer import PAGE
from bistro_tui.present.log_lines import whole_text
from bistro_tui.present.log_target import Several, Target
from bistro_tui.present.sought import Sought
from bistro_tui.screens.clipboard import copy_lines
from bistro_tui.screens.pager import show_in_pager
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.work import begin
from bistro_tui.widgets.log_view import LogView

Answer = TypeVar("Answer")

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

_ROUNDS = 50
"""Questions in a row for older lines, where the scheduler cannot sift them for us."""
_MOST_TASKS = 32
"""Of a merged log: each is a question of its own."""


class LogFeed:
    """Reads the log that the view is set to; answers to older questions are dropped."""

    def __init__(self, stage: Stage, log: LogView) -> None:
        self._stage = stage
        self._log = log
        self._asking = False
        self._again = False
        self._looking = False
        self._tired: object = None
        """What was looked back in for long enough without a person asking again."""
        self._long: asyncio.Task[Any] | None = None
        """What a person waits for, and may have enough of."""
        self._after: tuple[Target, dict[TaskId, int]] | None = None
        self._unasked: tuple[object, dict[str, tuple[str, ...]]] = (None, {})
        """By choice: who did not answer, by what was asked for."""
        log.hands = self

    # What is new.

    async def ask(self) -> None:
        """Read what is new; while a question is open, note that one more is due."""
        if self._asking:
            self._again = True
            return
        self._asking = True
        try:
            while True:
                self._again = False
                await self._ask_once()
                if not self._again:
                    break
        finally:
            self._asking = False
        if self._log.is_attached and self._log.wants_older:
            self._begin_looking()

    async def _ask_once(self) -> None:
        buffer = self._log.buffer
        asked = buffer.target
        if not asked.is_live:
            return
        try:
            page = await self._newest(asked)
        except ControlRefused:
            # The task left the config between the choice and the question.
            return
        if self._log.is_attached and buffer.target is asked:
            self._tell_unasked("newest", page)
            self._log.add(page)

    async def _newest(self, target: Target) -> LogPage:
        if target.task is None and isinstance(target.scope, Several):
            return await self._merged(target, target.scope)
        buffer = self._log.buffer
        limit = PAGE if buffer.at_end else 1
        after = buffer.last_id
        return await self._stage.view.read_log(target.task, after=after, limit=limit)

    async def _merged(self, target: Target, several: Several) -> LogPage:
        """Return what is new of each of some tasks, in one."""
        if self._after is None or self._after[0] is not target:
            self._after = (target, {})
        seen = self._after[1]
        tasks = sorted(several.tasks)[:_MOST_TASKS]
        read = self._stage.view.read_log
        limit = PAGE // len(tasks) if tasks else PAGE
        pages = await asyncio.gather(
            *(read(task, after=seen.get(task, 0), limit=limit) for task in tasks),
            return_exceptions=True,
        )
        lines, unasked = list[LogLine](), dict[str, None]()
        for task, page in zip(tasks, pages, strict=True):
            if isinstance(page, LogPage):
                lines += page.lines
                unasked |= dict.fromkeys(page.unasked)
                seen[task] = max(seen.get(task, 0), page.last_id)
            elif not isinstance(page, ControlRefused):
                raise page
        lines.sort(key=lambda line: line.line_id)
        return LogPage(
            lines=tuple(lines),
            last_id=max(seen.values(), default=0),
            unasked=tuple(unasked),
        )

    # Whose lines are missing.

    async def _search(self, question: LogSearch) -> LogPage:
        choice = self._choice()
        page = await self._stage.view.search_log(question)
        if self._log.is_attached and choice == self._choice():
            self._tell_unasked("past", page)
        return page

    def _tell_unasked(self, what: str, page: LogPage) -> None:
        choice = self._choice()
        if self._unasked[0] != choice:
            self._unasked = (choice, {})
        told = self._unasked[1]
        told[what] = page.unasked
        self._log.tell_unasked(tuple(dict.fromkeys(chain.from_iterable(told.values()))))

    # What is missing above and below.

    def look(self) -> None:
        """Fetch what is missing above or below."""
        self._tired = None
        self._begin_looking()

    def _begin_looking(self) -> None:
        log = self._log
        is_due = log.is_attached and (log.wants_older or log.wants_newer)
        if is_due and not self._looking and self._choice() != self._tired:
            begin(log, self._look, name="log older")

    def _choice(self) -> object:
        buffer = self._log.buffer
        return (buffer.target, buffer.sought, buffer.streams)

    async def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        try:
            await self._fetch()
        except ControlRefused as refused:
            self._tired = self._choice()
            self._log.note = f"older lines: {clean(str(refused))[:80]}"
        finally:
            self._looking = False
            self._log.is_looking = False
            self._log.sync()

    async def _fetch(self) -> None:
        log, buffer, rounds = self._log, self._log.buffer, 0
        while log.is_attached:
            choice = self._choice()
            older = buffer.older_question() if log.wants_older else None
            newer = buffer.newer_question() if log.wants_newer else None
            question = older or newer
            if question is None:
                return
            rounds += 1
            if rounds > _ROUNDS and not (question.text or question.regex):
                self._tired = choice
                return
            log.is_looking = bool(buffer.sought)
            log.sync()
            page = await self._search(question)
            if choice != self._choice() or not log.is_attached:
                continue
            if older is not None:
                log.changed(buffer.add_older(page))
            elif newer == buffer.newer_question():
                log.changed(buffer.add_newer(page))

    # Hits beyond what is held.

    def hunt(self, sought: Sought, *, backwards: bool) -> None:
        """Go to the next line that fits, beyond those that are held."""
        hunt = partial(self._hunt, sought, backwards)
        self._do(lambda: self._patient("looking on", hunt()))

    async def _hunt(self, sought: Sought, backwards: bool) -> None:
        log, buffer = self._log, self._log.buffer
        target = buffer.target
        question = buffer.next_question(sought, backwards=backwards)
        while question is not None:
            page = await self._search(question)
            if buffer.target is not target:
                return
            lines = page.lines[::-1] if backwards else page.lines
            for line in lines:
                if buffer.is_in_scope(line) and sought.fits(line):
                    await self._show_around(line)
                    return
            more = page.last_id
            question = replace(question, line_id=more) if more else None
        log.no_hit(backwards=backwards)

    def show_around(self, line: LogLine) -> None:
        """Show the part of the log around that line."""
        self._do(partial(self._show_around, line))

    async def _show_around(self, line: LogLine) -> None:
        self._show_place_of(await self._around(line.line_id), line.line_id)

    def go_to(self, line_id: int) -> None:
        """Show the part of the log around the line with that id."""
        self._do(partial(self._go_to, line_id))

    async def _go_to(self, line_id: int) -> None:
        target = self._log.buffer.target
        pages = await self._around(line_id)
        if self._log.buffer.target is target:
            self._show_place_of(pages, line_id)

    async def _around(self, line_id: int) -> tuple[LogPage, LogPage]:
        search = self._search
        first, second = self._log.buffer.around_questions(line_id)
        before, after = await asyncio.gather(search(first), search(second))
        return before, after

    def _show_place_of(self, pages: tuple[LogPage, LogPage], line_id: int) -> None:
        if self._log.is_attached:
            self._log.buffer.begin_at(*pages)
            self._log.show_part(line_id)

    # Attempts.

    def other_attempt(self) -> None:
        """Show the attempt before the one that is shown."""
        self._do(self._other_attempt)

    async def _other_attempt(self) -> None:
        log, target = self._log, self._log.buffer.target
        if target.task is None:
            return
        attempt = await self._attempt_before(target.task, target.attempt)
        if not log.is_attached or log.buffer.target is not target:
            return
        if attempt is None:
            first = "no attempt before that is known"
            log.note = first if target.attempt else "no attempt is over yet"
            log.sync()
            return
        log.show_target(Target(task=target.task, attempt=attempt))
        self.look()

    async def _attempt_before(
        self, task: TaskId, shown: Attempt | None
    ) -> Attempt | None:
        before, is_next = None, shown is None
        while True:
            page = await self._stage.view.history(task=task, before=before, limit=100)
            for attempt in page.attempts:
                if is_next:
                    return attempt
                is_next = shown is not None and attempt.invocation == shown.invocation
            before = page.next
            if before is None:
                return None

    # Copies and the pager.

    def copy(self, lines: Sequence[LogLine]) -> None:
        """Copy these lines."""
        texts = [whole_text(line.line) for line in lines]
        self._do(partial(copy_lines, self._stage, self._log.app, texts))

    def open_pager(self) -> None:
        """Show the log in the pager."""
        buffer = self._log.buffer
        attempt = buffer.attempt
        question = LogSearch(
            task=buffer.task,
            invocation=None if attempt is None else attempt.invocation,
            streams=buffer.streams,
            text=buffer.sought.needle,
            regex=buffer.sought.regex,
            backwards=True,
            limit=1_000,
        )
        patient = partial(self._patient, "reading it for the pager")
        fits = buffer.is_in_sight
        self._do(partial(show_in_pager, self._stage, question, fits, patient))

    def give_up(self) -> bool:
        """Do not wait any longer for what takes long; return False if nothing does."""
        if self._long is None:
            return False
        self._long.cancel()
        return True

    async def _patient(self, what: str, work: Awaitable[Answer]) -> Answer:
        log, note = self._log, f"{what} … · Escape stops"
        log.note, self._long = note, asyncio.current_task()
        log.sync()
        try:
            return await work
        finally:
            self._long = None
            if log.note == note:
                log.note = ""
            log.sync()

    def _do(self, work: Work) -> None:
        begin(self._log, partial(self._done, work), name="log")

    async def _done(self, work: Work) -> None:
        try:
            await work()
        except ControlRefused as refused:
            self._stage.say(str(refused), True)
