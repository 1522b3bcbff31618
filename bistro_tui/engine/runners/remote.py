"""Runs tasks on workers that connect to this scheduler.

What is known of the workers, and what to do about it, is the pool's; here it is done.
Source: Bistro, runners/RemoteWorkerRunner.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.link import Handlers, Link
from bistro_tui.engine.remote.messages import (
    KillTask,
    KillWords,
    Order,
    RunningTask,
)
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import (
    PoolRow,
    RunOutcome,
    Ticket,
)
from bistro_tui.engine.runners.awaited import Awaited
from bistro_tui.engine.runners.log_peers import LinkPeer
from bistro_tui.engine.runners.outbox import Outbox
from bistro_tui.engine.runners.protocol import (
    AttemptNotStarted,
    ReportsSink,
    WorkersAwaited,
)
from bistro_tui.engine.runners.remote_calls import RemoteCalls
from bistro_tui.engine.runners.remote_deeds import RemoteDeeds
from bistro_tui.engine.runners.remote_hearing import RemoteHearing
from bistro_tui.engine.runners.remote_kills import RemoteKills
from bistro_tui.engine.runners.remote_notes import NOT_NOTED, Served
from bistro_tui.engine.runners.remote_orders import Orders, kill_words
from bistro_tui.engine.runners.remote_peers import RemotePeers
from bistro_tui.engine.runners.remote_statuses import RemoteStatuses
from bistro_tui.engine.runners.remote_tasks import RemoteTasks
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.runners.set_changes import SetChanges
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.runners.unstarted import failed_to_start
from bistro_tui.engine.runners.worker_facts import all_facts
from bistro_tui.engine.runners.worker_links import WorkerLinks
from bistro_tui.engine.runners.workers_known import WorkersKnown
from bistro_tui.engine.scheduling.actions import StartTask

log = logging.getLogger("bistro_tui")


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
        self._outbox = outbox = Outbox(report_all, lambda: all_facts(pool.rows()))
        self.awaited = Awaited(
            pool, clock, known, tell=lambda text: outbox.tell(WorkersAwaited(text))
        )
        """The initial wait, in words."""
        voice = RemoteVoice()
        self._kills = kills = RemoteKills(
            link_of=self._link_of,
            message=self._kill_message,
            timeout=pool.times.call_timeout,
            on_given_up=lambda: self.on_given_up(),
        )
        self._tasks = tasks = RemoteTasks(kills)
        self._statuses = statuses = RemoteStatuses(
            pool,
            clock=clock,
            tell=outbox.tell,
            over=tasks.over,
            voice=voice,
            is_kept=stored.is_kept,
        )
        self._sets = sets = SetChanges(lambda: pool.set_version, links)
        self._peers = peers = RemotePeers(self._link_of, self._loop.call_soon)
        self._calls = calls = RemoteCalls(
            pool,
            links,
            clock=clock,
            do=lambda actions: deeds.do_answered(actions),
            stored=stored,
            voice=voice,
        )
        self._deeds = deeds = RemoteDeeds(
            ask=calls.make,
            tasks=tasks,
            outbox=outbox,
            voice=voice,
            sets=sets,
            awaited=self.awaited,
        )
        self._hearing = RemoteHearing(
            pool,
            links,
            clock=clock,
            served=served,
            tasks=tasks,
            kills=kills,
            statuses=statuses,
            peers=peers,
            outbox=outbox,
            voice=voice,
            deeds=deeds,
        )
        self._ticking: asyncio.TimerHandle | None = None
        self.holds_all = True
        """Whether the initial wait is one for all tasks, not only for those here."""
        self.door: Door | None = None
        """Bound, and made with ``handlers``; to be set before ``open``."""
        self.on_given_up: Callable[[], None] = lambda: None
        """Called when ``given_up`` has grown."""
        self.on_looked: Callable[[], None] = lambda: None
        """Called when all workers, if any, were looked at; heartbeats tell nobody."""

    @property
    def remote(self) -> "RemoteRunner":
        """What runs tasks on workers: itself."""
        return self

    @property
    def handlers(self) -> Handlers:
        """What its door is made with."""
        return self._hearing.handlers

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
            tell(failed_to_start(task, invocation, str(error), now_wall=now.wall))
            return
        ticket, actions = self._pool.dispatched(running, now.elapsed)
        if isinstance(ticket, str):
            tell(AttemptNotStarted(task, invocation, ticket, concerns_worker_only=True))
        else:
            self._tasks.add(running)
            self._send(running, order, ticket)
        self._deeds.do(actions)

    def _send(self, task: RunningTask, order: Order, ticket: Ticket) -> None:
        try:
            self._served.give()
        except OSError as error:
            self._deeds.do(
                self._pool.run_answered(
                    task.shard,
                    ticket.worker,
                    task.task,
                    task.invocation,
                    RunOutcome.NOT_SENT,
                    self._elapsed(),
                    f"{NOT_NOTED}: {error}",
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
            self._deeds.do(found)
        return bool(found)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt, when its worker can be told."""
        self._tasks.kill(invocation, kill_words(how))

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
        self._sets.look()

    async def close(self) -> None:
        """Let go of all workers; what still runs there is for the next start."""
        self._hearing.close()
        if self._ticking is not None:
            self._ticking.cancel()
        self._kills.close()
        self._sets.close()
        self.awaited.close()
        if self.door is not None:
            await self.door.close()
        await self._calls.close()
        if left := self._tasks.leave():
            log.warning("%s; their workers end them, or the next start has them", left)
        elif self._pool.is_at_rest and self._statuses.is_idle:
            with contextlib.suppress(OSError):
                # Else the next start waits as if something were left.
                self._served.rest()
        self._outbox.tell_now()

    # What the pool asks for.

    def _tick(self) -> None:
        self._ticking = self._loop.call_later(
            self._pool.times.worker_check_interval, self._tick
        )
        now = self._clock.now()
        is_skipped = self._exit_wait_before() > now.wall
        self._pool.set_exit_wait_before(timestamp_is_in_future=is_skipped)
        self._deeds.do(self._pool.tick(now.elapsed))
        self.awaited.look_at_clock()
        self._kills.again()
        if self._pool.has_workers:
            self.on_looked()

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
