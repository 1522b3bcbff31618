"""What the pool of workers asks of those who carry it out, and tells them. Pure."""

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.identity import InstanceId, MachineLock
from bistro_tui.engine.remote.messages import RunningTask, Usable
from bistro_tui.engine.remote.worker_state import WorkerState

# What happened to calls and statuses.


class Ticket(NamedTuple):
    """What a ``RunTask`` is sent with: it counts for that instance only."""

    worker: InstanceId
    sequence: int


class RunOutcome(enum.Enum):
    """What is known of a ``RunTask`` that was sent."""

    ACCEPTED = enum.auto()
    """The worker has it, and will tell of its end."""
    REFUSED = enum.auto()
    """The worker said no: it definitely does not run."""
    NOT_SENT = enum.auto()
    """It never left: it definitely does not run."""
    UNKNOWN = enum.auto()
    """It may run or not, or may start yet."""


class StatusKind(enum.Enum):
    """What the pool has to know of a status that arrives; others read the rest."""

    RUNNING = enum.auto()
    """It says that the task runs, which no task may say of itself."""
    OVERWRITEABLE = enum.auto()
    """Made for want of a real one: the worker does not have the task."""
    DONE = enum.auto()
    OTHER = enum.auto()
    """Any other real one."""


class Verdict(enum.Enum):
    """What to do with a status that arrived."""

    ENDED = enum.auto()
    """A running attempt is over. Answer once its status is on disk."""
    LATE = enum.auto()
    """Its attempt does not run as far as is known. Answer once it is on disk, or was
    found not to count."""
    STORING = enum.auto()
    """The same came before and is not on disk yet: one of the answers may be given
    when that is, and nothing else is to be done."""
    ACKNOWLEDGE = enum.auto()
    """Nothing is to be done but to answer ``Done``; a text is worth a warning."""
    REFUSED = enum.auto()
    """Refuse with the text: the worker sends it again."""


class StatusVerdict(NamedTuple):
    """What to do with a status that arrived, and why."""

    verdict: Verdict
    text: str = ""


class PoolRow(NamedTuple):
    """One worker as the pool knows it; moments are ``Now.elapsed``."""

    shard: str
    id: InstanceId
    lock: MachineLock
    state: WorkerState
    takes_tasks: bool
    """Healthy, connected, nothing is waited for, and it said no to no task just now."""
    why_not: str
    """Why it takes none, in a few words; empty while it does."""
    usable: Usable
    slots: int | None
    running: int
    last_heartbeat: float
    since: float
    """When it came into its state."""
    is_leaving: bool = False
    """It said that it ends."""
    held: str = ""
    """Why nothing can start there, as it says itself."""
    lost_after: float = math.inf
    """When it counts as lost if it stays as it is; infinity: it does not."""


class LostTask(NamedTuple):
    """A task of a worker that is gone, and how long it may take to die."""

    task: RunningTask
    safe_sec: int


def over_at(lost: Iterable[LostTask], now: float) -> dict[InvocationId, float]:
    """Return when each of the attempts that are lost ``now`` must have died."""
    return {one.task.invocation: now + one.safe_sec for one in lost}


# What the pool asks for, in the order in which it is to be done.


@dataclass(frozen=True, slots=True)
class SendSuicide:
    """Tell that instance to end itself; nobody waits for what it answers.

    It need not be the instance that owns the shard, nor one that was accepted.
    """

    shard: str
    worker: InstanceId
    reason: str


@dataclass(frozen=True, slots=True)
class SendHealthcheck:
    """Send a health-check task; its node is ``NEW_WORKER`` if ``is_new``.

    The attempt's ``rand`` is ``number``, by which its status is known again.
    """

    shard: str
    worker: InstanceId
    is_new: bool
    number: int
    sent_at: float


@dataclass(frozen=True, slots=True)
class AskIfNotRunning:
    """Send ``NotifyIfNotRunning``, and tell ``Pool.not_running_answered``."""

    shard: str
    worker: InstanceId
    sequence: int
    tasks: tuple[RunningTask, ...]


@dataclass(frozen=True, slots=True)
class NotStarted:
    """That attempt definitely does not run, and its task can be tried again at once."""

    task: RunningTask
    text: str


@dataclass(frozen=True, slots=True)
class TasksLost:
    """The worker of these is gone. To be recorded before what others report."""

    tasks: tuple[LostTask, ...]


@dataclass(frozen=True, slots=True)
class FetchRunning:
    """Send ``GetRunningTasks``, and tell ``Pool.running_fetched``."""

    shard: str
    worker: InstanceId


@dataclass(frozen=True, slots=True)
class Adopted:
    """A worker runs these, which an earlier scheduler started."""

    tasks: tuple[RunningTask, ...]


@dataclass(frozen=True, slots=True)
class WorkersAreOthers:
    """Which workers there are, what they have or who takes tasks is not as before."""


@dataclass(frozen=True, slots=True)
class WaitIs:
    """What the initial wait waits for from now on; empty: it is over for good."""

    text: str


@dataclass(frozen=True, slots=True)
class Warn:
    """A line for the log."""

    text: str


PoolAction: TypeAlias = (
    SendSuicide
    | SendHealthcheck
    | AskIfNotRunning
    | NotStarted
    | TasksLost
    | FetchRunning
    | Adopted
    | WorkersAreOthers
    | WaitIs
    | Warn
)
