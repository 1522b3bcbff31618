"""From a start that was decided to what a remote worker is told of it."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import Job, KillMethod, KillSettings, StatusFrom
from bistro_tui.engine.ids import (
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.processes.argument import resolve_program
from bistro_tui.engine.processes.job_json import JobJson, WorkerWords, is_encodable
from bistro_tui.engine.remote.bounds import (
    LARGEST,
    LARGEST_TASK_BYTES,
    LONGEST_PATH,
    MOST_LEVELS,
    MOST_RESOURCES,
)
from bistro_tui.engine.remote.frames import LARGEST_BYTES
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    NEW_WORKER,
    KillWords,
    Order,
    RunningTask,
    TaskBackoff,
)
from bistro_tui.engine.remote.pool_actions import SendHealthcheck
from bistro_tui.engine.runners.taken_paths import TakenPaths
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.events import AdoptedAttempt
from bistro_tui.engine.statuses.attempts import NO_HOME, Commits

MOST_KEPT = 10_000
"""Jobs, and workers, of which what their tasks have in common is kept."""
LARGEST_ORDER_BYTES = LARGEST_BYTES - 2 * LARGEST_TASK_BYTES
"""What a message has left for an order, beside the attempt and what is around it."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode


class _JobParts(NamedTuple):
    """What all attempts at a job have in common."""

    job: Job
    json: JobJson
    order: Order
    """Without its config."""
    size: int
    """Bytes of that."""


class Orders:
    """Makes what a worker gets; touches no file."""

    def __init__(
        self,
        *,
        config_dir: Path,
        suicide_kill_wait_ms: int,
        keeper: Commits = NO_HOME.keeper,
    ) -> None:
        """``keeper`` counts the commits of statuses, which tell how attempts follow."""
        self._keeper = keeper
        self._config_dir = str(config_dir.absolute())
        self._kill_wait_ms = suicide_kill_wait_ms
        self._jobs: dict[JobName, _JobParts] = {}
        self._workers: dict[tuple[str, str], WorkerWords] = {}
        self._needs: Mapping[LevelName, Mapping[ResourceName, int]] = {}
        self._resources: dict[str, dict[str, int]] = {}
        self._resources_bytes = 0
        self._paths = TakenPaths(lambda names: _check_names("node", names))

    def running_task(self, start: StartTask, *, now_wall: float) -> RunningTask:
        """Return the attempt as both sides know it.

        Raises ValueError with the reason if no worker could ever be told.
        """
        needs = start.needs
        if needs is not self._needs:
            self._turn_to(needs)
        path = self._paths.of(start)
        if len(path) > LONGEST_PATH:
            raise ValueError(
                f"it takes something from {len(path)} nodes,"
                f" and a worker can be told of {LONGEST_PATH}"
            )
        size = self._resources_bytes + _bytes((*start.task, start.worker))
        if size + sum(map(_bytes, path)) > LARGEST_TASK_BYTES:
            raise ValueError("the names of what it takes and where are too long")
        seconds, no_more = start.next_backoff
        return RunningTask(
            task=start.task,
            invocation=start.invocation,
            shard=start.worker,
            resources=self._resources,
            path=path,
            next_backoff=TaskBackoff(seconds, no_more),
            started=now_wall,
            suicide_kill_wait_ms=self._kill_wait_ms,
            commits=self._keeper.commits,
        )

    def order(self, start: StartTask, *, host: str) -> Order:
        """Return the rest that running it takes; ``host`` is the worker's.

        Raises ValueError with the reason if no worker could ever be told.
        """
        parts = self._jobs.get(start.job.name)
        if parts is None or parts.job is not start.job:
            parts = self._make_parts(start.job)
        _check_names("node", (start.task.node,))
        key = (start.worker, host)
        worker = self._workers.get(key)
        if worker is None:
            if len(self._workers) >= MOST_KEPT:
                self._workers.clear()
            worker = self._workers[key] = WorkerWords(node=start.worker, host=host)
        order = parts.order
        config = parts.json.text(start, worker)
        size = _bytes((config,)) + parts.size
        if size > LARGEST_ORDER_BYTES:
            raise ValueError(
                f"its config, command and environment are {size} bytes,"
                f" and a worker can be told {LARGEST_ORDER_BYTES}"
            )
        return Order(
            config=config,
            command=order.command,
            env=order.env,
            status_from=order.status_from,
            timeout_sec=order.timeout_sec,
            kill=order.kill,
            lines_per_interval=order.lines_per_interval,
            memory_max=order.memory_max,
            cpu_weight=order.cpu_weight,
        )

    def _turn_to(self, needs: Mapping[LevelName, Mapping[ResourceName, int]]) -> None:
        if len(needs) > MOST_LEVELS:
            raise ValueError(
                f"it takes something of {len(needs)} levels,"
                f" and a worker can be told of {MOST_LEVELS}"
            )
        for level, amounts in needs.items():
            _check_names("resource", (level, *amounts))
            if len(amounts) > MOST_RESOURCES:
                raise ValueError(
                    f"it takes of level {level} {len(amounts)} resources,"
                    f" and a worker can be told of {MOST_RESOURCES}"
                )
            for name, amount in amounts.items():
                if not 0 <= amount <= LARGEST:
                    raise ValueError(f"{name}: no worker can be told of {amount}")
        self._resources = {
            str(level): {str(name): amount for name, amount in amounts.items()}
            for level, amounts in needs.items()
        }
        self._resources_bytes = len(_encode(self._resources))
        self._needs = needs

    def _make_parts(self, job: Job) -> _JobParts:
        if job.name == HEALTH_CHECK:
            # A worker runs it at any time, and nobody waits for its end.
            raise ValueError(f"job {job.name}: only health checks may be called so")
        command = job.command
        if command:
            program, *rest = command
            command = (resolve_program(program, directory=self._config_dir), *rest)
        words = (job.name, *command, *job.env, *job.env.values())
        for word in words:
            if not is_encodable(word):
                raise ValueError(f"{word!r}: is no text in UTF-8")
        quota = job.task_subprocess.max_log_lines_per_poll_interval
        order = Order(
            config="",
            command=command,
            env=dict(job.env),
            status_from=job.status_from.value,
            timeout_sec=job.timeout_sec,
            kill=kill_words(job.kill_subprocess),
            lines_per_interval=quota,
            memory_max=job.enforcement.memory_max,
            cpu_weight=job.enforcement.cpu_weight,
        )
        parts = _JobParts(job, JobJson(job), order, _told_bytes(order))
        if len(self._jobs) >= MOST_KEPT:
            self._jobs.clear()
        self._jobs[job.name] = parts
        return parts


