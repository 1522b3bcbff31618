"""The engine: puts the parts together and owns the loop.

Events go into the core, the core's actions are carried out, what happened is written,
and then it is shown.
"""

import asyncio
import logging
import random
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

from bistro_tui.engine.all_lines import make_lines
from bistro_tui.engine.batch_wait import BatchWait
from bistro_tui.engine.blocked import all_blockers
from bistro_tui.engine.board import Board
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.control import Control
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.disk import Disk
from bistro_tui.engine.dispatch.dispatcher import Dispatcher
from bistro_tui.engine.done_rates import DoneRates
from bistro_tui.engine.elsewhere import Elsewhere
from bistro_tui.engine.ended import Ended, EndedAttempts
from bistro_tui.engine.former_workers import await_former_workers
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.inquiring_past import Past
from bistro_tui.engine.measures import Measures
from bistro_tui.engine.notice_ring import NoticeRing
from bistro_tui.engine.options import REMOTE, EngineOptions
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.parts import (
    Storage,
    exit_wait_before,
    make_config_loader,
    make_recovery,
    make_runner,
    open_storage,
    plan_workers_door,
)
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.plugged_policy import policy_named
from bistro_tui.engine.publish import Publisher
from bistro_tui.engine.recovery.parting import part
from bistro_tui.engine.recovery.recovery import Recovery
from bistro_tui.engine.runners.protocol import TaskRunner
from bistro_tui.engine.runners.workers_served import WorkersServed
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    Event,
    StartsPaused,
    StatusesLoaded,
    StopRequested,
)
from bistro_tui.engine.snapshots import Snapshots
from bistro_tui.engine.stopping import Stopping
from bistro_tui.engine.troubles import Troubles
from bistro_tui.engine.upkeep import upkeep
from bistro_tui.engine.view import RunningRow, Snapshot
from bistro_tui.engine.worker_rows import WorkersNow
from bistro_tui.engine.world import World

log = logging.getLogger("bistro_tui")


