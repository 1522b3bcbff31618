"""What a scheduler knows of one worker instance, and of the tasks that it has. Pure.

Source: Bistro, remote/RemoteWorker.
"""

import math
from collections.abc import Iterable

from bistro_tui.engine.ids import HAS_LEFT, InvocationId, TaskId
from bistro_tui.engine.remote.bounds import for_people
from bistro_tui.engine.remote.consensus import Member
from bistro_tui.engine.remote.frames import that_fit
from bistro_tui.engine.remote.lease import lease_until
from bistro_tui.engine.remote.messages import Leaving, RunningTask, Worker
from bistro_tui.engine.remote.pool_actions import (
    AskIfNotRunning,
    LostTask,
    PoolRow,
    SendHealthcheck,
    StatusKind,
    StatusVerdict,
    Verdict,
)
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_state import Gaps, Standing, WorkerState, compute

MAX_UNSURE_EXPONENT = 8
_NOT_ALL_KNOW = "not all workers know of it yet"
_LONGEST_SEC = 2**31
"""That a task is kept from starting; periods may be without end."""


class WorkerRecord:
    """One instance for as long as it owns its shard."""

    __slots__ = (
        "_checks",
        "_former_until",
        "_gaps",
        "_has_ended",
        "_holders",
        "_is_resting",
        "_last_asked",
        "_last_check",
        "_leaves_for",
        "_period",
        "_times",
        "_unsure",
        "_unsure_exponent",
        "is_leaving",
        "is_linked",
        "knows_it_is_healthy",
        "member",
        "offered",
        "running",
        "sequence",
        "since",
        "standing",
        "why_unhealthy",
        "worker",
    )

    def __init__(
        self,
        worker: Worker,
        member: Member,
        times: PoolTimes,
        now: float,
        holders: "dict[TaskId, WorkerRecord]",
        *,
        former_until: float,
    ) -> None:
        """Know nothing of it but that it came.

        ``holders``: of all records, by the tasks that run there; kept up to date.
        ``former_until``: nothing lives longer by what schedulers of before have said.
        """
        self.worker = worker
        self.member = member
        self.standing = Standing(became_unhealthy=now)
        self.since = now
        self.sequence = 0
        self.running: dict[TaskId, RunningTask] = {}
        self.is_linked = True
        self.knows_it_is_healthy = False
        """Whether an answer said so once: before that it refuses tasks."""
        self.why_unhealthy = ""
        self.offered: object = None
        """What others last heard of it."""
        self._holders = holders
        self._former_until = former_until
        self._times = times
        self._period = worker.heartbeat_period_sec
        self._gaps = self._computed_gaps()
        self._is_resting = False
        self.is_leaving = False
        """It said that it ends."""
        self._leaves_for = ""
        self._has_ended = False
        self._checks: dict[int, float] = {}
        """When the health checks were sent that may yet come back in time."""
        self._last_check = -math.inf
        self._unsure: dict[TaskId, RunningTask] = {}
        self._last_asked = -math.inf
        self._unsure_exponent = 0

    @property
    def state(self) -> WorkerState:
        """What was last found of it."""
        return self.standing.state

    @property
    def is_known(self) -> bool:
        """Whether it is not lost, and has said what it runs."""
        return self.state not in (WorkerState.NEW, WorkerState.MUST_DIE)

    @property
    def takes_tasks(self) -> bool:
        """Whether it may be given tasks now."""
        return (
            self.standing.state is WorkerState.HEALTHY
            and self.knows_it_is_healthy
            and self.is_linked
            and not self._is_resting
            and not self.is_leaving
            and not self.worker.held
        )

    @property
    def why_not(self) -> str:
        """Why it takes no tasks; empty while it does."""
        if self.state is WorkerState.MUST_DIE:
            if not self._has_ended:
                return "lost"
            why = self._leaves_for
            return f"it has ended itself: {why}" if why else HAS_LEFT
        if self.is_leaving:
            return "it is ending" + (
                f": {self._leaves_for}" if self._leaves_for else ""
            )
        if not self.is_linked:
            return "not connected"
        if self.state is WorkerState.NEW:
            return "what it runs is not known yet"
        if self.state is WorkerState.UNHEALTHY:
            return self.why_unhealthy
        if not self.knows_it_is_healthy:
            return "it has not heard yet that it is healthy"
        if self.worker.held:
            return for_people(self.worker.held)
        return "it did not take a task; tried again soon" if self._is_resting else ""

    def row(self) -> PoolRow:
        """Return what there is to show of it."""
        why_not = self.why_not
        worker = self.worker
        return PoolRow(
            shard=worker.shard,
            id=worker.id,
            lock=worker.lock,
            state=self.state,
            takes_tasks=not why_not,
            why_not=why_not,
            usable=worker.usable,
            slots=worker.slots,
            running=len(self.running),
            last_heartbeat=self.standing.heartbeat,
            since=self.since,
            is_leaving=self.is_leaving,
            held=for_people(worker.held),
            lost_after=self._lost_after(),
        )

    def heard(self, worker: Worker, now: float) -> None:
        """Take note of a heartbeat, which says what ``worker`` is now."""
        self.worker = worker
        if worker.heartbeat_period_sec != self._period:
            self._period = worker.heartbeat_period_sec
            self._gaps = self._computed_gaps()
        # Cheaper than ``replace``, and there are many of these.
        old = self.standing
        self.standing = Standing(
            became_unhealthy=old.became_unhealthy,
            state=old.state,
            healthcheck_sent=old.healthcheck_sent,
            heartbeat=now,
            has_been_healthy=old.has_been_healthy,
        )
        self.is_linked = True

    def leave(self, message: Leaving) -> bool:
        """Take note that it ends; return whether it has, and has nothing left."""
        self.is_leaving = True
        self._leaves_for = for_people(message.reason)
        self._has_ended = message.is_over and not self.running
        return self._has_ended

    def rest(self) -> None:
        """Give it no tasks until it is heard of again."""
        self._is_resting = True

    def end_rest(self) -> None:
        """It can be tried again."""
        self._is_resting = False

    # Its state.

    def computed(self, now: float, *, is_allowed: bool) -> WorkerState:
        """Return the state that it is in at ``now``, and note why it is unhealthy."""
        state, is_blocked = compute(
            self.standing, self._gaps, now, is_allowed=is_allowed
        )
        if state is WorkerState.UNHEALTHY:
            self.why_unhealthy = self._words(now, is_blocked=is_blocked)
        return state

    def enter(self, state: WorkerState, now: float) -> None:
        """It is in ``state`` from now on."""
        if state is not self.state:
            self.since = now
            self.standing = self.standing.moved(state, now)

    def healthcheck_age(self, now: float) -> float | None:
        """Return how long ago the newest good health check was sent, None: none was."""
        sent = self.standing.healthcheck_sent
        return None if sent == -math.inf else now - sent

    def due_healthcheck(self, now: float, number: int) -> SendHealthcheck | None:
        """Return the health check that is due, to be known by ``number``."""
        if not self.is_linked or self.is_leaving:
            return None
        if self.state is WorkerState.MUST_DIE:
            return None
        if now < self._last_check + self._times.healthcheck_period:
            return None
        self._last_check = now
        oldest = now - self._times.max_healthcheck_gap
        self._checks = {
            old: sent for old, sent in self._checks.items() if sent >= oldest
        }
        self._checks[number] = now
        is_new = self.state is WorkerState.NEW
        worker = self.worker
        return SendHealthcheck(worker.shard, worker.id, is_new, number, now)

    def healthcheck_ended(self, number: int, kind: StatusKind) -> StatusVerdict:
        """Take note of the end of a health check."""
        sent = self._checks.pop(number, None)
        if kind is not StatusKind.DONE:
            text = "a health check did not come back good"
            return StatusVerdict(Verdict.ACKNOWLEDGE, text)
        if sent is not None and sent > self.standing.healthcheck_sent:
            old = self.standing
            self.standing = Standing(
                became_unhealthy=old.became_unhealthy,
                state=old.state,
                healthcheck_sent=sent,
                heartbeat=old.heartbeat,
                has_been_healthy=old.has_been_healthy,
            )
        return StatusVerdict(Verdict.ACKNOWLEDGE)

    # Its tasks.

    def take_on(self, task: RunningTask) -> None:
        """It runs that from now on; no other one does."""
        self.running[task.task] = task
        self._holders[task.task] = self

    def take_off(self, task: TaskId, invocation: InvocationId) -> RunningTask | None:
        """Return that attempt, which does not run from now on, None if it did not."""
        found = self.running.get(task)
        if found is None or found.invocation != invocation:
            return None
        del self.running[task]
        del self._holders[task]
        self._unsure.pop(task, None)
        return found

    def lose_all(self, now: float, *, is_dead: bool) -> list[LostTask]:
        """Return all that it ran; nothing of it counts as running from now on.

        ``is_dead``: it is proven that its process is gone.
        """
        lost = [
            LostTask(one, self._safe_sec(one, now, is_dead=is_dead))
            for one in self.running.values()
        ]
        for task in self.running:
            del self._holders[task]
        self.running.clear()
        self._unsure.clear()
        return lost

    def be_unsure_of(self, task: TaskId, invocation: InvocationId) -> None:
        """Ask whether it has that attempt, if it still counts as running."""
        found = self.running.get(task)
        if found is not None and found.invocation == invocation:
            self._unsure[task] = found

    def be_sure_of(self, asked: Iterable[RunningTask]) -> None:
        """It answered, and tells by itself which of these it does not run."""
        for one in asked:
            found = self._unsure.get(one.task)
            if found is not None and found.invocation == one.invocation:
                del self._unsure[one.task]

    def due_question(self, now: float) -> AskIfNotRunning | None:
        """Return the question that is due, for as many unsure tasks as it can name."""
        if not self._unsure:
            self._unsure_exponent = 0
            return None
        gap = self._times.unsure_if_running_check_initial_period
        if (
            not self.is_linked
            or now < self._last_asked + gap * 2**self._unsure_exponent
        ):
            return None
        self._last_asked = now
        self._unsure_exponent = min(MAX_UNSURE_EXPONENT, self._unsure_exponent + 1)
        self.sequence += 1
        tasks = that_fit(self._unsure.values())
        return AskIfNotRunning(self.worker.shard, self.worker.id, self.sequence, tasks)

    def task_ended(
        self, task: TaskId, invocation: InvocationId, kind: StatusKind
    ) -> StatusVerdict:
        """Return what the status of an attempt means; it runs until ``take_off``."""
        if self.state is WorkerState.NEW:
            return StatusVerdict(
                Verdict.REFUSED,
                f"the tasks of worker {self.worker.shard} are not known",
            )
        found = self.running.get(task)
        if found is not None and found.invocation != invocation:
            text = f"{task}: ignored a status of attempt {invocation}: another one runs"
            return StatusVerdict(Verdict.ACKNOWLEDGE, text)
        if found is not None:
            return StatusVerdict(Verdict.ENDED)
        if kind is StatusKind.OVERWRITEABLE:
            return StatusVerdict(Verdict.ACKNOWLEDGE)
        text = f"{task}: a status of attempt {invocation} came, which does not run"
        return StatusVerdict(Verdict.LATE, text)

    def _computed_gaps(self) -> Gaps:
        times = self._times
        return Gaps(
            max_healthcheck_gap=times.max_healthcheck_gap,
            max_heartbeat_gap=self._period + times.heartbeat_grace_period,
            lose_after=times.lose_unhealthy_worker_after,
        )

    def _safe_sec(self, task: RunningTask, now: float, *, is_dead: bool) -> int:
        """Return how long the task may live from now on, its worker being gone."""
        # A worker that ends goes by the task's own wait, its wardens by the one that
        # they were last told.
        wait_ms = max(task.suicide_kill_wait_ms, self._times.suicide_task_kill_wait_ms)
        margin = math.ceil(self._times.suicide_backoff_safety_margin_sec)
        safe = margin + wait_ms // 1_000 + 1
        if is_dead:
            return safe
        until = lease_until(self.standing, self._gaps) + safe
        if self.member.echoed is None:
            # No answer of ours need have come there.
            until = max(until, self._former_until)
        left = min(until - now, _LONGEST_SEC)
        return max(safe, math.ceil(left))

    def _lost_after(self) -> float:
        is_unhealthy = self.state is WorkerState.UNHEALTHY
        waits_for_others = is_unhealthy and self.why_unhealthy == _NOT_ALL_KNOW
        if self.state is WorkerState.MUST_DIE or (
            self.is_linked and (waits_for_others or not is_unhealthy)
        ):
            return math.inf
        return self.standing.lost_after(self._gaps)

    def _words(self, now: float, *, is_blocked: bool) -> str:
        if is_blocked:
            return _NOT_ALL_KNOW
        standing = self.standing
        if now > standing.heartbeat + self._gaps.max_heartbeat_gap:
            return "no heartbeat"
        if standing.healthcheck_sent == -math.inf:
            return "no health check came back good yet"
        return "no good health check"
