"""A scheduler that is only looked at: every change is refused, with the reason."""

from typing import NoReturn

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import JobName, LevelName, ResourceName, TaskId


class ReadOnlyControl:
    """EngineControl that does nothing."""

    def __init__(self, why: str) -> None:
        """``why``: the sentence that every request is answered with."""
        self._why = why

    def _refuse(self) -> NoReturn:
        raise ControlRefused(self._why)

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Refuse."""
        self._refuse()

    async def set_job_priority(self, job: JobName, priority: float) -> str:
        """Refuse."""
        self._refuse()

    async def set_limit(
        self, level: LevelName, resource: ResourceName, limit: int
    ) -> str:
        """Refuse."""
        self._refuse()

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        """Refuse."""
        self._refuse()

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Refuse."""
        self._refuse()

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        """Refuse."""
        self._refuse()

    def request_stop(self) -> None:
        """Stop nothing."""
