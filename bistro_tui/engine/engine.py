"""The engine: puts the parts together and owns the loop.

Events go into the core, the core's actions are carried out, what happened is written,
and then it is shown.
"""

import asyncio
import logging
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bistro_tui.engine.blocked import blockers
from bistro_tui.engine.board import Board
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import default_data_dir
from bistro_tui.engine.disk import Disk, DiskState
from bistro_tui.engine.dispatch import Dispatcher
from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.eta import SAMPLE
from bistro_tui.engine.history import done_seconds
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.logs.retention import forget_old_lines
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.parts import (
    Storage,
    make_config_loader,
    make_recovery,
    make_runner,
    open_storage,
)
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.plugged_policy import policy_named
from bistro_tui.engine.publish import Publisher
from bistro_tui.engine.recovery.recovery import Recovery
from bistro_tui.engine.runners.protocol import TaskRunner
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    Event,
    Forgive,
    KillRequested,
    StartsPaused,
    StartsResumed,
    StatusesLoaded,
    StopRequested,
)
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.snapshots import Snapshots
from bistro_tui.engine.view import Explanation, LogPage, Snapshot
from bistro_tui.engine.world import World

log = logging.getLogger("bistro_tui")

GIVE_UP_SEC = 5.0
"""How long a stop waits for a store that cannot be written."""

JOBS_AT_ONCE = 100
"""Jobs whose earlier attempts are looked at in one go."""

