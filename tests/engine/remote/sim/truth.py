"""What really happens in a simulated world, and the invariants it has to keep.

Numbers are those of the invariants that the product promises:
I1 one live attempt of a task; I2 what is done is on disk and never runs again; I3 what
a worker took ends in one acknowledged status, or with the worker; I4 what a scheduler
believes dead is dead, and cannot start; I5 who was replaced or lost stays so; I6 at the
end of the initial wait every live task is known, or was lost and is waited for; I7 no
limit is exceeded; I8 a lost task was dead before it may start anew; I9 a signal meets
the very process that it is for; I10 statuses change by the table only. I7 and I10 are
judged where the scheduler has the real core.
"""

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import RunningTask
from tests.engine.remote.sim.events import Events, Host
from tests.engine.remote.sim.limits import LimitLaw
from tests.engine.remote.sim.status_law import StatusLaw


class Broken(AssertionError):
    """An invariant does not hold."""


class Truth:
    """Everything that an outsider could see."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.limits = LimitLaw(self.broken)
        self.statuses = StatusLaw(self.broken)
        self.alive: dict[InvocationId, tuple[RunningTask, Host]] = {}
        """Nothing is alive on a machine that sleeps: when it wakes, its wardens are the
        first to do something."""
        self.on_disk: set[TaskId] = set()
        """Done for ever, whichever scheduler comes."""
        self.dead_for_good: set[InvocationId] = set()
        self.all_of: dict[TaskId, list[InvocationId]] = {}
        self.gone_workers: set[InstanceId] = set()
        """Lost or replaced, by the scheduler that is there."""
        self.starts = 0
        self.ends = 0

    def broken(self, rule: str, text: str) -> Broken:
        trace = "\n".join(self.events.trace)
        return Broken(f"{rule}: {text}\n{trace}\n{rule}: {text}")

    def _lives(self, invocation: InvocationId) -> bool:
        found = self.alive.get(invocation)
        return found is not None and not found[1].is_asleep

    def _living(self) -> list[RunningTask]:
        return [one for one, host in self.alive.values() if not host.is_asleep]

    def process_starts(self, task: RunningTask, host: Host) -> None:
        self.starts += 1
        living = self._living()
        for old in living:
            if old.task == task.task:
                raise self.broken("I1", f"{task.task} runs twice")
        self.limits.starts(task, living)
        if task.task in self.on_disk:
            raise self.broken("I2", f"{task.task} is done, and starts again")
        if task.invocation in self.dead_for_good:
            raise self.broken("I4", f"{task.task} {task.invocation} was believed dead")
        self.alive[task.invocation] = task, host

    def process_ended(self, invocation: InvocationId) -> None:
        if self.alive.pop(invocation, None) is not None:
            self.ends += 1

    def is_signalled(self, host: Host, pid: int, invocation: InvocationId) -> None:
        found = host.processes.get(pid)
        if found != invocation:
            raise self.broken(
                "I9", f"process {pid} is signalled as {invocation}, and is {found}"
            )

    def is_believed_over(self, task: TaskId, invocation: InvocationId) -> None:
        """Some scheduler was told so by who must know."""
        if self._lives(invocation):
            raise self.broken("I4", f"{task} {invocation} lives, and is believed over")
        self.dead_for_good.add(invocation)

    def is_dispatched(self, running: RunningTask) -> None:
        task, invocation = running.task, running.invocation
        for old in self.all_of.setdefault(task, []):
            if self._lives(old):
                raise self.broken("I8", f"{task} is to start; {old} is alive")
            self.dead_for_good.add(old)
        if task in self.on_disk:
            raise self.broken("I2", f"{task} is done, and is to start again")
        self.all_of[task].append(invocation)
        self.limits.is_dispatched(running, self._living())
        self.statuses.is_dispatched(task, invocation, self.events.now)

    def is_done(self, task: TaskId) -> None:
        self.on_disk.add(task)

    def wait_is_over(self, known: set[InvocationId]) -> None:
        for one in self._living():
            is_waited_for = self.statuses.is_waited_for(one.task, one.invocation)
            if one.invocation not in known and not is_waited_for:
                raise self.broken(
                    "I6",
                    f"the wait is over, and {one.task} {one.invocation} is not known",
                )

    def heartbeat_is_accepted(self, worker: InstanceId) -> None:
        if worker in self.gone_workers:
            raise self.broken("I5", f"{worker} was replaced, and is taken back")

    def scheduler_is_new(self) -> None:
        self.gone_workers.clear()
        self.statuses.scheduler_is_new()
