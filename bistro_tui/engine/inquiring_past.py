"""Answers about what is over and what was said: attempts, lines, failures, notices."""

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bistro_tui.engine import sentences
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.problems import LocatedProblem
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.history import (
    MOST_ATTEMPTS,
    HistoryQuery,
    Place,
    place_in,
    place_text,
    result_word,
    search_attempts,
    within_reach,
)
from bistro_tui.engine.ids import InvocationId, JobName, TaskId
from bistro_tui.engine.logs.attempts import LARGEST_INTEGER, AttemptRecord
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.last_words import LastWords
from bistro_tui.engine.logs.lines import Lines
from bistro_tui.engine.logs.patterns import LONGEST_REGEX, Pattern
from bistro_tui.engine.logs.query import PAGE_LINES, THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.notice_ring import NoticeRing
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.failing import Failing, NewestFailing
from bistro_tui.engine.sqlite import in_words
from bistro_tui.engine.view import (
    Attempt,
    AttemptPage,
    ConfigFacts,
    ConfigProblem,
    Failure,
    LogPage,
    LogSearch,
    Notice,
)
from bistro_tui.engine.world import World

T = TypeVar("T")

MOST_FAILURES = 1_000

FAILING_SEC = 0.25
"""For so long the newest failures are looked for among very many."""

_AT_ONCE = 100
"""Failures whose last words are read in one go: a search may go on between."""

_REMEMBERED = 4 * MOST_FAILURES

_PROBLEMS_AT_ONCE = 500

Rest = Callable[[], Awaitable[object]]
"""Awaited often by what takes long; lets others have the loop when it is time."""