_OUT_OF_PATIENCE = 3
"""The stop request that waits for nothing any more."""


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
        self._core = Core(rng, policies=policy_named)
        self.world = World(
            options=options,
            config_loader=make_config_loader(options, clock=clock, rng=rng),
            instance=instance,
            clock=clock,
            rng=rng,
            board=self._board,
            feed=self._feed,
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
            on_trouble=self._on_runner_trouble,
        )
        self._snapshots = Snapshots(
            self._take_snapshot, clock=clock, before_each=self._stop_when_through
        )
        self._resources = AsyncExitStack()
        self._recovery: Recovery
        self._runner: TaskRunner
        self._persister: Persister
        self._storage: Storage
        self._looking: asyncio.Handle | None = None
        self._stop_requests = 0
        self._ends_by_itself = False
        self._is_open = False
        self._stop_asked = asyncio.Event()
        self._stopped = asyncio.Event()
        self._disk: Disk
        self._store_trouble = ""
        self._giving_up: asyncio.TimerHandle | None = None
        self._lost = ""

    # Life: open, run, stop.

    async def open(self) -> bool:
        """Read everything and start what can start; False if asked to stop meanwhile.

        Raises ConfigUnusable, DataDirUnusable or DataDirHeld, with nothing left open.
        """
        asyncio.get_running_loop().set_exception_handler(self._on_stray_error)
        opening = asyncio.ensure_future(self._open())
        asked = asyncio.ensure_future(self._stop_asked.wait())
        await asyncio.wait([opening, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        if opening.cancelled():
            return False
        opening.result()
        if self._stop_requests:
            self._feed([StopRequested()])
        return True

    async def _open(self) -> None:
        try:
            config = await self.world.load_config()
            self._storage = storage = await open_storage(
                self._options,
                self._resources,
                clock=self._clock,
                on_log_trouble=self._on_log_trouble,
            )
            self._disk = Disk(storage.data_dir.path, on_change=self._on_disk_change)
            self._persister = Persister(
                statuses=storage.statuses,
                logs=storage.logs,
                room=self._disk,
                on_stored=self._dispatcher.stored,
                on_trouble=self._on_store_trouble,
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
            )
        except BaseException:
            await self._resources.aclose()
            raise
        if not self._options.runs_fake_tasks:
            self._ended.record_by(storage.logs.record_all, self._runner.name)
        for warning in storage.data_dir.warnings:
            log.warning("%s", warning)
        self._resources.push_async_callback(self._runner.close)
        self._dispatcher.connect(self._runner, self._persister)
        # First of all at the end: what is ended then makes room, but for nothing new.
        ended = StartsPaused("end", "the engine has ended")
        self._resources.callback(self._feed, [ended])
        self._is_open = True
        log.info("%s serves with data in %s", self._instance, storage.data_dir.path)
        if not self._options.runs_fake_tasks:
            await self._disk.look()
        self._recovery.announce()
        self._feed([StatusesLoaded(storage.known), *host, *nodes, config])

    async def run(self) -> Outcome:
        """Serve until stopped, or until nothing is left to do where that was asked."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._storage.logs.run(), name="log writer"),
                    group.create_task(self._persister.run(), name="status writer"),
                    group.create_task(self._watch_disk(), name="disk"),
                    group.create_task(self._recovery.run(), name="recovery"),
                    group.create_task(self._load_durations(), name="durations"),
                    group.create_task(self.world.watch_config(), name="config"),
                    group.create_task(self.world.watch_nodes(), name="nodes"),
                    group.create_task(self.world.watch_host(), name="host"),
                    group.create_task(self._forget_old_lines(), name="retention"),
                    group.create_task(
                        self._storage.log_store.keep_small(), name="log limit"
                    ),
                ]
                await self._stopped.wait()
                await self._runner.close()
                self._dispatcher.flush()
                for task in reversed(tasks):
                    task.cancel()
        finally:
            await self._close()
        return self._outcome()

    async def _close(self) -> None:
        self._is_open = False
        self._snapshots.close()
        for handle in (self._looking, self._giving_up):
            if handle is not None:
                handle.cancel()
        try:
            await self._resources.aclose()
        except (sqlite3.Error, OSError) as error:
            self._lost = self._lost or f"the last output could not be stored: {error}"
        finally:
            self._dispatcher.close()
            # Whoever watches must hear of the end, whatever ended it.
            self._stopped.set()
            self._snapshots.publish()

    async def _forget_old_lines(self) -> None:
        await forget_old_lines(
            self._storage.log_store,
            elapsed=lambda: self._clock.now().elapsed,
            wall=self._storage.logs.wall,
            older_than_sec=self._options.log_retention_sec,
            every_sec=self._options.log_prune_frequency_sec,
        )

    async def _load_durations(self) -> None:
        """Learn from earlier runs how long the tasks of each job take."""
        config = self._core.config
        if config is None or self._options.runs_fake_tasks:
            return
        path = self._storage.data_dir.path / "task_logs.sql3"
        reader = LogReader(path, clock=self._clock)
        names = tuple(config.jobs)
        try:
            for begin in range(0, len(names), JOBS_AT_ONCE):
                some = names[begin : begin + JOBS_AT_ONCE]
                ask = partial(done_seconds, jobs=some, number=SAMPLE)
                self._publisher.durations.load(await reader.run(ask))
        except (sqlite3.Error, OSError) as error:
            # They are only needed to say when a job will be done.
            log.warning("durations of earlier attempts cannot be read: %s", error)
        finally:
            await reader.close()

    async def _watch_disk(self) -> None:
        # Fake tasks need no disk.
        if not self._options.runs_fake_tasks:
            await self._disk.run()

    def request_reload(self) -> None:
        """Read the config and fetch the nodes now, whether anything changed or not."""
        log.info("asked to reload config and nodes")
        self.world.request_reload()

    def request_stop(self) -> None:
        """Stop gracefully; asked again, kill at once; a third time, wait no more."""
        self._stop_requests += 1
        self._stop_asked.set()
        if not self._is_open:
            return
        if self._stop_requests >= _OUT_OF_PATIENCE:
            self._stopped.set()
            return
        if self._stop_requests > 1:
            log.info("stopping at once: what still runs is killed")
        elif self._ends_by_itself:
            log.info("nothing is left that could be done")
        else:
            log.info("stopping: nothing new starts, running tasks are ended")
        self._feed([StopRequested()])
        self._give_up_in_time()

    def _give_up_in_time(self) -> None:
        """Do not wait for ever, once stopping, for a store that takes nothing."""
        if self._stop_requests and self._store_trouble and self._giving_up is None:
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(GIVE_UP_SEC, self._give_up)

    def _give_up(self) -> None:
        self._giving_up = None
        if self._store_trouble:
            self._lost = self._store_trouble
            self._stopped.set()

    def _stop_when_through(self) -> None:
        self._looking = None
        if self._stop_requests:
            if not self._dispatcher.unfinished and self._persister.is_idle:
                self._stopped.set()
        elif (
            self._options.exit_when_done
            and not self._recovery.is_needed
            and not self.world.awaits_nodes
            and not self._core.progress().can_progress
        ):
            self._ends_by_itself = True
            self.request_stop()

    def _outcome(self) -> Outcome:
        return Outcome(
            jobs=self._core.progress().jobs,
            started=self._core.starts,
            seconds=self._clock.now().mono - self._started.mono,
            ended_by_itself=self._ends_by_itself,
            problems=tuple(self.world.problems()),
            invalid=self.world.invalid_jobs(),
            blockers=self._blockers(),
            lost=self._lost,
        )

    def _blockers(self) -> dict[JobName, str]:
        config, progress = self._core.config, self._core.progress()
        if config is None:
            return {}
        return {
            name: blockers(self._core, config, config.jobs[name])
            for name, job in progress.jobs.items()
            if job.blocked
        }

    # What happens while it serves.

    def _feed(self, events: Sequence[Event]) -> None:
        self._dispatcher.feed(events)

    def _changed(self) -> None:
        if not self._is_open or self._stopped.is_set():
            return
        self._publish_soon()
        if not self._dispatcher.unfinished and self._looking is None:
            # Later: whoever is being told of the change may not be stopped meanwhile.
            loop = asyncio.get_running_loop()
            self._looking = loop.call_soon(self._stop_when_through)

    def _on_store_trouble(self, text: str) -> None:
        self._store_trouble = text
        self._give_up_in_time()
        self._pause_while_nothing_can_be_stored()

    def _on_disk_change(self, state: DiskState) -> None:
        # What room there is left is for statuses.
        self._storage.logs.hold("the disk is full" if state.is_full else "")
        self._board.put("disk", state.warning, is_error=False)
        self._pause_while_nothing_can_be_stored()

    def _pause_while_nothing_can_be_stored(self) -> None:
        text = self._disk.state.trouble
        if self._store_trouble and not text:
            text = (
                f"{self._store_trouble}: starts paused; running tasks go on, and what"
                " they come to is shown once it is stored. It is tried again every"
                " second"
            )
        self._trouble("store", text)
        self._feed([StartsPaused("store", text) if text else StartsResumed("store")])
        self._publish_soon()

    def _on_log_trouble(self, text: str) -> None:
        was_well = not any(one.topic == "logs" for one in self._board.banners())
        if self._board.put("logs", text) and (was_well or not text):
            # How much was dropped by now is for the screen alone.
            log.error("%s", text or "logs: all is well again")
        self._publish_soon()

    def _on_runner_trouble(self, text: str) -> None:
        first, _, more = text.partition("\n")
        shown = f"{first.rstrip(':')}; see the log" if more else first
        self._board.put("runner", shown, is_error=False)
        self._publish_soon()

    def _on_stray_error(
        self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        # By default asyncio prints a traceback to stderr, which is the screen.
        error = context.get("exception")
        log.error("internal error: %s", context.get("message"), exc_info=error)
        text = f"internal error: {error!r}; see the log" if error else str(context)
        self._board.put("internal", text)
        self._publish_soon()

    def _trouble(self, topic: str, text: str) -> None:
        if self._board.put(topic, text):
            log.error("%s", text or f"{topic}: all is well again")

    # What others see and ask.

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot, made when somebody looks; on the engine's loop only."""
        return self._snapshots.latest

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called after each new snapshot; the result ends that."""
        return self._snapshots.subscribe(notify)

    async def read_log(self, task: TaskId | None, *, after: int, limit: int) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        found = await self._storage.logs.tail(task, after=after, limit=limit)
        return LogPage(
            lines=found.lines,
            last_id=found.last_id,
            partial=found.partial,
            attempt_running=bool(task and self._core.attempt(task)),
        )

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is; ControlRefused for an unknown one."""
        if not self._core.knows(task):
            raise ControlRefused(f"there is no task {task}")
        return self._core.explain(task, self._clock.now())

    async def tasks_of(self, job: JobName, *, limit: int) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, blocked ones first."""
        return self._core.explain_open(job, limit, self._clock.now())

    async def kill_task(self, task: TaskId) -> str:
        """Begin to end a running task; ControlRefused when it does not run."""
        attempt = self._core.attempt(task)
        if attempt is None or attempt.ended:
            if self._core.is_recovering(task):
                raise ControlRefused(f"the copy of {task} from before is being ended")
            raise ControlRefused(f"{task} is not running")
        log.info("asked to stop task %s", task)
        self._feed([KillRequested(task)])
        return f"stopping {task}; it will be tried again unless its job is disabled"

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let failed and backing-off tasks of these jobs run again at once."""
        config = self._core.config
        for job in jobs:
            if config is None or job not in config.jobs:
                raise ControlRefused(f"there is no job {job}")
        if not any(
            self._core.counts(job).keys() & {Reason.FAILED, Reason.BACKOFF}
            for job in jobs
        ):
            raise ControlRefused(f"{', '.join(jobs)}: no failures to forgive")
        log.info("asked to forgive %s", ", ".join(jobs))
        self._feed([Forgive(jobs)])
        return f"forgave failures of {', '.join(jobs)}"

    def _publish_soon(self) -> None:
        if self._is_open and not self._stopped.is_set():
            self._snapshots.soon()

    def _take_snapshot(self) -> Snapshot:
        return self._publisher.take(
            now=self._clock.now(),
            banners=self._board.banners(),
            worker=self._runner.name,
            is_stopped=self._stopped.is_set(),
        )
