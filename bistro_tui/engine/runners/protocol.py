"""What the engine asks of a runner, and what a runner tells the engine."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId, NodeName, TaskId
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.events import AdoptedAttempt, WorkerFacts
from bistro_tui.engine.statuses.status import TaskStatus

# Named tuples: each attempt makes two, and a data class takes three times as long.


class AttemptStarted(NamedTuple):
    """The attempt's process exists. A runner without processes need not send it."""

    task: TaskId
    invocation: InvocationId
    pid: int | None
    """None where the runner has no process for it."""


class AttemptEnded(NamedTuple):
    """The attempt is over, its output handed to the log, its process tree gone.

    Also sent, as the only report, for an attempt that could not be started.
    """

    task: TaskId
    invocation: InvocationId
    reported: TaskStatus
    exit_text: str
    """``exited with status 0``, ``killed by signal 9``, ``failed to start: …``."""
    peak_memory: int | None = None
    """Bytes, the greatest resident set of its main process and of what that waited
    for; None where the runner does not know."""
    cpu_seconds: float | None = None
    """User and system time of the same."""


class AttemptNotStarted(NamedTuple):
    """The attempt could not be started for want of something that comes back.

    Nothing is left of it, and no other report follows; the task goes on waiting.
    """

    task: TaskId
    invocation: InvocationId
    text: str
    """What is missing: ``EAGAIN: Resource temporarily unavailable``, …."""
    concerns_worker_only: bool = False
    """Others may start meanwhile: only the worker that was chosen did not take it."""


class AttemptUsage(NamedTuple):
    """What running attempts use at this moment."""

    rows: tuple[tuple[InvocationId, int, float, int], ...]
    """(attempt, resident bytes, CPU seconds so far, processes)."""


class RunnerCapacity(NamedTuple):
    """How many attempts the runner can have at once, whatever the resources allow."""

    limit: int | None
    """None: no limit."""
    text: str
    """Why, as shown of tasks that wait for it."""


class RunnerContainment(NamedTuple):
    """How the runner finds every process of an attempt when it ends."""

    word: str
    """``cgroup``, ``subreaper`` or ``session``."""


class RunnerTrouble(NamedTuple):
    """Something is not as the config asks, and tasks run all the same."""

    text: str
    """For people; the runner has logged it."""


class WorkersChanged(NamedTuple):
    """These workers are there from now on, all of them, in the order they came.

    A runner that never sends it is one worker, named as the runner is.
    """

    workers: tuple[WorkerFacts, ...]


class WorkersAwaited(NamedTuple):
    """Nothing may start: workers of before may come back with tasks that run.

    Source: Bistro, remote/RemoteWorkers (initial wait).
    """

    text: str
    """What is waited for; empty: it is over."""


class AttemptAdopted(NamedTuple):
    """A worker has an attempt that an earlier scheduler started; it runs on.

    Told at once when it is found, not from inside ``start``: nothing is started beside
    it from then on. Who is to start its task all the same tells ``AttemptNotStarted``,
    then of the one that runs once more.
    """

    attempt: AdoptedAttempt


class AttemptLost(NamedTuple):
    """The worker of a running attempt is gone, and the attempt will be.

    Its task may run again once ``safe_sec`` are over, no matter what its job says.
    """

    task: TaskId
    invocation: InvocationId
    worker: NodeName
    safe_sec: int


class LateStatus(NamedTuple):
    """What became of an attempt that does not run as far as the scheduler knows.

    It counts where the status that is known was only made for want of this one.
    """

    task: TaskId
    invocation: InvocationId
    reported: TaskStatus
    next_backoff: BackoffDuration
    """As recorded when it started."""
    exit_text: str
    worker: NodeName
    """Who told it; the attempt may run on another one."""


NewsReport: TypeAlias = (
    AttemptStarted
    | AttemptNotStarted
    | AttemptUsage
    | RunnerCapacity
    | RunnerContainment
    | RunnerTrouble
    | WorkersChanged
    | WorkersAwaited
    | AttemptAdopted
    | AttemptLost
    | LateStatus
)
"""All that a runner has to tell but ends."""
RunnerReport: TypeAlias = AttemptEnded | NewsReport
ReportSink: TypeAlias = Callable[[RunnerReport], None]
"""Called on the engine's loop, never from inside ``start`` or ``kill``.

It only takes note: the engine acts on all reports of a turn of the loop together. A
second end of one attempt is dropped.
"""

ReportsSink: TypeAlias = Callable[[Sequence[RunnerReport]], None]
"""Called on the engine's loop, never from inside ``start`` or ``kill``, with all that a
runner has to tell in a turn of the loop: acted on before it returns, so that what is
started in its turn can be seen to at once.
"""


class TaskRunner(Protocol):
    """Carries out starts and kills. All calls come from the engine's loop."""

    name: str
    """The worker shard shown for its tasks: ``local``, …."""

    def start(self, start: StartTask) -> None:
        """Begin the attempt without blocking; what becomes of it is reported."""
        ...

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt; harmless when it is already over."""
        ...

    async def close(self) -> None:
        """Kill whatever is left at once and give back every descriptor."""
        ...
