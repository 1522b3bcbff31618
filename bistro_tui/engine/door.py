"""The door for whoever lives in the same process: the UI on its own thread."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bistro_tui.engine import sentences
from bistro_tui.engine.api.handler import HandlerError
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config_edits import set_job_priority, set_limit
from bistro_tui.engine.crossing import Crossing
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.engine.scheduling.task_pages import Asked
from bistro_tui.engine.view import (
    AttemptPage,
    Claims,
    ConfigFacts,
    Explanation,
    Failure,
    JobFacts,
    JobGrid,
    LogPage,
    LogSearch,
    Notice,
    Reason,
    Snapshot,
    TaskPage,
    TaskRow,
)

T = TypeVar("T")


class InProcessDoor:
    """EngineView and EngineControl for another thread; the engine's loop answers."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        """Made on the engine's loop, when the engine is open."""
        self._engine = engine
        self._loop = loop
        self._crossing = Crossing(loop, "the engine has stopped")
        self._shown = engine.latest
        engine.subscribe(self._look)

    def close(self) -> None:
        """Answer no question any more; to be called on the loop, before it ends."""
        self._crossing.close()

    def _look(self) -> None:
        self._shown = self._engine.latest

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot; cheap."""
        return self._shown

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called on the engine's thread after each new snapshot."""
        return self._engine.subscribe(notify)

    async def read_log(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        return await self._ask(
            self._engine.control.read_log(task, after=after, limit=limit)
        )

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is."""
        return await self._ask(self._engine.control.explain(task))

    async def tasks_of(
        self, job: JobName, *, limit: int = 200
    ) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, blocked ones first."""
        return await self._ask(self._engine.control.tasks_of(job, limit=limit))

    async def tasks(
        self,
        *,
        job: JobName | None = None,
        reason: Reason | None = None,
        name: str = "",
        after: str | None = None,
        limit: int = 100,
    ) -> TaskPage:
        """Return tasks of that job, with that reason, with ``name`` in their node."""
        from bistro_tui.engine.api.task_rows import find_tasks

        asked = Asked(job, reason, name)
        rows, end = await self._ask(
            find_tasks(self._engine.desk, asked, after, limit, lambda row: row)
        )
        return TaskPage(rows=tuple(map(TaskRow._make, rows)), next=end)

    async def claims(self, node: NodeName, resource: ResourceName) -> Claims:
        """Return who holds that resource and who waits for it."""
        # What answers is not needed for the first picture.
        from bistro_tui.engine.api.inquiries import find_claims

        return await self._ask(find_claims(self._engine.desk, node, resource))

    async def job_facts(self, job: JobName) -> JobFacts:
        """Return what the config says of a job."""
        from bistro_tui.engine.api.inquiries import find_job_facts

        return await self._ask(find_job_facts(self._engine.desk, job))

    async def job_grid(self, job: JobName) -> JobGrid:
        """Return the state of each of a job's tasks."""
        from bistro_tui.engine.api.inquiries import find_job_grid

        grid, _ = await self._ask(find_job_grid(self._engine.desk, job))
        return grid

    async def history(
        self,
        *,
        task: TaskId | None = None,
        job: JobName | None = None,
        since: float | None = None,
        before: str | None = None,
        limit: int = 500,
    ) -> AttemptPage:
        """Return attempts that are over, newest first; ``since`` is their start."""
        return await self._ask(
            self._engine.past.history(
                task=task, job=job, since=since, before=before, limit=limit
            )
        )

    async def search_log(self, search: LogSearch) -> LogPage:
        """Return lines of the whole log; ``last_id`` is where to go on."""
        return await self._ask(self._engine.past.search_log(search))

    async def failures(
        self, *, job: JobName | None = None, limit: int = 1_000
    ) -> tuple[Failure, ...]:
        """Return failed and backing-off tasks with their last words, newest first."""
        return await self._ask(self._failures(job, limit))

    async def _failures(self, job: JobName | None, limit: int) -> tuple[Failure, ...]:
        rest = Turns().rest
        return await self._engine.past.failures(job=job, limit=limit, rest=rest)

    async def config_facts(self) -> ConfigFacts:
        """Return the config in force and what is wrong in the file."""
        return await self._ask(self._engine.past.config_facts())

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        """Return what was said since that serial, oldest first."""
        return await self._ask(self._engine.past.notices(after=after))

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit that one word in the config file; answers after the reload."""
        return await self._ask(self._engine.world.set_job_enabled(job, enabled))

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        """Begin to end a running task by its job's ``kill_subprocess``."""
        return await self._ask(
            self._engine.control.kill_task(task, invocation=invocation, at_once=at_once)
        )

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        return await self._ask(self._engine.control.forgive(jobs))

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        """Let these tasks run again at once if they failed or wait for a backoff."""
        from bistro_tui.engine.api.changing import forgive_tasks

        number = await self._ask(forgive_tasks(self._engine.desk, tasks))
        return sentences.tasks_forgiven(number)

    async def set_job_priority(self, job: JobName, priority: float) -> str:
        """Edit the job's ``priority`` in the file; answers after the reload."""
        world = self._engine.world
        is_new = await self._ask(set_job_priority(world, job, priority))
        return sentences.job_has_priority(job, priority, world.path, is_new=is_new)

    async def set_limit(
        self, level: LevelName, resource: ResourceName, limit: int
    ) -> str:
        """Edit a resource's limit in the file; answers after the reload."""
        world = self._engine.world
        is_new = await self._ask(set_limit(world, level, resource, limit))
        return sentences.resource_is_limited(
            level, resource, limit, world.path, is_new=is_new
        )

    def request_stop(self) -> None:
        """Begin the graceful stop; asked again, kill what is left at once."""
        # A closed loop raises: the engine has stopped already.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._engine.request_stop)

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            return await self._crossing.ask(question)
        except HandlerError as error:
            raise ControlRefused(str(error)) from None