def _check_names(kind: str, names: Iterable[str]) -> None:
    for name in names:
        if not is_encodable(name):
            raise ValueError(f"{kind} {name!r}: is no text in UTF-8")


def _bytes(words: Iterable[str]) -> int:
    return sum(
        len(word) if word.isascii() else len(word.encode("utf-8", "surrogatepass"))
        for word in words
    )


def _told_bytes(order: Order) -> int:
    """Return how long it is in a message; raises ValueError if it can be in none."""
    try:
        found = _encode(order)
        _decode(found)
    except (msgspec.MsgspecError, OverflowError) as error:
        raise ValueError(f"no worker can be told of it: {error}") from None
    return len(found)


def kill_words(how: KillSettings) -> KillWords:
    """Return a way to end tasks as a worker is told."""
    return KillWords(how.method.value, how.kill_wait_ms)


def backoff_of(task: RunningTask) -> BackoffDuration:
    """Return what an error at the end of that attempt costs."""
    return BackoffDuration(task.next_backoff.seconds, task.next_backoff.no_more)


def adopted(task: RunningTask) -> AdoptedAttempt:
    """Return an attempt that a worker told of as the core is told of it."""
    return AdoptedAttempt(
        task=task.task,
        invocation=task.invocation,
        worker=NodeName(task.shard),
        since=task.started if math.isfinite(task.started) else 0.0,
        needs={
            LevelName(level): {ResourceName(name): n for name, n in amounts.items()}
            for level, amounts in task.resources.items()
        },
        path=tuple((LevelName(level), NodeName(node)) for level, node in task.path),
        next_backoff=backoff_of(task),
    )


def health_check(
    action: SendHealthcheck, *, now_wall: float
) -> tuple[RunningTask, Order]:
    """Return the task that proves that a worker can run tasks.

    Source: Bistro, runners/RemoteWorkerRunner.
    """
    node = NEW_WORKER if action.is_new else ""
    task = RunningTask(
        task=TaskId(JobName(HEALTH_CHECK), NodeName(node)),
        invocation=InvocationId(int(now_wall), action.number),
        shard=action.shard,
        resources={},
        path=(),
        next_backoff=TaskBackoff(0, no_more=False),
        started=now_wall,
        suicide_kill_wait_ms=0,
    )
    order = Order(
        config="",
        command=("/bin/sh", "-c", 'echo done > "$2"', HEALTH_CHECK),
        env={},
        status_from=StatusFrom.FILE.value,
        timeout_sec=None,
        kill=KillWords(KillMethod.KILL.value, 0),
        lines_per_interval=0,
        memory_max=0,
        cpu_weight=0,
    )
    return task, order
