"""What everything outside the engine sees of it: immutable snapshots and one control.

The in-process UI uses these two protocols, and so do clients over a socket. All values
are immutable and safe to hand to another thread. Foreign text in them (names, output,
errors) is raw: whoever shows it sends it through ``present.clean`` first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bistro_tui.engine.ids import (
    BEFORE_STARTS,
    HAS_LEFT,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.inquiries import (
    Attempt,
    AttemptPage,
    Claims,
    ConfigFacts,
    ConfigProblem,
    Failure,
    Holding,
    JobFacts,
    JobGrid,
    LogSearch,
    Notice,
    TaskPage,
    TaskRow,
    Waiting,
)
from bistro_tui.engine.logs.rows import StoredLine as LogLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.scheduling.reasons import Check, Explanation, Reason

__all__ = [
    "BEFORE_STARTS",
    "HAS_LEFT",
    "Attempt",
    "AttemptPage",
    "Banner",
    "Check",
    "Claims",
    "ConfigFacts",
    "ConfigProblem",
    "EndedRow",
    "EngineControl",
    "EngineState",
    "EngineView",
    "Explanation",
    "Failure",
    "Holding",
    "JobFacts",
    "JobGrid",
    "JobName",
    "JobRow",
    "LevelName",
    "LogLine",
    "LogPage",
    "LogSearch",
    "NodeName",
    "NodeRow",
    "Notice",
    "Reason",
    "ResourceName",
    "RunningRow",
    "Snapshot",
    "Stream",
    "TaskId",
    "TaskPage",
    "TaskRow",
    "Usage",
    "Waiting",
    "WorkerRow",
]


# Named tuples where there may be a million: made in a quarter of a data class's time.


class Usage(NamedTuple):
    """One resource of one node; shown as ``used/limit``."""

    resource: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job of the config, or a removed one that still runs."""

    name: JobName
    owner: str
    enabled: bool
    errors: tuple[str, ...]
    """Not empty: the job is invalid and cannot run."""
    level: LevelName
    priority: float
    tasks: int
    counts: Mapping[Reason, int]
    """Tasks by reason, zeros left out; the sum is ``tasks`` but for those that have
    ended and whose status is not on disk yet: they are shown when it is."""
    in_config: bool = True
    eta: float | None = None
    """Wall second at which it is expected to be done; None: nobody can tell."""
    differs: str = ""
    """Where several schedulers are shown as one: what is not the same in all."""
    mixed: tuple[str, ...] = ()
    """The names of the fields that are not."""


class NodeRow(NamedTuple):
    """One node. Rows come in tree order: each is followed by its whole subtree."""

    name: NodeName
    level: LevelName
    depth: int
    """0 for the instance node."""
    enabled: bool
    """Also false when an ancestor is disabled."""
    usage: tuple[Usage, ...]
    running: int
    """Running tasks on this node and below it."""


class RunningRow(NamedTuple):
    """One running attempt."""

    task: TaskId
    invocation: str
    pid: int | None
    since: float
    """Wall seconds."""
    attempt: int
    """1 for the first attempt that this scheduler knows of."""
    worker: str
    stopping: bool
    """A kill is under way."""
    kill_at: float | None = None
    """Wall second at which SIGKILL follows, or was sent; None: none is due."""
    containment: str = ""
    """How all of its processes are found: ``cgroup``, ``subreaper`` or ``session``;
    empty where the runner has no processes."""
    rss: int | None = None
    """Resident bytes of all of its processes; None: not known yet."""
    cpu_seconds: float | None = None
    """User and system time so far."""
    processes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRow:
    """One attempt that ended during this run; its status is on disk."""

    task: TaskId
    result: Reason
    """DONE, FAILED, BACKOFF, or RUNNABLE when it may run again at once."""
    detail: str
    """``exited with status 1``, an exception text, …; may be empty."""
    ended: float
    seconds: float
    retry_at: float | None
    worker: str = ""
    """Where it ran; empty where an older scheduler does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Something that a person must know until it is over."""

    topic: str
    """``config``, ``nodes``, ``store`` …: one banner a topic."""
    text: str
    is_error: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """The scheduler as a whole."""

    word: str
    """``running``, ``disabled``, ``paused``, ``stopping`` or ``stopped``; of one in
    another process also ``unreachable``: what is shown was true before."""
    text: str
    """Why, in a few words; empty while running."""
    instance: str
    config_path: str
    config_version: int
    """1 for the first good config of this run."""
    config_loaded: float
    """Wall seconds of the last good load."""
    data_dir: str
    started: float
    """Wall seconds of the scheduler's start."""
    all_done: bool = False
    """Every owed task is done."""
    is_stuck: bool = False
    """Not every owed task is done, and none runs, waits for backoff, or can start."""


