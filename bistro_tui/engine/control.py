"""What people ask of an open engine: to read, to explain, to end, to forgive."""

import logging
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import Event, Forgive, KillRequested
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.view import Explanation, LogPage

log = logging.getLogger("bistro_tui")


class Control:
    """The answers. All on the engine's loop; each may raise ControlRefused."""

    def __init__(
        self,
        core: Core,
        logs: LogWriter,
        *,
        clock: Clock,
        feed: Callable[[Sequence[Event]], None],
    ) -> None:
        self._core = core
        self._logs = logs
        self._clock = clock
        self._feed = feed

    async def read_log(self, task: TaskId | None, *, after: int, limit: int) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        found = await self._logs.tail(task, after=after, limit=limit)
        return LogPage(
            lines=found.lines,
            last_id=found.last_id,
            partial=found.partial,
            attempt_running=bool(task and self._core.attempt(task)),
        )

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is; ControlRefused for an unknown one."""
        if not self._core.knows(task):
            raise ControlRefused(f"there is no task {task}")
        return self._core.explain(task, self._clock.now())

    async def tasks_of(self, job: JobName, *, limit: int) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, blocked ones first."""
        return self._core.explain_open(job, limit, self._clock.now())

    async def kill_task(self, task: TaskId) -> str:
        """Begin to end a running task; ControlRefused when it does not run."""
        attempt = self._core.attempt(task)
        if attempt is None or attempt.ended:
            if self._core.is_recovering(task):
                raise ControlRefused(f"the copy of {task} from before is being ended")
            raise ControlRefused(f"{task} is not running")
        log.info("asked to stop task %s", task)
        self._feed([KillRequested(task)])
        return f"stopping {task}; it will be tried again unless its job is disabled"

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        config = self._core.config
        for job in jobs:
            if config is None or job not in config.jobs:
                raise ControlRefused(f"there is no job {job}")
        if not any(
            self._core.counts(job).keys() & {Reason.FAILED, Reason.BACKOFF}
            for job in jobs
        ):
            raise ControlRefused(f"{', '.join(jobs)}: no failures to forgive")
        log.info("asked to forgive %s", ", ".join(jobs))
        self._feed([Forgive(jobs)])
        return f"forgave failures of {', '.join(jobs)}"
