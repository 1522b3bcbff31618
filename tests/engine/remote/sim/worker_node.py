"""A simulated worker: the real machine, and processes that wardens watch over."""

from collections.abc import Callable
from dataclasses import dataclass

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote import messages, worker_actions
from bistro_tui.engine.remote.identity import NOBODY, InstanceId, MachineLock
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.sim.events import Events, Host, Process
from tests.engine.remote.sim.network import Answer, Stream
from tests.engine.remote.sim.scheduler_node import CALL_SEC
from tests.engine.remote.sim.truth import Truth

HEARTBEAT_SEC = 1.0
_CONNECT_SEC = 1.0
_DELIVERY_SEC = 2.0
_ANSWER_SEC = 3.0


@dataclass(slots=True)
class Attempt:
    """One process."""

    task: messages.RunningTask
    status: str
    ends_at: float
    pid: int = 0


class Warden:
    """Watches the processes of one worker; it is stopped by nothing but its host."""

    def __init__(self, host: Host, truth: Truth, told: Callable[[Attempt], None]):
        self.host, self.truth, self._told = host, truth, told
        self.attempts: dict[InvocationId, Attempt] = {}
        self.lease: float | None = None
        self.kill_wait = 0.0

    def is_over(self) -> bool:
        return self.lease is not None and self.host.clock() >= self.lease

    def renew(self, until: float | None, kill_wait: float) -> None:
        if self.is_over():
            self._lease_ended()
        if until == self.lease:
            return
        self.lease, self.kill_wait = until, kill_wait
        if until is not None:
            self.host.after(until - self.host.clock(), self._lease_ended)

    def start(self, attempt: Attempt) -> bool:
        if self.is_over():
            return False
        self.truth.process_starts(attempt.task, self.host)
        attempt.pid = self.host.begin(attempt.task.invocation)
        self.attempts[attempt.task.invocation] = attempt
        self.host.after(
            attempt.ends_at - self.host.clock(), lambda: self._ends(attempt)
        )
        return True

    def kill(self, invocation: InvocationId, wait: float) -> None:
        """It does not mind SIGTERM: it dies when all of the wait is over."""
        attempt = self.attempts.get(invocation)
        if attempt is not None:
            self._signal(attempt)
            attempt.status = "killed"
            attempt.ends_at = min(attempt.ends_at, self.host.clock() + wait)
            if wait > 0:
                self.host.after(wait, lambda: self._ends(attempt))
            else:
                self._ends(attempt)

    def vanish(self) -> None:
        """The host has no power any more."""
        for invocation, attempt in self.attempts.items():
            del self.host.processes[attempt.pid]
            self.truth.process_ended(invocation)
        self.attempts.clear()

    def kill_all(self, wait: float) -> None:
        for invocation in list(self.attempts):
            self.kill(invocation, wait)

    def _lease_ended(self) -> None:
        if self.host.is_asleep:
            self.host.on_wake.insert(0, self._lease_ended)
        elif self.lease is not None and self.host.clock() >= self.lease - 1e-6:
            late = self.host.clock() - self.lease
            self.kill_all(max(self.kill_wait - late, 0.0))

    def _ends(self, attempt: Attempt) -> None:
        if attempt.task.invocation not in self.attempts:
            return
        if self.host.is_asleep:
            self.host.on_wake.append(lambda: self._ends(attempt))
        elif self.host.clock() >= attempt.ends_at - 1e-6:
            if attempt.status == "killed":
                self._signal(attempt)
            del self.host.processes[attempt.pid]
            del self.attempts[attempt.task.invocation]
            self.truth.process_ended(attempt.task.invocation)
            self._told(attempt)

    def _signal(self, attempt: Attempt) -> None:
        self.truth.is_signalled(self.host, attempt.pid, attempt.task.invocation)