class WorkerRow(NamedTuple):
    """One worker."""

    shard: NodeName
    state: str
    """``NEW``, ``UNHEALTHY``, ``HEALTHY`` or ``MUST_DIE``."""
    host: str
    running: int
    """Tasks that it has, as far as the scheduler knows."""
    usage: tuple[Usage, ...]
    """Its resources of the level ``worker``."""
    last_heartbeat: float | None
    """Wall second; None: it needs none, being in this process."""
    since: float = 0.0
    """Wall second since when it is in this state."""
    why: str = ""
    """Why it is given no tasks, in a few words; empty while it is."""
    slots: int | None = None
    """Tasks it can have at once; None: any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole picture at one moment."""

    serial: int
    now: float
    """Wall seconds when it was taken."""
    state: EngineState
    banners: tuple[Banner, ...] = ()
    totals: Mapping[Reason, int] = field(default_factory=dict)
    jobs: tuple[JobRow, ...] = ()
    nodes: tuple[NodeRow, ...] = ()
    running: tuple[RunningRow, ...] = ()
    """Oldest first."""
    ended: tuple[EndedRow, ...] = ()
    """The last some hundred attempts, newest first."""
    starts: int = 0
    """Attempts started during this run."""
    structure: int = 0
    """The same number as before: the same nodes in the same order, so that whoever
    keeps something by the place of a row need not look at all rows again."""
    worker_usage: tuple[Usage, ...] = ()
    """The resources of the level ``worker``, which no node has: those of ``local``, or
    of all workers together."""
    workers: tuple[WorkerRow, ...] = ()
    """Who runs tasks, in the order they came."""
    initial_wait: str = ""
    """What a scheduler of remote workers waits for before its first start; empty: it
    does not."""
    wait_until: float | None = None
    """Wall second at which that is over at the latest; None: none, or not known."""
    missing_workers: int = 0
    """Those of before that it waits for, as far as they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """The answer to one look at a log."""

    lines: tuple[LogLine, ...]
    """Oldest first."""
    last_id: int
    """Give it as ``after`` to get only what is new."""
    partial: Mapping[Stream, bytes] = field(default_factory=dict)
    """Unfinished last lines of a running task."""
    attempt_running: bool = False
    unasked: tuple[str, ...] = ()
    """Which workers were not asked or did not answer, and why: their lines are not
    in this page."""


class EngineView(Protocol):
    """Reading. Every method may be called from any thread."""

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot; cheap."""
        ...

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called (on the engine's thread) after each new snapshot.

        Returns a function that ends the subscription.
        """
        ...

    async def read_log(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``.

        ``task`` None merges all tasks. stdout and stderr only.
        """
        ...

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is; ControlRefused for an unknown one."""
        ...

    async def tasks_of(
        self, job: JobName, *, limit: int = 200
    ) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, blocked ones first."""
        ...

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
        ...

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
        ...

    async def search_log(self, search: LogSearch) -> LogPage:
        """Return lines of the whole log; ``last_id`` is where to go on, 0 at the end.

        ControlRefused for a regex that is none or takes too long.
        """
        ...

    async def claims(self, node: NodeName, resource: ResourceName) -> Claims:
        """Return who holds that resource and who waits for it."""
        ...

    async def failures(
        self, *, job: JobName | None = None, limit: int = 1_000
    ) -> tuple[Failure, ...]:
        """Return failed and backing-off tasks with their last words, newest first."""
        ...

    async def job_facts(self, job: JobName) -> JobFacts:
        """Return what the config says of a job; ControlRefused for an unknown one."""
        ...

    async def job_grid(self, job: JobName) -> JobGrid:
        """Return the state of each of a job's tasks."""
        ...

    async def config_facts(self) -> ConfigFacts:
        """Return the config in force and what is wrong in the file."""
        ...

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        """Return what was said since that serial, oldest first, at most some 1,000."""
        ...


class EngineControl(Protocol):
    """Asking for changes. Every method may be called from any thread.

    Each returns what happened, as one sentence, or raises ControlRefused.
    """

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit that one word in the config file; answers after the reload."""
        ...

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        """Begin to end a running task by its job's ``kill_subprocess``.

        ``invocation``: only that attempt, refused if another one runs by now.
        ``at_once``: with SIGKILL, whatever the job says, also while it is being ended.
        """
        ...

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        ...

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        """Let these tasks run again at once if they failed or wait for a backoff."""
        ...

    async def set_job_priority(self, job: JobName, priority: float) -> str:
        """Edit the job's ``priority`` in the config file; answers after the reload."""
        ...

    async def set_limit(
        self, level: LevelName, resource: ResourceName, limit: int
    ) -> str:
        """Edit a resource's limit in the file; answers after the reload."""
        ...

    def request_stop(self) -> None:
        """Begin the graceful stop; asked again, kill what is left at once."""
        ...
