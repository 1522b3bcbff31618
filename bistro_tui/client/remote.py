"""EngineView and EngineControl of a scheduler in another process, or on another host.

What is asked is put to its REST interface; what is told of it is told as in process.
"""

import math
from collections.abc import Callable
from pathlib import PurePath
from typing import TypeVar

from bistro_tui.client.address import Address
from bistro_tui.client.follower import Follower
from bistro_tui.engine import sentences
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import (
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.logs.line_ids import LAST_ID
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
)
from bistro_tui.engine.wire.answers import (
    decode_explanation,
    decode_explanations,
    decode_page,
)
from bistro_tui.engine.wire.jobs import (
    decode_claims,
    decode_grid,
    decode_job_facts,
    decode_task_page,
)
from bistro_tui.engine.wire.past import (
    decode_attempts,
    decode_config,
    decode_failures,
    decode_lines,
    decode_notices,
)
from bistro_tui.engine.wire.rows import task_out
from bistro_tui.engine.wire.values import NotUnderstood, truth_in, whole_in

T = TypeVar("T")

_TOGETHER = 1_000
"""Tasks of one request: a body has a megabyte at most."""


class RemoteScheduler:
    """One scheduler; shown as it was last known while it does not answer."""

    def __init__(
        self, address: Address, *, is_coming: Callable[[], bool] = lambda: False
    ) -> None:
        """Make it; ``start`` connects.

        Where nobody answers at first, ``is_coming`` tells whether somebody soon might.
        """
        self._follower = Follower(address, is_coming=is_coming)
        self._grids: dict[JobName, tuple[str, tuple[NodeName, ...]]] = {}
        """The order of the nodes of the grid asked for last, by its name."""

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
        answer = await self._follower.ask(
            "tasks",
            job=job,
            status=reason.value if reason is not None else None,
            name=name,
            after=after,
            limit=limit,
        )
        return _decoded(decode_task_page, answer)

    async def claims(self, node: NodeName, resource: ResourceName) -> Claims:
        """Return who holds that resource and who waits for it."""
        answer = await self._follower.ask("claims", node=node, resource=resource)
        return _decoded(decode_claims, answer)

    async def job_facts(self, job: JobName) -> JobFacts:
        """Return what the config says of a job."""
        answer = await self._follower.ask("job_facts", job=job)
        return _decoded(decode_job_facts, answer)

    async def job_grid(self, job: JobName) -> JobGrid:
        """Return the state of each of a job's tasks."""
        known, nodes = self._grids.get(job, ("", ()))
        answer = await self._follower.ask("job_grid", job=job, order=known)
        grid, order = _decoded(lambda found: decode_grid(found, nodes), answer)
        # One at a time is looked at, and there may be a hundred thousand nodes.
        self._grids = {job: (order, grid.nodes)}
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
        if task is not None and job not in (None, task.job):
            return AttemptPage(attempts=(), next=None)
        answer = await self._follower.ask(
            "history",
            job=task.job if task is not None else job,
            node=task.node if task is not None else None,
            since=since,
            before=before,
            limit=max(limit, 1),
        )
        return _decoded(decode_attempts, answer)

    async def search_log(self, search: LogSearch) -> LogPage:
        """Return lines of the whole log; ``last_id`` is where to go on."""
        if search.text and search.regex:
            raise ControlRefused(sentences.text_or_regex())
        if not search.streams:
            return LogPage(lines=(), last_id=0)
        task = search.task
        answer = await self._follower.ask(
            "log_lines",
            jobs=[task.job] if task is not None else [],
            nodes=[task.node] if task is not None else [],
            invocation=search.invocation if task is not None else None,
            streams=[stream.value for stream in search.streams],
            sort="desc" if search.backwards else "asc",
            limit=max(search.limit, 1),
            line_id=_line_id(search.line_id),
            # The case of a text does not count, that of a regex does.
            ignore_case=bool(search.text),
            **({"text": search.text} if search.text else {"regex": search.regex}),
        )
        return _decoded(decode_lines, answer)

    async def failures(
        self, *, job: JobName | None = None, limit: int = 1_000
    ) -> tuple[Failure, ...]:
        """Return failed and backing-off tasks with their last words, newest first."""
        answer = await self._follower.ask("failures", job=job, limit=max(limit, 1))
        return _decoded(decode_failures, answer)

    async def config_facts(self) -> ConfigFacts:
        """Return the config in force and what is wrong in the file."""
        return _decoded(decode_config, await self._follower.ask("config"))

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        """Return what was said since that serial, oldest first."""
        answer = await self._follower.ask("notices", after=max(after, 0))
        return _decoded(decode_notices, answer)

    # Changing.

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit that one word in the config file; answers after the reload."""
        await self._follower.ask("enable_job" if enabled else "disable_job", job_id=job)
        path = PurePath(self.snapshot().state.config_path)
        return sentences.job_switched(job, enabled, path)

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        """Begin to end a running task by its job's ``kill_subprocess``."""
        more: dict[str, Json] = {"at_once": True} if at_once else {}
        if invocation is not None:
            more["invocation"] = invocation
        try:
            await self._follower.ask(
                "kill_task", job_id=task.job, node_id=task.node, **more
            )
        except ControlRefused as error:
            if str(error) in (
                sentences.unknown_running_task(task.job, task.node),
                sentences.unknown_job(task.job),
            ):
                raise ControlRefused(sentences.task_does_not_run(task)) from None
            raise
        if at_once:
            return sentences.task_is_killed(task)
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

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        """Let these tasks run again at once if they failed or wait for a backoff."""
        number = 0
        for at in range(0, max(len(tasks), 1), _TOGETHER):
            some = tasks[at : at + _TOGETHER]
            try:
                answer = await self._follower.ask(
                    "forgive_tasks", tasks=list(map(task_out, some))
                )
            except ControlRefused as error:
                # Of many, some may have nothing to forgive.
                if str(error) != sentences.no_failures():
                    raise
                continue
            number += _decoded(lambda found: whole_in(found["forgiven"]), answer)
        if not number:
            raise ControlRefused(sentences.no_failures())
        return sentences.tasks_forgiven(number)

    async def set_job_priority(self, job: JobName, priority: float) -> str:
        """Edit the job's ``priority`` in the file; answers after the reload."""
        if not math.isfinite(priority):
            raise ControlRefused(sentences.no_priority())
        answer = await self._follower.ask(
            "set_job_priority", job_id=job, priority=priority
        )
        path = PurePath(self.snapshot().state.config_path)
        is_new = _decoded(lambda found: truth_in(found["changed"]), answer)
        return sentences.job_has_priority(job, priority, path, is_new=is_new)

    async def set_limit(
        self, level: LevelName, resource: ResourceName, limit: int
    ) -> str:
        """Edit a resource's limit in the file; answers after the reload."""
        answer = await self._follower.ask(
            "set_limit", level=level, resource=resource, limit=limit
        )
        path = PurePath(self.snapshot().state.config_path)
        is_new = _decoded(lambda found: truth_in(found["changed"]), answer)
        return sentences.resource_is_limited(
            level, resource, limit, path, is_new=is_new
        )

    def request_stop(self) -> None:
        """Begin the graceful stop; asked again, kill what is left at once."""
        self._follower.tell("stop")


def _line_id(line_id: int | None) -> str | None:
    if line_id is not None and not line_id >> 64:
        # Beyond ids there are only places among lines of several workers.
        line_id = min(max(line_id, 0), LAST_ID)
    return None if line_id is None else str(line_id)


def _decoded(decode: Callable[[Json], T], answer: Json) -> T:
    try:
        return decode(answer)
    except NotUnderstood as error:
        raise ControlRefused(str(error)) from None
    except (TypeError, KeyError):
        raise ControlRefused("the answer is not one of this version") from None
