"""What a worker and its scheduler say to each other, over whatever link there is."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.remote.bounds import sendable
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.link import Answerer, Handlers, Link
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    BeatSoon,
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    News,
    NotifyIfNotRunning,
    QueryLogs,
    ReadLog,
    Request,
    RequestSuicide,
    RunTask,
    UpdateStatus,
    Usable,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.worker_actions import (
    Associated,
    Die,
    SendStatus,
    StateIs,
    Warn,
    WorkerAction,
)
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.worker.ordered_jobs import OrderedJobs, kill_settings
from bistro_tui.engine.worker.tasks import Tasks

log = logging.getLogger("bistro_tui")

CALL_SEC = 3.0
"""How long an answer is waited for. Source: Bistro, --thrift_*_timeout_ms."""
SOON_SEC = 0.25
"""Between heartbeats where the next one has something to tell, or something to hear."""
UNSURE_SEC = 1.0
"""Between heartbeats at most while the scheduler answers, but does not say that tasks
may start here: that is heard in an answer only."""
UNTAKEN_SEC = 10.0
"""How long a status may be refused before it is said: one of another scheduler takes
it mostly with the next try, or the one after."""
LOOK_SEC = 1.0
"""How often the worker judges itself."""
REPEAT_SEC = 60.0
"""How often the log has the same warning."""


class Asked(Protocol):
    """Whoever answers questions about logs."""

    def __call__(self, question: QueryLogs | ReadLog, answer: Answerer) -> None:
        """Answer it, in a later turn of the loop."""
        ...


class Conversation:
    """Carries the machine's words out and the scheduler's in. All on one loop."""

    def __init__(
        self,
        machine: WorkerMachine,
        tasks: Tasks,
        *,
        clock: Clock,
        heartbeat_period: float,
        answer_log: Asked,
        on_death: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        """``on_death`` hears once why the worker is to end all its tasks and itself.

        ``on_change``: something that ``words`` tells of may be another.
        """
        self._machine = machine
        self._tasks = tasks
        self._clock = clock
        self._period = heartbeat_period
        self._answer_log = answer_log
        self._on_death = on_death
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._jobs = OrderedJobs()
        self._link: Link | None = None
        self._is_beating = False
        self._last_beat = float("-inf")
        self._is_beat_wanted = False
        self._beat_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None
        self._lease: float | None = None
        self._warned: dict[str, float] = {}
        self._untaken: dict[int, float] = {}
        """Since when the scheduler takes a status not, by its number."""
        self._was_healthy = False
        self._was_full = False
        self.usable = Usable()
        """What this host has."""
        self.trouble = ""
        """Why nothing may be started here; empty: it may."""
        self.handlers = Handlers(
            handle=self._handle,
            heard=self._heard,
            on_link=self._linked,
            on_end=self._ended,
        )

    def begin(self) -> None:
        """Judge from now on."""
        self.step()

    def close(self) -> None:
        """Do nothing more by itself."""
        for timer in (self._beat_timer, self._look_timer):
            if timer is not None:
                timer.cancel()

    @property
    def words(self) -> str:
        """Return how the worker is, for a person."""
        machine = self._machine
        where = "no scheduler is connected"
        if self._link is not None:
            where = f"connected to {self._link.peer.address}"
        state = machine.state.name.lower()
        return f"{state}, {len(machine.alive)} running, {where}"

    def tell(self, news: News) -> None:
        """Say something that is nothing to wait for."""
        if self._link is not None:
            self._link.tell(news)

    def troubled(self, text: str) -> None:
        """Let nothing start while there is a text, and have the scheduler know it."""
        self.trouble = text
        self.say_trouble(text)
        self.beat_soon()

    def say_trouble(self, text: str) -> None:
        """Have a person on the other side know it."""
        if text:
            self.tell(WorkerTrouble(sendable(text)))

    def beat_soon(self) -> None:
        """Send a heartbeat before its time is up."""
        self._is_beat_wanted = True
        if self._link is not None and not self._is_beating:
            self._beat_in(max(0.0, self._last_beat + self._soon - self._loop.time()))

    def step(self) -> None:
        """Do what the machine wants done; to be called after each word to it."""
        machine = self._machine
        now = self._now
        for action in machine.tick(now):
            self._act(action)
        until = machine.lease_until
        # One that dies ends its tasks itself, in the time that each has for it; should
        # it not get to that, what they were told last still counts.
        if until is not None and until != self._lease and not machine.is_dying:
            self._lease = until
            self._tasks.runner.lease(until, machine.kill_wait_ms / 1_000)
        if machine.is_full is not self._was_full:
            self._was_full = machine.is_full
            self.beat_soon()
        self._look_in(min(LOOK_SEC, max(0.001, machine.next_due - now)))

    def _look_in(self, seconds: float) -> None:
        """Judge after so long at the latest; once too often costs less than a timer."""
        timer, at = self._look_timer, self._loop.time() + seconds
        if timer is not None:
            if timer.when() <= at:
                return
            timer.cancel()
        self._look_timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._look_timer = None
        self.step()

    @property
    def _now(self) -> float:
        return self._clock.now().elapsed

    @property
    def _soon(self) -> float:
        return min(SOON_SEC, self._period)

    def _act(self, action: WorkerAction) -> None:
        match action:
            case SendStatus(number=number, message=message):
                self._send_status(number, message)
            case Die(reason=reason):
                self._on_death(reason)
            case Associated(scheduler=scheduler):
                log.info("works for scheduler %s from now on", _name(scheduler))
            case StateIs(state=state):
                self._log_state(state)
                self._on_change()
            case Warn(text=text):
                self._warn(text)

    def _log_state(self, state: WorkerState) -> None:
        was_healthy, self._was_healthy = self._was_healthy, False
        match state:
            case WorkerState.HEALTHY:
                self._was_healthy = True
                log.info("became healthy: tasks may start here")
            case WorkerState.UNHEALTHY if was_healthy:
                log.warning("became unhealthy: no task starts here for now")
            case WorkerState.UNHEALTHY:
                log.info("known to its scheduler, and not healthy yet")
            case WorkerState.NEW:
                log.info("new to its scheduler: no task starts here yet")
            case WorkerState.MUST_DIE:
                log.warning("lost: its scheduler does not count on it any more")

    def _warn(self, text: str) -> None:
        now = self._loop.time()
        if now >= self._warned.get(text, float("-inf")) + REPEAT_SEC:
            if len(self._warned) > 100:
                self._warned.clear()
            self._warned[text] = now
            log.warning("%s", text)

    # Links.

    def _linked(self, link: Link) -> None:
        self._link, self._machine.linked = link, True
        self._is_beating = False
        self.say_trouble(self.trouble)
        self._beat()
        self.step()
        self._on_change()

    def _ended(self, link: Link, _reason: str) -> None:
        # The dialer says why.
        if link is self._link:
            self._link, self._machine.linked = None, False
            self._on_change()

    # Heartbeats.

    def _beat_in(self, delay: float) -> None:
        if self._beat_timer is not None:
            self._beat_timer.cancel()
        self._beat_timer = self._loop.call_later(delay, self._beat)

    def _beat(self) -> None:
        link = self._link
        if link is None or self._is_beating or self._machine.is_dying:
            return
        self._is_beating, self._is_beat_wanted = True, False
        self._last_beat = self._loop.time()
        slots, held = self._tasks.slots, self.trouble
        if held:
            slots = 0
        elif slots == 0:
            held = self._tasks.no_slots
        sent_at = self._now
        beat = self._machine.beat(sent_at, self.usable, slots, held)
        over = partial(self._beat_over, link, beat, sent_at)
        link.call(beat, over, timeout=CALL_SEC)

    def _heard(self, link: Link, news: News) -> None:
        if link is self._link and isinstance(news, BeatSoon):
            self.beat_soon()

    def _beat_over(
        self, link: Link, beat: Heartbeat, sent_at: float, outcome: Outcome
    ) -> None:
        match outcome:
            case HeartbeatReply():
                if outcome.worker_set != beat.worker_set:
                    # The others wait until we have said that we know of it.
                    self._is_beat_wanted = True
                self._machine.beat_answered(outcome, sent_at, self._now)
            case Refused(text):
                self._machine.beat_refused(text)
            case NotSent():
                self._machine.beat_not_sent(sent_at)
            case Unknown(text):
                self._warn(f"a heartbeat was not answered: {text}")
            case _:
                pass
        if link is self._link:
            self._is_beating = False
            self._beat_in(self._pause(isinstance(outcome, HeartbeatReply)))
        self.step()

    def _pause(self, is_answered: bool) -> float:
        if self._is_beat_wanted:
            return self._soon
        if is_answered and self._machine.state is not WorkerState.HEALTHY:
            return min(UNSURE_SEC, self._period)
        return self._period

    # Statuses.

    def _send_status(self, number: int, message: UpdateStatus) -> None:
        answered = partial(self._status_over, number, message)
        if self._link is None:
            self._loop.call_soon(answered, NotSent("no connection"))
        else:
            self._link.call(message, answered, timeout=CALL_SEC)

    def _status_over(
        self, number: int, message: UpdateStatus, outcome: Outcome
    ) -> None:
        is_done = isinstance(outcome, Done)
        if is_done:
            self._untaken.pop(number, None)
        elif isinstance(outcome, (Refused, Unknown)):
            since = self._untaken.setdefault(number, self._now)
            text = f"the scheduler did not take a status: {outcome.text}"
            if self._now - since >= UNTAKEN_SEC:
                self._warn(text)
            else:
                log.debug("%s", text)
        self._machine.status_answered(number, is_done, self._now)
        is_check = message.task.task.job == HEALTH_CHECK
        if is_done and is_check and self._machine.state is not WorkerState.HEALTHY:
            # What it thinks of us now is in its next answer.
            self.beat_soon()
        self.step()

    # What is asked.

    def _handle(self, _link: Link, request: Request, answer: Answerer) -> None:
        match request:
            case RunTask():
                self._answer(self._run_task(request), answer)
            case KillTask():
                self._answer(self._kill(request), answer)
            case NotifyIfNotRunning():
                self._answer(self._machine.notify(request), answer)
            case RequestSuicide():
                self._answer(self._machine.suicide(request), answer)
            case GetRunningTasks():
                found = self._machine.running_tasks(request)
                answer(Refused(found) if isinstance(found, str) else found)
                self.beat_soon()
            case QueryLogs() | ReadLog():
                self._answer_log(request, answer)
                return
            case Heartbeat() | UpdateStatus():
                answer(Refused("this is a worker"))
        self.step()

    def _answer(self, refusal: str | None, answer: Answerer) -> None:
        answer(Done() if refusal is None else Refused(refusal))

    def _run_task(self, message: RunTask) -> str | None:
        task = message.task
        is_check = task.task.job == HEALTH_CHECK
        if self.trouble and not is_check:
            return f"not running task {task.task}: {self.trouble}"
        try:
            job = self._jobs.job(task.task.job, message.order)
        except ValueError as error:
            return f"not running task {task.task}: its order is not understood: {error}"
        refusal = self._machine.run_task(message, self._now)
        if refusal is not None:
            return refusal
        if self.trouble and is_check:
            # It says itself that nothing starts here. A check that fails because of it
            # would in the end have all that runs here killed.
            self._tasks.pass_check(task)
        else:
            self._tasks.start(task, job, message.order.config)
        return None

    def _kill(self, message: KillTask) -> str | None:
        try:
            how = kill_settings(message.kill)
        except ValueError as error:
            return f"not killing task {message.task.task}: {error}"
        refusal = self._machine.kill(message)
        if refusal is None:
            self._tasks.kill(message.task, how)
        return refusal


def _name(instance: InstanceId) -> str:
    return f"{instance.start_time}-{instance.rand & (2**64 - 1):016x}"
