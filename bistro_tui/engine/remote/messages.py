"""What scheduler and worker say to each other. Pure.

A frame is a list of envelopes in MessagePack: all that one side had to say in a turn of
its loop. Each ``Call`` is answered by one ``Answer`` or ``Refusal`` with its number, or
by nothing, and then nobody knows what became of it.

Source: Bistro, if/scheduler.thrift, if/worker.thrift and if/common.thrift.
"""

from typing import TypeAlias

import msgspec

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.bounds import (
    Amount,
    Count,
    Few,
    Int64,
    Lines,
    Name,
    Needs,
    Path,
    Pid,
    Seconds,
    StatusText,
    Tasks,
    Wall,
    Words,
    is_int64,
)
from bistro_tui.engine.remote.identity import (
    NO_HOME,
    Home,
    InstanceId,
    MachineLock,
    WorkerSetId,
)

PROTOCOL_VERSION = 2
"""Both sides have the same, or do not talk."""

HEALTH_CHECK = "__BISTRO_HEALTH_CHECK__"
"""The job of health-check tasks."""
NEW_WORKER = "__NEW_WORKER__"
"""Their node, while the scheduler has not heard what the worker runs; else empty."""


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One message."""


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """Something within messages."""


# What is within messages.


class GpuCard(_Part, frozen=True):
    """One card."""

    bus_id: Name
    name: Name
    memory_mb: Amount


class Usable(_Part, frozen=True):
    """What tasks on a worker's host can use; zero or empty: unknown."""

    cpu_cores: Amount = 0.0
    memory_mb: Amount = 0.0
    gpus: Few[GpuCard] = ()


class Worker(_Part, frozen=True):
    """A worker as it describes itself; whole in each heartbeat."""

    shard: str
    lock: MachineLock
    id: InstanceId
    heartbeat_period_sec: float
    usable: Usable
    slots: Int64 | None = None
    """How many tasks it can have at once, whatever their needs; None: any number."""
    held: Words = ""
    """Why nothing starts there for now, for people; empty: tasks may."""
    home: Home = NO_HOME
    is_swept: bool = False
    """Whether nothing is alive of what runs before, with its lock and in its home, had.
    """


class TaskBackoff(_Part, frozen=True):
    """What an error of an attempt will cost."""

    seconds: Int64
    no_more: bool


class RunningTask(_Part, frozen=True):
    """One attempt as both sides know it."""

    task: TaskId
    invocation: InvocationId
    shard: str
    """Of the worker that has it."""
    resources: Needs
    """What it takes by level, the level ``worker`` among them."""
    path: Path[tuple[str, str]]
    """Level and name of each node that it takes them from, instance first."""
    next_backoff: TaskBackoff
    started: Wall
    """Wall second at which the scheduler started it."""
    suicide_kill_wait_ms: Int64
    """Between SIGTERM and SIGKILL when the worker dies."""
    pid: Pid | None = None
    """Set by the worker."""
    is_over: bool = False
    """Set by the worker: it has ended, and only that is not acknowledged yet."""
    commits: Count = 0
    """How many commits of statuses there were when its scheduler started it."""

    def __post_init__(self) -> None:
        """Raise ValueError for what neither a config nor a store can have."""
        # Those types are of modules that need not know of messages.
        if not all(map(is_int64, self.invocation)):
            raise ValueError("an attempt has numbers of 64 bits")
        if "\0" in self.task.job or "\0" in self.task.node:
            raise ValueError("a name cannot hold a NUL character")


class KillWords(_Part, frozen=True):
    """How to end a task: ``kill``, ``term`` or ``term_wait_kill``, and how long."""

    method: str
    wait_ms: Int64


class Order(_Part, frozen=True):
    """All that running an attempt takes beside its name."""

    config: str
    """The JSON that the task gets."""
    command: tuple[str, ...]
    """The job's words, the first ready to be executed; empty: the worker's own
    program."""
    env: dict[str, str]
    status_from: str
    timeout_sec: Seconds | None
    kill: KillWords
    """When its time is up."""
    lines_per_interval: Int64
    """Quota of output rows; 0: none."""
    memory_max: Count
    cpu_weight: Count


class LogLine(_Part, frozen=True):
    """One stored line."""

    line_id: Int64
    job: str
    node: str
    line: bytes


# What a worker asks of its scheduler.


class Heartbeat(_Message, frozen=True):
    """I am alive. Answered by ``HeartbeatReply``; refused if it may not stay."""

    worker: Worker
    worker_set: WorkerSetId
    """The newest that the worker was told."""


class UpdateStatus(_Message, frozen=True):
    """An attempt is over. Answered by ``Done`` once its status is on disk."""

    task: RunningTask
    status: StatusText
    """The status string: a word, or JSON with ``result_bits`` and ``data``."""
    exit_text: str
    peak_memory: int | None
    cpu_seconds: float | None
    scheduler: InstanceId
    worker: InstanceId


# What a scheduler asks of a worker.


class RunTask(_Message, frozen=True):
    """Start an attempt. Answered by ``Done`` when accepted."""

    task: RunningTask
    order: Order
    sequence: int
    scheduler: InstanceId
    worker: InstanceId


