"""Asks workers for what the pool wants, and tells it what they answer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import (
    Done,
    GetRunningTasks,
    NotifyIfNotRunning,
    Order,
    Request,
    RequestSuicide,
    RunningTask,
    RunningTasks,
    RunTask,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import (
    AskIfNotRunning,
    FetchRunning,
    PoolAction,
    RunOutcome,
    SendHealthcheck,
    SendSuicide,
    Ticket,
)
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.runners.remote_orders import health_check
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.runners.worker_links import WorkerLinks

Asked: TypeAlias = SendSuicide | SendHealthcheck | AskIfNotRunning | FetchRunning
"""What of the pool's actions is a question to a worker."""


class RemoteCalls:
    """One for each runner. All on the engine's loop."""

    def __init__(
        self,
        pool: Pool,
        links: WorkerLinks,
        *,
        clock: Clock,
        do: Callable[[Sequence[PoolAction]], None],
        stored: StoredAttempts,
        voice: RemoteVoice,
    ) -> None:
        """``do`` gets what the pool wants next."""
        self._pool, self._links = pool, links
        self._scheduler = pool.scheduler
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._do = do
        self._stored = stored
        self._voice = voice
        self._looking: dict[tuple[str, InstanceId], asyncio.Task[None]] = {}
        """For what a worker told of, in the status store."""
        self._asking: set[tuple[type, InstanceId]] = set()
        """What is asked once at a time, however often its worker gives cause for it."""
        self._timeout = pool.times.call_timeout
        self.takes_over = True
        """Whether what workers run that come now is taken over."""

    def run(self, task: RunningTask, order: Order, ticket: Ticket) -> None:
        """Send an attempt to its worker."""
        worker, sequence = ticket
        message = RunTask(task, order, sequence, self._scheduler, worker)

        def answered(outcome: Outcome) -> None:
            became, text = _run_outcome(outcome)
            name, invocation, now = task.task, task.invocation, self._now()
            self._do(
                self._pool.run_answered(
                    task.shard, worker, name, invocation, became, now, text
                )
            )

        self._ask(task.shard, worker, message, answered)

    def make(self, action: Asked) -> None:
        """Ask what the pool wants asked."""
        match action:
            case SendSuicide(shard, worker, reason):
                self._voice.refuse(shard, worker, self._refusal(action))
                suicide = RequestSuicide(reason, self._scheduler, worker)
                self._ask_once(shard, worker, suicide, lambda _outcome: None)
            case SendHealthcheck():
                self._check_health(action)
            case AskIfNotRunning():
                self._ask_if_not_running(action)
            case FetchRunning(shard, worker):
                self._fetch_running(shard, worker)

    def _refusal(self, action: SendSuicide) -> str:
        shard, worker, reason = action.shard, action.worker, action.reason
        where = self._where(shard, worker)
        told = f"worker {shard}{where and where + ','} is told to end itself: {reason}"
        owner = self._pool.row(shard)
        if owner is None or owner.id == worker or owner.state is WorkerState.MUST_DIE:
            return told
        where = self._where(shard, owner.id) or ", not connected"
        return f"{told}; the one on {owner.lock.hostname}{where}, goes on"

    def _where(self, shard: str, worker: InstanceId) -> str:
        link = self._links.find(shard, worker)
        return "" if link is None else f", connected from {link.peer.address}"

    def _check_health(self, action: SendHealthcheck) -> None:
        shard, worker = action.shard, action.worker
        task, order = health_check(action, now_wall=self._clock.now().wall)
        message = RunTask(task, order, 0, self._scheduler, worker)

        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Refused | NotSent | Unknown):
                text = f"worker {shard} took no health check: {outcome.text}"
                self._voice.warn(shard, text)

        self._ask(shard, worker, message, answered)

    def _ask_if_not_running(self, action: AskIfNotRunning) -> None:
        shard, worker, tasks = action.shard, action.worker, action.tasks
        message = NotifyIfNotRunning(tasks, action.sequence, self._scheduler, worker)

        def answered(outcome: Outcome) -> None:
            is_done, now = isinstance(outcome, Done), self._now()
            self._do(
                self._pool.not_running_answered(shard, worker, tasks, now, ok=is_done)
            )

        self._ask(shard, worker, message, answered)

    def _fetch_running(self, shard: str, worker: InstanceId) -> None:
        if not self.takes_over:
            return

        def answered(outcome: Outcome) -> None:
            if not isinstance(outcome, RunningTasks) or not self.takes_over:
                self._do(self._pool.running_fetched(shard, worker, None, self._now()))
            elif not outcome.tasks:
                self._do(self._pool.running_fetched(shard, worker, (), self._now()))
            elif (shard, worker) not in self._looking:
                self._looking[shard, worker] = self._loop.create_task(
                    self._take_over(shard, worker, outcome.tasks), name="adoption"
                )

        self._ask_once(shard, worker, GetRunningTasks(worker), answered)

    async def _take_over(
        self, shard: str, worker: InstanceId, tasks: Sequence[RunningTask]
    ) -> None:
        try:
            # Until this is known, the pool lets the worker keep its statuses.
            over = await self._stored.among(tasks)
            alive = [one for one in tasks if one.invocation not in over]
            found = alive if self.takes_over else None
            self._do(self._pool.running_fetched(shard, worker, found, self._now()))
        finally:
            del self._looking[shard, worker]

    async def close(self) -> None:
        """Look for nothing any more."""
        looking = tuple(self._looking.values())
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)

    def _ask_once(
        self,
        shard: str,
        worker: InstanceId,
        body: Request,
        answered: Callable[[Outcome], None],
    ) -> None:
        key = type(body), worker
        if key in self._asking:
            return
        self._asking.add(key)

        def over(outcome: Outcome) -> None:
            self._asking.discard(key)
            answered(outcome)

        self._ask(shard, worker, body, over)

    def _ask(
        self,
        shard: str,
        worker: InstanceId,
        body: Request,
        answered: Callable[[Outcome], None],
    ) -> None:
        link = self._links.find(shard, worker)
        if link is None:
            self._loop.call_soon(answered, NotSent("it is not connected"))
        else:
            link.call(body, answered, timeout=self._timeout)

    def _now(self) -> float:
        return self._clock.now().elapsed


def _run_outcome(outcome: Outcome) -> tuple[RunOutcome, str]:
    match outcome:
        case Done():
            return RunOutcome.ACCEPTED, ""
        case Refused(text):
            return RunOutcome.REFUSED, text
        case NotSent(text):
            return RunOutcome.NOT_SENT, text
        case Unknown(text):
            return RunOutcome.UNKNOWN, text
        case _:
            return RunOutcome.UNKNOWN, "it gave another answer"
