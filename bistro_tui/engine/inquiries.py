"""What people ask of a scheduler beyond the newest snapshot, and how it is answered.

All values are immutable. Foreign text in them is raw, as in snapshots.
"""

from dataclasses import dataclass
from typing import NamedTuple

from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.scheduling.reasons import Reason

MOST_HOLDERS = 1_000
"""Holders of one resource that are named."""

MOST_WAITING = 10_000
"""Tasks of one job that are counted."""


class TaskRow(NamedTuple):
    """One task, running or not."""

    task: TaskId
    reason: Reason
    since: float | None
    """Wall second since when it runs, is done, failed, or waits for its backoff."""
    attempts: int
    """As far as they are known, the running one included."""
    next_run: float | None
    """Wall second at which its backoff ends."""
    why: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Some tasks in the order of the config and of the nodes."""

    rows: tuple[TaskRow, ...]
    next: str | None
    """Give it as ``after`` for what follows; None: that is all. A page may be short,
    or empty, and still have a next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt that is over."""

    task: TaskId
    invocation: str
    started: float
    ended: float
    result: str
    """``done``, ``failed``, ``error_backoff`` … as ``history`` has them."""
    exit: str
    """``exited with status 1`` …; may be empty."""
    detail: str
    worker: str
    peak_memory: int | None
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPage:
    """Some attempts, newest first."""

    attempts: tuple[Attempt, ...]
    next: str | None
    """Give it as ``before`` for older ones; None: that is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSearch:
    """Which lines are wanted of the whole log, however long."""

    task: TaskId | None = None
    """None: of all tasks."""
    invocation: str | None = None
    """Only lines of that attempt; counts only with a task."""
    streams: tuple[Stream, ...] = (Stream.STDOUT, Stream.STDERR)
    text: str = ""
    """Only lines with this in them, upper and lower case alike."""
    regex: str = ""
    """Only lines in which it matches; not together with ``text``."""
    line_id: int | None = None
    """Begin there, inclusive; None: at the end that ``backwards`` names."""
    backwards: bool = False
    """Look from newer to older lines; they come oldest first all the same."""
    limit: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one running or recovering task has of a resource."""

    task: TaskId
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Tasks of one job that lack a resource of a node."""

    job: JobName
    need: int
    """What each needs of it."""
    tasks: int
    """How many; counted up to MOST_WAITING."""
    first: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who has a resource of a node, and who would like some of it."""

    node: NodeName
    resource: ResourceName
    used: int
    limit: int
    holders: tuple[Holding, ...]
    """Oldest first, MOST_HOLDERS at most."""
    waiters: tuple[Waiting, ...]
    """Most tasks first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that failed or waits for its backoff, and the last that it said."""

    task: TaskId
    reason: Reason
    """FAILED or BACKOFF."""
    ended: float
    exit: str
    """How its last attempt ended: ``exited with status 1`` …"""
    last_line: bytes
    """The last line of its last attempt that is not blank: of stderr, else of stdout;
    empty: it said nothing."""
    line_id: int
    """Of that line, 0 without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What the config says of a job, in words, and where it says so."""

    job: JobName
    facts: tuple[tuple[str, str], ...]
    """Label and text: command, level, resources, backoff, filters, kill …, in the
    order in which a person wants to know."""
    depends_on: tuple[JobName, ...]
    needed_by: tuple[JobName, ...]
    file: str
    line: int
    """Where the job begins in the file as it is now; 0: nobody knows."""
    excerpt: tuple[str, ...]
    """The job's own lines in the file, secrets hidden from who may not see them."""
    throughput: float | None
    """Done tasks a minute over the last minutes; None: too few to tell."""
    median_seconds: float | None
    """Of the attempts that were done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGrid:
    """The state of every task of a job at once."""

    job: JobName
    level: LevelName
    nodes: tuple[NodeName, ...]
    """In the order of the tree."""
    reasons: bytes
    """One byte a node: the place of its reason in ``tuple(Reason)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """Something wrong or odd in the config file as it is now."""

    file: str
    line: int
    column: int
    path: str
    message: str
    job: JobName | None
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFacts:
    """The config file as it is now, and the config in force."""

    path: str
    version: int
    loaded: float
    problems: tuple[ConfigProblem, ...]
    is_in_force: bool
    """Whether the file as it is now is what runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that the scheduler said of itself: an edit, a kill, an error."""

    serial: int
    """Grows by one with each."""
    at: float
    level: str
    """``info``, ``warning`` or ``error``."""
    text: str