class GetRunningTasks(_Message, frozen=True):
    """Answered by ``RunningTasks``."""

    worker: InstanceId


class NotifyIfNotRunning(_Message, frozen=True):
    """Tell me of those that you do not have, and take none sent before this."""

    tasks: Tasks[RunningTask]
    sequence: int
    scheduler: InstanceId
    worker: InstanceId


class RequestSuicide(_Message, frozen=True):
    """End all your tasks and yourself."""

    reason: str
    scheduler: InstanceId
    worker: InstanceId


class KillTask(_Message, frozen=True):
    """Begin to end exactly that attempt."""

    task: RunningTask
    kill: KillWords
    scheduler: InstanceId
    worker: InstanceId


class QueryLogs(_Message, frozen=True):
    """Answered by ``LogLines``; needs no identity, as reading changes nothing."""

    log_types: tuple[str, ...]
    """``stdout``, ``stderr``, ``statuses``; the answer merges them by id."""
    jobs: tuple[str, ...]
    nodes: tuple[str, ...]
    """Empty: any."""
    line_id: Int64 | None
    """The first that may be in the answer; None: begin at the end there is."""
    ascending: bool
    limit: Int64
    regex: str
    text: str
    """A part of the line; not together with ``regex``."""
    invocation: InvocationId | None = None
    """Only lines of that attempt; then there is one job and one node."""
    ignores_case: bool = False
    """Whether upper and lower case are alike in ``regex`` or ``text``."""
    stop_id: Int64 | None = None
    """The last that may be in the answer; None: to the end there is."""


class ReadLog(_Message, frozen=True):
    """The newest output above an id, and unfinished lines. Answered by ``LogTail``."""

    task: TaskId | None
    after: Int64
    limit: Int64


# Answers.


class HeartbeatReply(_Message, frozen=True):
    """What the scheduler thinks of the worker, and its settings."""

    id: InstanceId
    """The scheduler's."""
    max_healthcheck_gap: Seconds
    heartbeat_grace_period: Seconds
    lose_unhealthy_worker_after: Seconds
    worker_check_interval: Seconds
    worker_state: int
    """NEW 0, UNHEALTHY 2, HEALTHY 1, MUST_DIE 3."""
    protocol_version: int
    worker_set: WorkerSetId
    healthcheck_age: Seconds | None
    """Since the newest health check that came back good was sent; None: none did."""
    suicide_kill_wait_ms: Int64


class Done(_Message, frozen=True):
    """It was accepted."""


class RunningTasks(_Message, frozen=True):
    """Every attempt that the worker has not yet got rid of, health checks left out."""

    tasks: Tasks[RunningTask]


class LogLines(_Message, frozen=True):
    """Some lines in the order asked for."""

    lines: Lines[tuple[str, LogLine]]
    """With the log type of each."""
    next_line_id: Int64 | None
    """Where to go on; None: that was the end of the data."""
    last_id: Int64 = 0
    """The greatest id that any line of these log types had; 0: there were none."""


class LogTail(_Message, frozen=True):
    """The newest lines, oldest first."""

    lines: Lines[tuple[str, LogLine]]
    partial: dict[str, bytes]
    """Unfinished last lines of a running task, by stream."""
    is_running: bool
    last_id: Int64


# What a worker tells without being asked; nothing is lost when it is lost.


class TaskStarted(_Message, frozen=True):
    """The attempt has a process."""

    invocation: InvocationId
    pid: Pid


class TaskUsage(_Message, frozen=True):
    """What running attempts use: (attempt, resident bytes, CPU seconds, processes)."""

    rows: Tasks[tuple[InvocationId, Count, Amount, Count]]


class LastLines(_Message, frozen=True):
    """The newest whole line of tasks that printed something."""

    rows: Few[tuple[TaskId, str, LogLine]]
    """Task, log type, line."""


class BeatSoon(_Message, frozen=True):
    """A scheduler has news for the worker, which come with an answer."""


class Leaving(_Message, frozen=True):
    """I end, and take nothing more.

    What is not heard is found out as with any worker that is gone, only later.
    """

    is_over: bool
    """Nothing of mine is alive, and every status was acknowledged."""
    reason: Words = ""
    """Why, for people; empty: somebody there asked for it."""


class WorkerTrouble(_Message, frozen=True):
    """Something that a person should know."""

    text: str


Request: TypeAlias = (
    Heartbeat
    | UpdateStatus
    | RunTask
    | GetRunningTasks
    | NotifyIfNotRunning
    | RequestSuicide
    | KillTask
    | QueryLogs
    | ReadLog
)
Reply: TypeAlias = HeartbeatReply | Done | RunningTasks | LogLines | LogTail
News: TypeAlias = (
    TaskStarted | TaskUsage | LastLines | BeatSoon | Leaving | WorkerTrouble
)


class Call(_Message, frozen=True):
    """A request that wants an answer."""

    number: int
    body: Request


class Answer(_Message, frozen=True):
    """It was done."""

    number: int
    body: Reply


class Refusal(_Message, frozen=True):
    """It was definitely not done."""

    number: int
    text: str


class Tell(_Message, frozen=True):
    """Wants no answer."""

    body: News


Envelope: TypeAlias = Call | Answer | Refusal | Tell