class WorkerNode:
    """One instance of a worker."""

    def __init__(
        self,
        events: Events,
        host: Host,
        truth: Truth,
        dial: Callable[["WorkerNode"], None],
        *,
        shard: str,
        instance: InstanceId,
        machine: type[WorkerMachine],
        warden: type[Warden],
        has_lease: bool,
        lock: str,
        is_swept: bool,
    ) -> None:
        self.process = Process(events, host)
        self.events, self.truth, self.shard, self.id = events, truth, shard, instance
        self.has_lease = has_lease
        self._dial = dial
        self.machine = machine(
            messages.Worker(
                shard=shard,
                lock=MachineLock(lock, 0, lock),
                id=instance,
                heartbeat_period_sec=HEARTBEAT_SEC,
                usable=messages.Usable(),
                home=host.home,
                is_swept=is_swept,
            ),
            host.clock(),
        )
        self.warden = warden(host, truth, self._told_end)
        self.stream: Stream | None = None
        self.taken: dict[InvocationId, str] = {}
        """What it accepted, and if that is alive, ended or acknowledged."""
        self._is_beating = False
        self._heard_at = -1e18
        self.process.every(HEARTBEAT_SEC, self._beat)
        self.process.every(0.5, self.act)
        self.process.every(_CONNECT_SEC, self._connect)

    @property
    def is_over(self) -> bool:
        """Nothing of it is left, so that the next instance may start."""
        return not self.process.is_alive and not self.warden.attempts

    def crash(self) -> None:
        self.events.tell(f"{self.shard} {self.id.rand} crashes")
        self._exit()

    def lose_power(self) -> None:
        self.warden.vanish()
        self._exit()

    def _exit(self) -> None:
        self.process.is_alive = False
        self.warden.kill_all(self.warden.kill_wait)
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.workers_end.end()

    # Connection.

    def _connect(self) -> None:
        if self.stream is None and not self.machine.is_dying:
            self._dial(self)

    def linked(self, stream: Stream) -> None:
        if not self.process.is_alive or self.stream is not None:
            stream.workers_end.end()
            return
        self.stream = stream
        self.machine.linked = True
        self._beat()
        self.act()

    def stream_ended(self, stream: Stream) -> None:
        if self.stream is stream:
            self.stream = None
            self.machine.linked = False

    def _beat(self) -> None:
        stream = self.stream
        if stream is None or self._is_beating or self.machine.is_dying:
            return
        self._is_beating = True
        sent_at = self.process.clock()
        beat = self.machine.beat(sent_at, messages.Usable(), None)
        stream.workers_end.call(
            beat, lambda outcome: self._beat_over(outcome, sent_at), timeout=_ANSWER_SEC
        )

    def _beat_over(self, outcome: Outcome, sent_at: float) -> None:
        self._is_beating = False
        if isinstance(outcome, messages.HeartbeatReply):
            old = self.machine.scheduler
            self.machine.beat_answered(outcome, sent_at, self.process.clock())
            if old != outcome.id:
                self.events.tell(f"{self.shard} meets scheduler {outcome.id.rand}")
            self._heard_at = max(self._heard_at, sent_at)
        elif isinstance(outcome, Refused):
            self.machine.beat_refused(outcome.text)
        elif isinstance(outcome, NotSent):
            self.machine.beat_not_sent(sent_at)
        self.act()

    # Requests.

    def handle(self, stream: Stream, body: messages.Request, answer: Answer) -> None:
        now = self.process.clock()
        refusal: str | None = None
        if isinstance(body, messages.GetRunningTasks):
            found = self.machine.running_tasks(body)
            answer(Refused(found) if isinstance(found, str) else found)
            return
        if isinstance(body, messages.RunTask):
            refusal = self.machine.run_task(body, now)
            if refusal is None:
                self._take(body.task)
        elif isinstance(body, messages.NotifyIfNotRunning):
            refusal = self.machine.notify(body)
        elif isinstance(body, messages.KillTask):
            refusal = self.machine.kill(body)
            if refusal is None:
                self._kill(body)
        elif isinstance(body, messages.RequestSuicide):
            refusal = self.machine.suicide(body)
        answer(messages.Done() if refusal is None else Refused(refusal))
        self.act()

    def _take(self, task: messages.RunningTask) -> None:
        rng = self.events.rng
        if task.task.job == messages.HEALTH_CHECK:
            self.process.after(0.01, lambda: self._report(task, "done"))
            return
        if self.process.clock() > self._heard_at + 1e3:
            raise self.truth.broken("health", f"{self.shard} took {task.task} unheard")
        if self.machine.state is not WorkerState.HEALTHY:
            raise self.truth.broken("health", f"{self.shard} took {task.task} unwell")
        self.taken[task.invocation] = "alive"
        attempt = Attempt(
            task=task,
            status=rng.choice(("done", "done" if self.events.is_calm else "error")),
            ends_at=self.process.clock() + rng.choice((0.0, 0.2, 2.0, 6.0, 30.0)),
        )
        self.process.after(rng.choice((0.0, 0.0, 0.05)), lambda: self._start(attempt))

    def _start(self, attempt: Attempt) -> None:
        if not self.warden.start(attempt):
            self._report(attempt.task, "never started")

    def _kill(self, message: messages.KillTask) -> None:
        invocation = message.task.invocation
        what = self.taken.get(invocation, "not here")
        if what != "alive":
            raise self.truth.broken("I9", f"{invocation} is killed, and is {what}")
        self.warden.kill(invocation, 0.0)

    def _told_end(self, attempt: Attempt) -> None:
        self.process.do(lambda: self._report(attempt.task, attempt.status))

    def _report(self, task: messages.RunningTask, status: str) -> None:
        if task.invocation in self.taken:
            self.taken[task.invocation] = "ended"
        self.machine.ended(task.task, task.invocation, status=status, exit_text="")
        self.act()

    # What the machine wants.

    def act(self) -> None:
        now = self.process.clock()
        for action in self.machine.tick(now):
            if isinstance(action, worker_actions.SendStatus):
                self._send(action)
            elif isinstance(action, worker_actions.Die):
                self.events.tell(f"{self.shard} {self.id.rand} dies: {action.reason}")
                for one in self.machine.alive:
                    wait = one.suicide_kill_wait_ms / 1000
                    self.warden.kill(one.invocation, wait)
                self._wait_for_end()
            elif isinstance(action, worker_actions.StateIs):
                self.events.tell(f"{self.shard} is {action.state.name}")
            elif isinstance(action, worker_actions.Warn):
                self.events.tell(f"{self.shard}: {action.text}")
        if self.has_lease and not self.machine.is_dying:
            self.warden.renew(
                self.machine.lease_until, self.machine.kill_wait_ms / 1000
            )

    def _wait_for_end(self) -> None:
        if self.warden.attempts:
            self.process.after(0.1, self._wait_for_end)
        else:
            self.process.after(_DELIVERY_SEC, self._exit)

    def _send(self, action: worker_actions.SendStatus) -> None:
        stream = self.stream
        assert stream is not None
        invocation = action.message.task.invocation

        def answered(outcome: Outcome) -> None:
            is_done = isinstance(outcome, messages.Done)
            self.machine.status_answered(action.number, is_done, self.process.clock())
            if is_done and self.taken.get(invocation) == "ended":
                self.taken[invocation] = "acknowledged"
            self.act()

        stream.workers_end.call(action.message, answered, timeout=CALL_SEC)

    @property
    def is_associated(self) -> bool:
        return self.machine.scheduler != NOBODY