class Engine:
    """One scheduler. ``open`` it, then ``run`` it, on one loop; that loop owns it."""

    def __init__(
        self,
        options: EngineOptions,
        *,
        instance: NodeName,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._options = options
        self._instance = instance
        self._clock = clock
        self._rng = rng
        self._started = clock.now()
        self.data_dir: Path = options.data_dir or default_data_dir(options.config_path)
        self._board = Board()
        self._stopping = Stopping(on_request=self._stop)
        self._troubles = Troubles(
            self._board,
            feed=self._feed,
            hold_logs=lambda reason: self._storage.logs.hold(reason),
            on_store=self._stopping.store_is,
            on_change=self._publish_soon,
        )
        self._core = Core(rng, policies=policy_named)
        self._measures = Measures(self._started.mono)
        self._done_rates = DoneRates(self._started.mono)
        self.world = World(
            options=options,
            config_loader=make_config_loader(options, clock=clock, rng=rng),
            instance=instance,
            clock=clock,
            rng=rng,
            board=self._board,
            feed=self._feed_world,
        )
        self._ended = ended = EndedAttempts(
            self._core.attempt,
            log_every_sec=options.log_status_changes_every_ms / 1000,
        )
        self._publisher = Publisher(
            self._core,
            self.world,
            ended,
            data_dir=self.data_dir,
            started=self._started.wall,
        )
        self._dispatcher = Dispatcher(
            core=self._core,
            clock=clock,
            ended=ended,
            audience=self._publisher,
            on_change=self._changed,
            on_trouble=self._troubles.runner,
            on_ended=self._count_ended,
        )
        self._snapshots = Snapshots(
            self._take_snapshot,
            clock=clock,
            before_each=self._stop_when_through,
            prepare=lambda: self._publisher.prepare(),
        )
        self._resources = AsyncExitStack()
        self._recovery: Recovery
        self._runner: TaskRunner
        self._elsewhere = Elsewhere(None, options)
        self._batch_wait = BatchWait(self._core, clock=clock, show=self.show)
        self._persister: Persister
        self._storage: Storage
        self._disk: Disk
        self._looking: asyncio.Handle | None = None
        self.control: Control
        """What people ask; there once it is open."""
        self.past: Past
        """The same, of what is over; there once it is open."""
        self.desk: Desk
        """What serves requests from outside; there once it is open."""

    @property
    def options(self) -> EngineOptions:
        """What this run was told."""
        return self._options

    @property
    def is_over(self) -> bool:
        """Whether its end is reached, or it was never open."""
        return not self._stopping.is_serving

    # Life: open, run, stop.

    async def open(
        self,
        *,
        in_data_dir: Callable[[DataDir], AbstractContextManager[object]] = nullcontext,
    ) -> bool:
        """Read everything and start what can start; False if asked to stop meanwhile.

        ``in_data_dir`` is entered before anything starts, and left while the data
        directory is still ours. Raises what it does, and ConfigUnusable,
        DataDirUnusable or DataDirHeld, with nothing left open.
        """
        asyncio.get_running_loop().set_exception_handler(self._troubles.stray)
        opening = asyncio.ensure_future(self._open(in_data_dir))
        asked = asyncio.ensure_future(self._stopping.asked())
        await asyncio.wait([opening, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        if opening.cancelled():
            return False
        opening.result()
        return True

    async def _open(
        self, in_data_dir: Callable[[DataDir], AbstractContextManager[object]]
    ) -> None:
        try:
            ring = self._keep_notices()
            config = await self.world.load_config()
            workers_door = plan_workers_door(self._options)
            self._storage = storage = await open_storage(
                self._options,
                self._resources,
                clock=self._clock,
                on_log_trouble=self._troubles.logs,
            )
            self._resources.enter_context(in_data_dir(storage.data_dir))
            self._disk = Disk(storage.data_dir.path, on_change=self._troubles.disk)
            self._persister = Persister(
                statuses=storage.statuses,
                logs=storage.logs,
                room=self._disk,
                on_stored=self._dispatcher.stored,
                on_trouble=self._troubles.store,
                on_lost=self._lose,
                on_committed=self._measures.committed,
            )
            self._recovery = make_recovery(
                self._options,
                storage,
                self._core,
                self._resources,
                clock=self._clock,
                feed=self._feed,
                flush=self._persister.flush,
                left=self._ended.left,
            )
            self._resources.push_async_callback(
                part, self._recovery, self._stopping.out_of_patience
            )
            host = await self.world.load_host()
            nodes = await self.world.load_nodes()
            self._runner = make_runner(
                self._options,
                storage,
                instance=self._instance,
                clock=self._clock,
                rng=self._rng,
                report=self._dispatcher.report,
                report_all=self._dispatcher.report_all,
                workers_door=workers_door,
                core=self._core,
            )
            self._resources.push_async_callback(self._runner.close)
            self._dispatcher.connect(self._runner, self._persister)
            if not self._options.runs_fake_tasks:
                await self._disk.look()
            self._elsewhere = elsewhere = Elsewhere(self._runner, self._options)
            self._publisher.has_workers(elsewhere.workers, are_all=elsewhere.are_all)
            await elsewhere.open(
                storage.data_dir,
                on_given_up=self._changed,
                on_looked=self._publish_soon,
            )
            # From here on nothing is awaited: workers are heard after the rest is told.
        except BaseException:
            await self._resources.aclose()
            raise
        if not self._options.runs_fake_tasks:
            name = None if self._elsewhere.workers else self._runner.name
            self._ended.record_by(storage.logs.record_all, name, storage.logs.wall)
        for warning in storage.data_dir.warnings:
            log.warning("%s", warning)
        await_former_workers(
            WorkersServed.of(storage.data_dir),
            self._options,
            clock=self._clock,
            exit_wait_before=lambda: exit_wait_before(self._core),
            feed=self._feed,
            at_end=self._resources.callback,
        )
        lines = make_lines(
            self._runner,
            storage.logs,
            storage.log_store.reader,
            self._core,
            clock=self._clock,
            has_own_tasks=self._options.runner_name != REMOTE,
        )
        self.control = Control(
            self._core,
            lines,
            clock=self._clock,
            feed=self._feed,
            flush=self._persister.flush,
        )
        self.past = Past(
            self._core,
            self.world,
            lines,
            storage.log_store.reader,
            ring,
            clock=self._clock,
        )
        self.desk = Desk(
            core=self._core,
            world=self.world,
            control=self.control,
            past=self.past,
            board=self._board,
            measures=self._measures,
            worker=self._runner.name,
            lines=lines,
            logs=storage.logs,
            log_store=storage.log_store,
            data_dir=storage.data_dir,
            options=self._options,
            clock=self._clock,
            started=self._started,
            latest=lambda: self.latest,
            subscribe=self.subscribe,
            running=self._running,
            workers=self._workers,
            request_stop=self.request_stop,
            durations=self._publisher.durations,
            done_rates=self._done_rates,
        )
        # First of all at the end: what is ended then makes room, but for nothing new.
        ended = StartsPaused("end", "the engine has ended")
        self._resources.callback(self._feed, [ended])
        self._stopping.opened()
        log.info("%s serves with data in %s", self._instance, storage.data_dir.path)
        self._recovery.announce()
        self._elsewhere.follow(host)
        self._feed([StatusesLoaded(storage.known), *host, *nodes, config])

    @property
    def workers_address(self) -> str:
        """Where workers connect, as ``HOST:PORT``; empty where none can."""
        return self._elsewhere.address

    @property
    def _unfinished(self) -> int:
        """Attempts that an end waits for: those that nobody can reach are left."""
        return self._dispatcher.unfinished - self._elsewhere.given_up

    def _keep_notices(self) -> NoticeRing:
        """Keep from now on what is said, until the end."""
        ring = NoticeRing(self._clock)
        log.addHandler(ring)
        self._resources.callback(log.removeHandler, ring)
        return ring

    async def run(self) -> Outcome:
        """Serve until stopped, or until nothing is left to do where that was asked."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._storage.logs.run(), name="log writer"),
                    group.create_task(self._persister.run(), name="status writer"),
                    group.create_task(self._recovery.run(), name="recovery"),
                    group.create_task(self.world.watch_config(), name="config"),
                    group.create_task(self.world.watch_nodes(), name="nodes"),
                    group.create_task(self.world.watch_host(), name="host"),
                    *(
                        group.create_task(work, name=name)
                        for name, work in self._upkeep()
                    ),
                ]
                await self._stopping.reached()
                await self._runner.close()
                self._dispatcher.flush()
                for task in reversed(tasks):
                    task.cancel()
        finally:
            await self._close()
        return self._outcome()

    def _upkeep(self) -> Sequence[tuple[str, Coroutine[Any, Any, None]]]:
        return upkeep(
            self._options,
            self._storage,
            self._core,
            disk=self._disk,
            clock=self._clock,
            measures=self._measures,
            done_rates=self._done_rates,
            durations=self._publisher.durations,
            batch_wait=self._batch_wait,
        )

    async def _close(self) -> None:
        self._stopping.closed()
        self._snapshots.close()
        if self._looking is not None:
            self._looking.cancel()
        try:
            await self._resources.aclose()
        except (sqlite3.Error, OSError) as error:
            self._stopping.lose(f"the last output could not be stored: {error}")
        finally:
            self._dispatcher.close()
            # Whoever watches must hear of the end, whatever ended it.
            self._stopping.reach()
            self._snapshots.publish()

    def _count_ended(self, ended: Sequence[Ended]) -> None:
        self._measures.ended(ended)
        self._done_rates.ended(ended)

    def request_reload(self) -> None:
        """Read the config and fetch the nodes now, whether anything changed or not."""
        log.info("asked to reload config and nodes")
        self.world.request_reload()

    def show(self, topic: str, text: str, *, is_error: bool = True) -> None:
        """Show a text under a topic of the board, nothing where it is empty."""
        if self._board.put(topic, text, is_error=is_error):
            self._publish_soon()

    def request_stop(self) -> None:
        """Stop gracefully; asked again, kill at once; a third time, wait no more."""
        self._stopping.request()

    def _stop(self) -> None:
        self._batch_wait.stopping()
        self._elsewhere.take_over_no_more()
        self._feed([StopRequested()])

    async def stop_requested(self) -> None:
        """Return when it is to stop, whoever asked for it, or by itself."""
        await self._stopping.asked()

    def _stop_when_through(self) -> None:
        self._looking = None
        if self._stopping.is_asked:
            if self._unfinished <= 0 and self._persister.is_idle:
                self._stopping.reach()
        elif (
            self._options.exit_when_done
            and not self._recovery.is_needed
            and not self.world.awaits_nodes
            and not self._core.progress().can_progress
        ):
            self._stopping.request(by_itself=True)

    def _outcome(self) -> Outcome:
        return Outcome(
            jobs=self._core.progress().jobs,
            started=self._core.starts,
            seconds=self._clock.now().mono - self._started.mono,
            ended_by_itself=self._stopping.ends_by_itself,
            problems=tuple(self.world.problems()),
            invalid=self.world.invalid_jobs(),
            blockers=self._batch_wait.added_to(all_blockers(self._core)),
            lost=self._lost(),
        )

    def _lost(self) -> str:
        text, number = self._stopping.lost, self._persister.unstored
        if not text or not number:
            return text
        if number == 1:
            return f"{text}; 1 status was not stored, and its task may run again"
        return (
            f"{text}; {number} statuses were not stored, and their tasks may run again"
        )

    # What happens while it serves.

    def _lose(self, text: str) -> None:
        self._stopping.lose(text)
        self._troubles.lost(text)

    def _feed_world(self, events: Sequence[Event]) -> None:
        self._elsewhere.follow(events)
        self._feed(events)

    def _feed(self, events: Sequence[Event]) -> None:
        self._dispatcher.feed(events)

    def _changed(self) -> None:
        if not self._stopping.is_serving:
            return
        self._publish_soon()
        if self._unfinished <= 0 and self._looking is None:
            # Later: whoever is being told of the change may not be stopped meanwhile.
            loop = asyncio.get_running_loop()
            self._looking = loop.call_soon(self._stop_when_through)

    # What others see.

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot, made when somebody looks; on the engine's loop only."""
        return self._snapshots.latest

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called after each new snapshot; the result ends that."""
        return self._snapshots.subscribe(notify)

    def _publish_soon(self) -> None:
        if self._stopping.is_serving:
            self._snapshots.soon()

    def _running(self) -> tuple[RunningRow, ...]:
        return self._publisher.running(now=self._clock.now(), worker=self._runner.name)

    def _workers(self) -> WorkersNow:
        return self._publisher.workers(self._runner.name, self._clock.now())

    def _take_snapshot(self) -> Snapshot:
        return self._publisher.take(
            now=self._clock.now(),
            banners=self._board.banners(),
            worker=self._runner.name,
            is_stopped=self._stopping.is_reached,
        )