class Past:
    """The answers. All on the engine's loop; each may raise ControlRefused."""

    def __init__(
        self,
        core: Core,
        world: World,
        lines: Lines,
        reader: LogReader,
        ring: NoticeRing,
        *,
        clock: Clock,
    ) -> None:
        self._core = core
        self._world = world
        self._lines = lines
        self._reader = reader
        self._ring = ring
        self._clock = clock
        self._words: OrderedDict[TaskId, tuple[float, LastWords]] = OrderedDict()
        """Of failures, with the time of their status: neither changes any more."""

    # Attempts.

    async def history(
        self,
        *,
        task: TaskId | None = None,
        job: JobName | None = None,
        since: float | None = None,
        before: str | None = None,
        limit: int = 500,
    ) -> AttemptPage:
        """Return attempts that are over, newest first."""
        if task is not None and job not in (None, task.job):
            return AttemptPage(attempts=(), next=None)
        place = place_in(before) if before is not None else None
        if before is not None and place is None:
            raise ControlRefused(sentences.no_place())
        asked = HistoryQuery(
            job=task.job if task is not None else job,
            node=task.node if task is not None else None,
            since=within_reach(since),
            limit=min(max(limit, 1), MOST_ATTEMPTS),
            before=place,
        )
        found, behind = await self.attempts(asked)
        return AttemptPage(
            attempts=tuple(map(_attempt, found)),
            next=place_text(behind) if behind is not None else None,
        )

    async def attempts(
        self, asked: HistoryQuery
    ) -> tuple[list[AttemptRecord], Place | None]:
        """Return attempts, and after which to go on; None: there are no more."""
        return await _readable(
            self._reader.run(
                lambda connection: search_attempts(
                    connection, asked, Deadline(self._clock).is_over
                )
            )
        )

    # Lines.

    async def search_log(self, search: LogSearch) -> LogPage:
        """Return lines of the whole log, oldest first; ``last_id``: where to go on."""
        pattern = await _pattern(search)
        if not search.streams:
            return LogPage(lines=(), last_id=0)
        asked = LogQuery(
            streams=tuple(dict.fromkeys(search.streams)),
            jobs=(search.task.job,) if search.task is not None else (),
            nodes=(search.task.node,) if search.task is not None else (),
            line_id=search.line_id,
            ascending=not search.backwards,
            limit=min(max(search.limit, 1), PAGE_LINES),
            pattern=pattern,
        )
        invocation = search.invocation if search.task is not None else None
        page = await self.lines(asked, invocation=invocation)
        lines = page.lines[::-1] if search.backwards else page.lines
        last_id = 0 if page.next_line_id == THE_END else page.next_line_id
        return LogPage(lines=lines, last_id=last_id, unasked=page.unasked)

    async def lines(
        self, asked: LogQuery, *, invocation: str | None = None
    ) -> QueryPage:
        """Return the next page, also of what is not in the store yet.

        ``invocation``: only lines of that attempt, of the one job and node asked for.
        """
        if invocation is None:
            return await _readable(self._lines.page(asked))
        attempt = InvocationId.from_text(invocation)
        if attempt is None or max(map(abs, attempt)) > LARGEST_INTEGER:
            raise ControlRefused(sentences.no_invocation(invocation))
        task = TaskId(asked.jobs[0], asked.nodes[0])
        running = self._core.attempt(task)
        is_running = running is not None and running.invocation == attempt
        return await _readable(
            self._lines.page(asked, attempt=attempt, is_running=is_running)
        )

    # Failures.

    async def failures(
        self, *, job: JobName | None, limit: int, rest: Rest
    ) -> tuple[Failure, ...]:
        """Return failed and backing-off tasks with their last words, newest first.

        Where there are very many, the newest of those found in ``FAILING_SEC``.
        """
        if job is not None and job not in self._core.state.jobs:
            raise ControlRefused(sentences.no_job(job))
        looking = NewestFailing(
            self._core.state, job, min(max(limit, 1), MOST_FAILURES)
        )
        end = self._clock.now().mono + FAILING_SEC
        while looking.look() and self._clock.now().mono < end:
            await rest()
        found = looking.newest()
        words = await self._last_words(found)
        return tuple(
            Failure(
                task=task,
                reason=reason,
                ended=status.time,
                exit=said.exit,
                last_line=said.line,
                line_id=said.line_id,
            )
            for (task, reason, status), said in zip(found, words, strict=True)
        )

    async def _last_words(self, found: Sequence[Failing]) -> list[LastWords]:
        known = self._words
        words: dict[TaskId, LastWords] = {}
        unknown: list[Failing] = []
        for one in found:
            remembered = known.get(one.task)
            if remembered is None or remembered[0] != one.status.time:
                unknown.append(one)
            else:
                words[one.task] = remembered[1]
                known.move_to_end(one.task)
        for at in range(0, len(unknown), _AT_ONCE):
            some = unknown[at : at + _AT_ONCE]
            asked = self._lines.last_words([one.task for one in some])
            for one, said in zip(some, await _readable(asked), strict=True):
                words[one.task] = said
                if said.is_known:
                    known[one.task] = one.status.time, said
        while len(known) > _REMEMBERED:
            known.popitem(last=False)
        return [words[one.task] for one in found]

    # The scheduler itself.

    async def config_facts(self) -> ConfigFacts:
        """Return the config in force and what is wrong in the file."""
        world = self._world
        judgement = world.judgement
        problems: list[ConfigProblem] = []
        for found, is_error in (
            (judgement.errors, True),
            (judgement.warnings, False),
        ):
            for at in range(0, len(found), _PROBLEMS_AT_ONCE):
                some = found[at : at + _PROBLEMS_AT_ONCE]
                problems += [_problem(one, is_error=is_error) for one in some]
                await asyncio.sleep(0)
        return ConfigFacts(
            path=str(world.path),
            version=world.version,
            loaded=world.loaded_at,
            problems=tuple(sorted(problems, key=lambda one: (one.line, one.column))),
            is_in_force=world.is_in_force,
        )

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        """Return what was said since that serial, oldest first."""
        return self._ring.since(after)


async def _readable(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except sqlite3.Error as error:
        raise ControlRefused(
            f"the log store cannot be read: {in_words(error)}"
        ) from None


async def _pattern(search: LogSearch) -> Pattern | None:
    """Return what is searched for. Made in a thread: the first loads the library."""
    if search.text and search.regex:
        raise ControlRefused(sentences.text_or_regex())
    text, what = search.text or search.regex, "text" if search.text else "regex"
    if not text:
        return None
    if len(text) > LONGEST_REGEX:
        raise ControlRefused(sentences.pattern_too_long(what, LONGEST_REGEX))
    try:
        if search.text:
            return await asyncio.to_thread(Pattern.text, text, ignore_case=True)
        return await asyncio.to_thread(Pattern.regex, text)
    except ValueError as error:
        raise ControlRefused(f"{what} {error}") from None


def _attempt(record: AttemptRecord) -> Attempt:
    return Attempt(
        task=record.task,
        invocation=str(record.invocation),
        started=record.started,
        ended=record.ended,
        result=result_word(record.result_bits),
        exit=record.exit_text,
        detail=record.detail,
        worker=record.worker,
        peak_memory=record.peak_memory,
        cpu_seconds=record.cpu_seconds,
    )


def _problem(one: LocatedProblem, *, is_error: bool) -> ConfigProblem:
    return ConfigProblem(
        file=one.file,
        line=one.line,
        column=one.column,
        path=one.path,
        message=one.message,
        job=one.job,
        is_error=is_error,
    )
