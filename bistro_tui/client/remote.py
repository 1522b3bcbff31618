"""EngineView and EngineControl of a scheduler in another process, or on another host.

What is asked is put to its REST interface; what is told of it is told as in process.
"""

from collections.abc import Callable
from pathlib import PurePath
from typing import TypeVar

from bistro_tui.client.address import Address
from bistro_tui.client.follower import Follower
from bistro_tui.engine import sentences
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.view import Explanation, LogPage, Snapshot
from bistro_tui.engine.wire.answers import (
    decode_explanation,
    decode_explanations,
    decode_page,
)
from bistro_tui.engine.wire.values import NotUnderstood

T = TypeVar("T")


class RemoteScheduler:
    """One scheduler; shown as it was last known while it does not answer."""

    def __init__(
        self, address: Address, *, is_coming: Callable[[], bool] = lambda: False
    ) -> None:
        """Make it; ``start`` connects.

        Where nobody answers at first, ``is_coming`` tells whether somebody soon might.
        """
        self._follower = Follower(address, is_coming=is_coming)

    def start(self) -> None:
        """Connect, and return with the first picture. Raises NoAnswer or Refused."""
        self._follower.start()

    def close(self) -> None:
        """Disconnect; the scheduler goes on."""
        self._follower.close()

    # Reading.

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot; cheap."""
        return self._follower.snapshot()

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called on the client's thread after each new snapshot."""
        return self._follower.subscribe(notify)

    async def read_log(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        which = {} if task is None else {"job": task.job, "node": task.node}
        answer = await self._follower.ask(
            "log_tail", after=str(after), limit=limit, **which
        )
        return _decoded(decode_page, answer)

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is."""
        answer = await self._follower.ask("why", job=task.job, node=task.node)
        return _decoded(decode_explanation, answer)

    async def tasks_of(
        self, job: JobName, *, limit: int = 200
    ) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, blocked ones first."""
        answer = await self._follower.ask("open_tasks", job=job, limit=limit)
        return _decoded(lambda found: decode_explanations(found["tasks"]), answer)

    # Changing.

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit that one word in the config file; answers after the reload."""
        await self._follower.ask("enable_job" if enabled else "disable_job", job_id=job)
        path = PurePath(self.snapshot().state.config_path)
        return sentences.job_switched(job, enabled, path)

    async def kill_task(self, task: TaskId) -> str:
        """Begin to end a running task by its job's ``kill_subprocess``."""
        try:
            await self._follower.ask("kill_task", job_id=task.job, node_id=task.node)
        except ControlRefused as error:
            if str(error) in (
                sentences.unknown_running_task(task.job, task.node),
                sentences.unknown_job(task.job),
            ):
                raise ControlRefused(sentences.task_does_not_run(task)) from None
            raise
        return sentences.task_is_stopping(task)

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        try:
            await self._follower.ask("forgive_jobs", jobs=list(jobs))
        except ControlRefused as error:
            for job in jobs:
                if str(error) == sentences.invalid_job_id(job):
                    raise ControlRefused(sentences.no_job(job)) from None
            raise
        return sentences.jobs_forgiven(jobs)

    def request_stop(self) -> None:
        """Begin the graceful stop; asked again, kill what is left at once."""
        self._follower.tell("stop")


def _decoded(decode: Callable[[Json], T], answer: Json) -> T:
    try:
        return decode(answer)
    except NotUnderstood as error:
        raise ControlRefused(str(error)) from None
    except (TypeError, KeyError):
        raise ControlRefused("the answer is not one of this version") from None
