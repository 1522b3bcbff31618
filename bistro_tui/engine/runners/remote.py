"""Runs tasks on workers that connect to this scheduler.

What is known of the workers, and what to do about it, is the pool's; here it is done.
Source: Bistro, runners/RemoteWorkerRunner.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Protocol, TypeAlias

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId, NodeName, TaskId
from bistro_tui.engine.remote import pool_actions as todo
from bistro_tui.engine.remote.bounds import for_people
from bistro_tui.engine.remote.link import Answerer, Handlers, Link
from bistro_tui.engine.remote.messages import (
    PROTOCOL_VERSION,
    BeatSoon,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    KillWords,
    LastLines,
    Leaving,
    News,
    Order,
    Request,
    RunningTask,
    TaskStarted,
    TaskUsage,
    UpdateStatus,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import (
    PoolAction,
    PoolRow,
    RunOutcome,
    Ticket,
)
from bistro_tui.engine.runners.awaited import Awaited
from bistro_tui.engine.runners.log_peers import LinkPeer
from bistro_tui.engine.runners.outbox import Outbox
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    ReportsSink,
    RunnerTrouble,
    WorkersAwaited,
)
from bistro_tui.engine.runners.remote_calls import Asked, RemoteCalls
from bistro_tui.engine.runners.remote_kills import RemoteKills
from bistro_tui.engine.runners.remote_orders import Orders, adopted, kill_words
from bistro_tui.engine.runners.remote_peers import RemotePeers
from bistro_tui.engine.runners.remote_statuses import RemoteStatuses
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.runners.set_changes import SetChanges
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.runners.worker_facts import all_facts
from bistro_tui.engine.runners.worker_links import WorkerLinks
from bistro_tui.engine.runners.workers_known import WorkersKnown
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.statuses.report import error_backoff

log = logging.getLogger("bistro_tui")

_NOT_NOTED = "the scheduler cannot take note of it on its disk"

_Told: TypeAlias = (
    todo.NotStarted
    | todo.TasksLost
    | todo.Adopted
    | todo.WorkersAreOthers
    | todo.WaitIs
    | todo.Warn
)


class Door(Protocol):
    """Where workers come in."""

    @property
    def address(self) -> str:
        """Where that is, as ``HOST:PORT``."""
        ...

    async def start(self) -> None:
        """Let them in from now on. Raises OSError."""
        ...

    async def close(self) -> None:
        """End all links; what was answered is still sent."""
        ...


class Served(Protocol):
    """What the next start has to know, on disk when the call returns."""

    def let_in(self) -> None:
        """Take note that a worker hears of this scheduler. Raises OSError."""
        ...

    def give(self) -> None:
        """Take note that a worker may get or have a task. Raises OSError."""
        ...

    def rest(self) -> None:
        """Take note that nothing is left on any worker. Raises OSError."""
        ...


class RemoteRunner:
    """Carries out what the pool and the core decide. All on the engine's loop."""

    name = "remote"

    def __init__(
        self,
        pool: Pool,
        *,
        orders: Orders,
        clock: Clock,
        report_all: ReportsSink,
        exit_wait_before: Callable[[], float],
        served: Served,
        stored: StoredAttempts,
        known: WorkersKnown | None = None,
    ) -> None:
        """Nothing is heard before ``open``.

        ``exit_wait_before`` returns the wall second before which nothing is waited for;
        ``known`` keeps the names of the workers.
        """
        self._pool = pool
        self._orders = orders
        self._clock = clock
        self._exit_wait_before = exit_wait_before
        self._served = served
        self._loop = asyncio.get_running_loop()
        self._links = links = WorkerLinks()
        self._tasks: dict[InvocationId, RunningTask] = {}
        """That run, as far as is known."""
        self._outbox = outbox = Outbox(report_all, lambda: all_facts(pool.rows()))
        self.awaited = Awaited(
            pool, clock, known, tell=lambda text: outbox.tell(WorkersAwaited(text))
        )
        """The initial wait, in words."""
        self._voice = voice = RemoteVoice()
        self._statuses = RemoteStatuses(
            pool,
            clock=clock,
            tell=outbox.tell,
            over=self._forget,
            voice=voice,
            is_kept=stored.is_kept,
        )
        self._calls = RemoteCalls(
            pool, links, clock=clock, do=self._do_answered, stored=stored, voice=voice
        )
        self._kills = RemoteKills(
            link_of=self._link_of,
            message=self._kill_message,
            timeout=pool.times.call_timeout,
            on_given_up=lambda: self.on_given_up(),
        )
        self._sets = SetChanges(lambda: pool.set_version, links)
        self._peers = RemotePeers(self._link_of, self._loop.call_soon)
        self._ticking: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.holds_all = True
        """Whether the initial wait is one for all tasks, not only for those here."""
        self.door: Door | None = None
        """Bound, and made with ``handlers``; to be set before ``open``."""
        self.on_given_up: Callable[[], None] = lambda: None
        """Called when ``given_up`` has grown."""
        self.on_looked: Callable[[], None] = lambda: None
        """Called when all workers, if any, were looked at; heartbeats tell nobody."""
        self.handlers = Handlers(
            handle=self._handle,
            heard=self._heard,
            on_link=self._on_link,
            on_end=self._on_end,
        )
        """What its door is made with."""

    @property
    def remote(self) -> "RemoteRunner":
        """What runs tasks on workers: itself."""
        return self

    @property
    def wait_text(self) -> str:
        """What all tasks wait for at first; empty: they do not, or no more."""
        return self.awaited.text if self.holds_all else ""

    @property
    def rows(self) -> tuple[PoolRow, ...]:
        """The workers, in the order they came."""
        return self._pool.rows()

    @property
    def given_up(self) -> int:
        """Attempts to be ended that nobody can be asked to end, for too long."""
        return self._kills.given_up

    def log_peers(self) -> Sequence[LinkPeer]:
        """Return all workers that are known, to ask for the lines of tasks."""
        return self._peers.current(self._pool.rows())

    def has(self, invocation: InvocationId) -> bool:
        """Return whether that attempt runs on one of the workers."""
        return invocation in self._tasks

    # What the engine asks for.

    async def open(self) -> None:
        """Let workers in; what is known before they come is reported."""
        if self.door is not None:
            await self.door.start()
        self._outbox.workers_are_others()
        self._outbox.tell(WorkersAwaited(self.awaited.text))
        if self.holds_all:
            self.awaited.log_both_ends()
        self._tick()
        self._outbox.tell_now()

    def start(self, start: StartTask) -> None:
        """Send the attempt to its worker."""
        task, invocation, now = start.task, start.invocation, self._clock.now()
        tell, host = self._outbox.tell, self._pool.host(start.worker)
        if host is None:
            text = f"there is no worker {start.worker}"
            tell(AttemptNotStarted(task, invocation, text, concerns_worker_only=True))
            return
        try:
            running = self._orders.running_task(start, now_wall=now.wall)
            order = self._orders.order(start, host=host)
        except ValueError as error:
            tell(_never_to_start(task, invocation, str(error), now.wall))
            return
        ticket, actions = self._pool.dispatched(running, now.elapsed)
        if isinstance(ticket, str):
            tell(AttemptNotStarted(task, invocation, ticket, concerns_worker_only=True))
        else:
            self._tasks[invocation] = running
            self._send(running, order, ticket)
        self._do(actions)

    def _send(self, task: RunningTask, order: Order, ticket: Ticket) -> None:
        try:
            self._served.give()
        except OSError as error:
            self._do(
                self._pool.run_answered(
                    task.shard,
                    ticket.worker,
                    task.task,
                    task.invocation,
                    RunOutcome.NOT_SENT,
                    self._elapsed(),
                    f"{_NOT_NOTED}: {error}",
                )
            )
        else:
            self._calls.run(task, order, ticket)

    def has_other(self, start: StartTask) -> bool:
        """Return whether a worker has another attempt at that task.

        Then it is told that this one was not started, and the other one once more.
        """
        found = self._pool.found(start.task)
        if found:
            text = "a worker has another attempt"
            undone = AttemptNotStarted(start.task, start.invocation, text)
            self._outbox.tell(undone._replace(concerns_worker_only=True))
            self._do(found)
        return bool(found)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt, when its worker can be told."""
        task = self._tasks.get(invocation)
        if task is not None:
            self._kills.want(task, kill_words(how))

    def take_over_no_more(self) -> None:
        """Leave what workers run that come from now on to the next start.

        Else a stop could be put off for as long as others come, or tasks are killed
        again.
        """
        self._calls.takes_over = False
        self._kills.put_off_no_more()

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        """Tell the workers that what became of these attempts is on disk."""
        self._statuses.settled(invocations)
        if not self._is_closed:
            self._sets.look()

    async def close(self) -> None:
        """Let go of all workers; what still runs there is for the next start."""
        self._is_closed = True
        if self._ticking is not None:
            self._ticking.cancel()
        self._kills.close()
        self._sets.close()
        self.awaited.close()
        if self.door is not None:
            await self.door.close()
        await self._calls.close()
        if self._tasks:
            left = _left(self._tasks.values())
            log.warning("%s; their workers end them, or the next start has them", left)
            self._tasks.clear()
        elif self._pool.is_at_rest and self._statuses.is_idle:
            with contextlib.suppress(OSError):
                # Else the next start waits as if something were left.
                self._served.rest()
        self._outbox.tell_now()

    # What workers say.

    def _on_link(self, link: Link) -> None:
        peer = link.peer
        try:
            self._served.let_in()
        except OSError as error:
            log.error("worker %s cannot be let in: %s", peer.shard, error)
            link.end(_NOT_NOTED)
            return
        text = f"worker {peer.shard} has connected from {peer.address}"
        self._voice.tell(peer.shard, text)
        self._links.add(link)
        self._do(self._pool.link_up(peer.shard, peer.worker, self._elapsed()))
        self._kills.again(peer.shard)

    def _on_end(self, link: Link, reason: str) -> None:
        peer = link.peer
        if self._links.remove(link) and not self._is_closed:
            text = f"worker {peer.shard} is not connected any more: {reason}"
            self._voice.tell(peer.shard, text)
            self._kills.disconnected(peer.shard)
            self._do(self._pool.link_lost(peer.shard, peer.worker, self._elapsed()))

    def _handle(self, link: Link, body: Request, answer: Answerer) -> None:
        match body:
            case Heartbeat():
                answer(self._heartbeat(link, body))
            case UpdateStatus():
                self._statuses.arrived(link.peer, body, answer)
            case _:
                answer(Refused("a scheduler is not asked for that"))

    def _heartbeat(self, link: Link, body: Heartbeat) -> HeartbeatReply | Refused:
        worker, peer = body.worker, link.peer
        if (worker.shard, worker.id) != (peer.shard, peer.worker):
            return Refused("it is another worker than the one that connected")
        if worker.shard == LOCAL_WORKER.node:
            return Refused("the scheduler's own host has that name; give --shard-id")
        reply, actions = self._pool.heartbeat(
            worker, body.worker_set, PROTOCOL_VERSION, self._elapsed()
        )
        self._do(actions, peer.shard)
        self._kills.again(peer.shard)
        if self._pool.may_have_tasks:
            # Else, once it has heard of this scheduler, nobody sees that any more.
            try:
                self._served.give()
            except OSError as error:
                return Refused(f"{_NOT_NOTED}: {error}")
        return Refused(reply) if isinstance(reply, str) else reply

    def _heard(self, link: Link, news: News) -> None:
        shard, tell = link.peer.shard, self._outbox.tell
        match news:
            case TaskStarted(invocation, pid):
                task = self._task_of(shard, invocation)
                if task is not None:
                    tell(AttemptStarted(task.task, invocation, pid))
            case TaskUsage(rows):
                ours = tuple(row for row in rows if self._task_of(shard, row[0]))
                if ours:
                    tell(AttemptUsage(ours))
            case LastLines():
                self._peers.heard(shard, news)
            case BeatSoon():
                # Only schedulers have reason to say it.
                pass
            case Leaving():
                worker, now = link.peer.worker, self._elapsed()
                self._do(self._pool.leaving(shard, worker, now, news))
            case WorkerTrouble(text):
                trouble = f"worker {shard}: {for_people(text)}"
                if self._voice.warn(shard, trouble):
                    tell(RunnerTrouble(trouble))

    # What the pool asks for.

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(
            self._pool.times.worker_check_interval, self._tick
        )
        now = self._clock.now()
        is_skipped = self._exit_wait_before() > now.wall
        self._pool.set_exit_wait_before(timestamp_is_in_future=is_skipped)
        self._do(self._pool.tick(now.elapsed))
        self.awaited.look_at_clock()
        self._kills.again()
        if self._pool.has_workers:
            self.on_looked()

    def _do(self, actions: Iterable[PoolAction], cause: str = "") -> None:
        """``cause``: the worker that gave cause for it, if it was just one."""
        for action in actions:
            if isinstance(action, Asked):
                self._calls.make(action)
            elif isinstance(action, todo.Warn) and cause:
                self._voice.warn(cause, action.text)
            else:
                self._take_in(action)
        self._sets.look()
        self.awaited.look()

    def _do_answered(self, actions: Sequence[PoolAction]) -> None:
        """Do what comes of an answer; what is found to run is told of at once.

        Until it is told, its task may be started.
        """
        self._do(actions)
        if any(isinstance(one, todo.Adopted) for one in actions):
            self._outbox.tell_now()

    def _take_in(self, action: _Told) -> None:
        tell = self._outbox.tell
        match action:
            case todo.WorkersAreOthers():
                self._outbox.workers_are_others()
            case todo.NotStarted(task, text):
                self._forget(task.invocation)
                why = f"worker {task.shard}: {text}"
                undone = AttemptNotStarted(task.task, task.invocation, why)
                tell(undone._replace(concerns_worker_only=True))
            case todo.TasksLost(tasks):
                for task, safe_sec in tasks:
                    self._forget(task.invocation)
                    shard = NodeName(task.shard)
                    tell(AttemptLost(task.task, task.invocation, shard, safe_sec))
            case todo.Adopted(tasks):
                self._adopt(tasks)
            case todo.WaitIs():
                self.awaited.look()
            case todo.Warn(text):
                log.warning("%s", text)

    def _adopt(self, tasks: Sequence[RunningTask]) -> None:
        for task in tasks:
            self._tasks[task.invocation] = task
            self._outbox.tell(AttemptAdopted(adopted(task)))
        for task in tasks:
            if task.pid is not None:
                started = AttemptStarted(task.task, task.invocation, task.pid)
                self._outbox.tell(started)

    def _task_of(self, shard: str, invocation: InvocationId) -> RunningTask | None:
        task = self._tasks.get(invocation)
        return task if task is not None and task.shard == shard else None

    def _forget(self, invocation: InvocationId) -> None:
        self._tasks.pop(invocation, None)
        self._kills.over(invocation)

    def _link_of(self, shard: str) -> Link | None:
        row = self._pool.row(shard)
        return self._links.find(shard, row.id) if row is not None else None

    def _kill_message(self, task: RunningTask, words: KillWords) -> KillTask | None:
        row = self._pool.row(task.shard)
        if row is None:
            return None
        return KillTask(task, words, self._pool.scheduler, row.id)

    def _elapsed(self) -> float:
        return self._clock.now().elapsed


def _left(tasks: Collection[RunningTask]) -> str:
    named = ", ".join(f"{one.task} on {one.shard}" for one in islice(tasks, 5))
    more = " …" if len(tasks) > 5 else ""
    number = "1 task is" if len(tasks) == 1 else f"{len(tasks)} tasks are"
    return f"{number} left that could not be ended in time: {named}{more}"


def _never_to_start(
    task: TaskId, invocation: InvocationId, text: str, now_wall: float
) -> AttemptEnded:
    status = error_backoff(f"Failed to start task {task}: {text}", now_wall=now_wall)
    return AttemptEnded(task, invocation, status, f"failed to start: {text}")
