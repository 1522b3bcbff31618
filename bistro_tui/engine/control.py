"""What people ask of an open engine: to read, to explain, to end, to forgive."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from bistro_tui.engine import sentences
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.logs.rows import LogTail
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    Event,
    Forgive,
    ForgiveTasks,
    KillRequested,
)
from bistro_tui.engine.view import Explanation, LogPage

log = logging.getLogger("bistro_tui")

_SLICE = 100
"""Tasks that are looked at in one go: a few milliseconds if all of them failed."""

STORE_SEC = 10.0
"""How long a request waits for the disk."""


class Tails(Protocol):
    """The newest lines of logs."""

    async def tail(self, task: TaskId | None, *, after: int, limit: int) -> LogTail:
        """Return up to ``limit`` newest output lines with an id above ``after``."""
        ...


class Control:
    """The answers. All on the engine's loop; each may raise ControlRefused."""

    def __init__(
        self,
        core: Core,
        logs: Tails,
        *,
        clock: Clock,
        feed: Callable[[Sequence[Event]], None],
        flush: Callable[[], Awaitable[None]],
    ) -> None:
        """``flush`` returns when every decided status is on disk."""
        self._core = core
        self._logs = logs
        self._clock = clock
        self._feed = feed
        self._flush = flush

    async def read_log(self, task: TaskId | None, *, after: int, limit: int) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        found = await self._logs.tail(task, after=after, limit=limit)
        return LogPage(
            lines=found.lines,
            last_id=found.last_id,
            partial=found.partial,
            attempt_running=bool(task and self._core.attempt(task)),
            unasked=found.unasked,
        )

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is; ControlRefused for an unknown one."""
        if not self._core.knows(task):
            raise ControlRefused(f"there is no task {task}")
        return self._core.explain(task, self._clock.now())

    async def tasks_of(self, job: JobName, *, limit: int) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, blocked ones first."""
        return self._core.explain_open(job, limit, self._clock.now())

    async def kill_task(
        self,
        task: TaskId,
        *,
        invocation: str | None = None,
        at_once: bool = False,
        is_logged: bool = False,
    ) -> str:
        """Begin to end a running task; ControlRefused when it does not run.

        ``invocation``: only that attempt. ``at_once``: with SIGKILL, also while it is
        being ended. ``is_logged``: who asked for it is in the log, or will be.
        """
        attempt = self._core.attempt(task)
        if attempt is None or attempt.ended:
            if self._core.is_recovering(task):
                raise ControlRefused(f"the copy of {task} from before is being ended")
            raise ControlRefused(sentences.task_does_not_run(task))
        if invocation not in (None, str(attempt.invocation)):
            raise ControlRefused(sentences.other_attempt_runs(task, attempt.number))
        if not is_logged:
            log.info("asked to %s task %s", "kill" if at_once else "stop", task)
        self._feed([KillRequested(task, at_once)])
        if at_once:
            return sentences.task_is_killed(task)
        return sentences.task_is_stopping(task)

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        config = self._core.config
        for job in jobs:
            if config is None or job not in config.jobs:
                raise ControlRefused(sentences.no_job(job))
        before = self._core.unstored
        self._feed([Forgive(jobs)])
        if self._core.unstored == before:
            waiting = self._core.unsettled(jobs)
            raise ControlRefused(
                sentences.not_settled(waiting)
                if waiting is not None
                else sentences.nothing_to_forgive(jobs)
            )
        log.info("asked to forgive %s", ", ".join(jobs))
        await self.stored()
        return sentences.jobs_forgiven(jobs)

    async def forgive_tasks(
        self,
        tasks: Sequence[TaskId],
        rest: Callable[[], Awaitable[object]],
        *,
        is_logged: bool = False,
    ) -> int:
        """Let these tasks run again at once where they failed; return how many did.

        On disk when this returns. ControlRefused where none has failures. ``rest`` is
        awaited between some; ``is_logged`` as of ``kill_task``.
        """
        number = 0
        for some in _slices(tasks):
            before = self._core.unstored
            self._feed([ForgiveTasks(some)])
            number += self._core.unstored - before
            await rest()
        if not number:
            waiting = self._core.unsettled(tasks=tasks)
            raise ControlRefused(
                sentences.not_settled(waiting)
                if waiting is not None
                else sentences.no_failures()
            )
        if not is_logged:
            log.info("asked to forgive %s", sentences.some_tasks(tasks))
        await self.stored()
        return number

    def forgive_job(self, job: JobName) -> None:
        """Do the same for one job that is known, whether or not it has failures.

        Whoever calls this logs who asked for it.
        """
        self._feed([Forgive((job,))])

    async def stored(self) -> None:
        """Return when all that was decided is on disk; ControlRefused if it takes long.

        What was forgiven must stay so over a crash once somebody was told.
        """
        try:
            async with asyncio.timeout(STORE_SEC):
                await self._flush()
        except TimeoutError:
            raise ControlRefused(
                "that is decided, but not on disk yet: see the banner about statuses"
            ) from None


def _slices(tasks: Sequence[TaskId]) -> Iterator[tuple[TaskId, ...]]:
    return (tuple(tasks[at : at + _SLICE]) for at in range(0, len(tasks), _SLICE))
