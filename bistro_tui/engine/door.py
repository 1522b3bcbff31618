"""The door for whoever lives in the same process: the UI on its own thread."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.view import Explanation, LogPage, Snapshot

T = TypeVar("T")


class InProcessDoor:
    """EngineView and EngineControl for another thread; the engine's loop answers."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        """Made on the engine's loop, when the engine is open."""
        self._engine = engine
        self._loop = loop
        self._shown = engine.latest
        engine.subscribe(self._look)

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

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit that one word in the config file; answers after the reload."""
        return await self._ask(self._engine.world.set_job_enabled(job, enabled))

    async def kill_task(self, task: TaskId) -> str:
        """Begin to end a running task by its job's ``kill_subprocess``."""
        return await self._ask(self._engine.control.kill_task(task))

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        return await self._ask(self._engine.control.forgive(jobs))

    def request_stop(self) -> None:
        """Begin the graceful stop; asked again, kill what is left at once."""
        # A closed loop raises: the engine has stopped already.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._engine.request_stop)

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(question, self._loop)
        except RuntimeError:
            question.close()
            raise ControlRefused("the engine has stopped") from None
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # Cancelled by the engine's end, or by whoever waits here?
            if future.cancelled() and not _is_being_cancelled():
                raise ControlRefused("the engine has stopped") from None
            raise


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
