"""One worker from its start to its end.

Source: Bistro, worker/main.cpp and worker/BistroWorkerHandler.
"""

import asyncio
import logging
import os
import random
import socket
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.disk import Disk, DiskState
from bistro_tui.engine.ids import NodeName, TaskId
from bistro_tui.engine.logs.retention import forget_old_lines
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.remote.bounds import LONGEST_TEXT, sendable
from bistro_tui.engine.remote.dialer import Dialer
from bistro_tui.engine.remote.identity import MachineLock
from bistro_tui.engine.remote.link import Answerer
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.messages import Leaving, QueryLogs, ReadLog, Worker
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.this_home import home_of_this_process
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.remote.worker_token import WorkerToken, host_to_dial
from bistro_tui.engine.runners.local import LocalRunner
from bistro_tui.engine.steady_wall import LASTS_SEC
from bistro_tui.engine.worker.conversation import Conversation
from bistro_tui.engine.worker.dying import Dying
from bistro_tui.engine.worker.host import EVERYTHING, host_keeper, usable
from bistro_tui.engine.worker.identity import new_instance
from bistro_tui.engine.worker.log_answers import CannotAnswer, LogAnswers
from bistro_tui.engine.worker.news import News, WatchedSink
from bistro_tui.engine.worker.options import WorkerOptions
from bistro_tui.engine.worker.storage import (
    WorkerStorage,
    leftovers_of,
    open_storage,
)
from bistro_tui.engine.worker.tasks import Tasks

log = logging.getLogger("bistro_tui")

_GOES_ON = (
    "; nothing starts here until then. Running tasks go on; of their output what cannot"
    " be stored is dropped and counted"
)


class WorkerEnd(NamedTuple):
    """How a worker ended."""

    was_asked: bool
    """By a person or a service manager; else its scheduler, or its own judgement."""
    lost: str = ""
    """Why some output could not be stored at the end; empty: all was."""


class WorkerDaemon:
    """A worker. ``run`` it once, on the loop that it is made on."""

    def __init__(
        self,
        options: WorkerOptions,
        token: WorkerToken,
        *,
        clock: Clock,
        rng: random.Random,
        on_open: Callable[[], None] = lambda: None,
        on_stopping: Callable[[], None] = lambda: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """``rng`` has to be one that nobody else has the numbers of.

        ``on_open``: it dials from now on. ``on_stopping``: it has begun to end.
        ``on_change``: ``words`` may be others.
        """
        self._options = options
        self._token = token
        self._clock = clock
        self._rng = rng
        self._on_open = on_open
        self._on_stopping = on_stopping
        self._on_change = on_change
        self._host = socket.gethostname()
        self._dying = Dying()
        self._conversation: Conversation | None = None
        self._lost = ""
        self._log_trouble = ""
        self._disk_trouble = ""

    @property
    def _address(self) -> str:
        host = host_to_dial(self._options.scheduler_host)
        port = self._options.scheduler_port
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def words(self) -> str:
        """Return how it is, for a person."""
        return "starting" if self._conversation is None else self._conversation.words

    def request_stop(self, reason: str) -> None:
        """End all tasks and then itself; asked again, at once; a third time, give up.

        ``reason``: who asked for it.
        """
        self._dying.request(reason, was_asked=True)

    async def run(self) -> WorkerEnd:
        """Serve until it is to end, and return how that came.

        Raises DataDirUnusable or DataDirHeld. Every task is dead when it returns, also
        those that a run before left, unless no signal ends them or nobody waits for it.
        """
        self._dying.begin(on_begin=self._on_stopping)
        async with AsyncExitStack() as resources:
            storage = await open_storage(
                self._options,
                resources,
                clock=self._clock,
                on_log_trouble=self._logs_are,
                on_lost=self._lose,
            )
            log.info(
                "worker %s dials %s, with data in %s",
                self._options.shard,
                self._address,
                storage.data_dir.path,
            )
            for warning in storage.data_dir.warnings:
                log.warning("%s", warning)
            leftovers, is_all = leftovers_of(
                storage.data_dir, resources, clock=self._clock
            )
            if await self._dying.outlive(leftovers):
                is_swept = is_all and leftovers.has_understood_all
                await self._serve(storage, resources, is_swept=is_swept)
        return WorkerEnd(self._dying.was_asked, self._lost)

    def _lose(self, text: str) -> None:
        self._lost = text

    async def _serve(
        self, storage: WorkerStorage, resources: AsyncExitStack, *, is_swept: bool
    ) -> None:
        worker = await self._worker(storage.data_dir, is_swept=is_swept)
        machine = WorkerMachine(worker, self._clock.now().elapsed)
        logs = storage.logs
        news = News(
            tell=lambda told: conversation.tell(told),
            newest=lambda task: _newest(storage, task),
            runs=lambda task: tasks.runs(task),
        )
        tasks = Tasks(
            machine,
            logs,
            news,
            clock=self._clock,
            on_ends=lambda: conversation.step(),
            on_slots=lambda: conversation.beat_soon(),
            on_trouble=lambda text: conversation.say_trouble(text),
            on_not_started=lambda: disk.look_soon(),
            is_held=lambda: bool(conversation.trouble),
        )
        answers = LogAnswers(
            logs, storage.log_store.reader, clock=self._clock, runs=tasks.runs
        )
        keeper = host_keeper(
            self._options, self._host, clock=self._clock, on_host=self._host_is
        )
        async with asyncio.TaskGroup() as group:

            def answer_log(question: QueryLogs | ReadLog, answer: Answerer) -> None:
                group.create_task(_answer(answers, question, answer), name="logs asked")

            conversation = self._conversation = Conversation(
                machine,
                tasks,
                clock=self._clock,
                heartbeat_period=self._options.heartbeat_period_sec,
                answer_log=answer_log,
                on_death=lambda reason: self._dying.request(reason, was_asked=False),
                on_change=self._on_change,
            )
            resources.callback(conversation.close)
            self._host_is(await keeper.look(EVERYTHING))
            disk = Disk(
                storage.data_dir.path,
                on_change=lambda state: self._disk_is(state, storage),
            )
            dialer = self._dialer(worker, conversation)
            tasks.runner = self._runner(storage, tasks, news)
            resources.push_async_callback(tasks.runner.close)
            running = [
                group.create_task(one, name=name)
                for name, one in (
                    ("log writer", logs.run()),
                    ("log limit", storage.log_store.keep_small()),
                    ("log sync", storage.log_store.keep_synced()),
                    ("retention", self._forget_old_lines(storage)),
                    ("clock", self._watch_clock(storage)),
                    ("disk", disk.run()),
                    ("host", keeper.run()),
                    ("news", news.run()),
                    ("ends", tasks.run()),
                    ("dialer", dialer.run()),
                )
            ]
            conversation.begin()
            self._on_open()
            await self._dying.asked()
            machine.die(self._dying.reason)
            reason = "" if self._dying.was_asked else self._dying.reason
            reason = sendable(reason[:LONGEST_TEXT])
            conversation.tell(Leaving(is_over=False, reason=reason))
            await self._dying.end_all(machine, tasks)
            await tasks.runner.close()
            await tasks.tell_ends()
            await self._dying.deliver(machine)
            _say_end(machine)
            is_over = not (machine.alive or machine.undelivered)
            conversation.tell(Leaving(is_over=is_over, reason=reason))
            await dialer.close()
            for task in reversed(running):
                task.cancel()

    async def _worker(self, data_dir: DataDir, *, is_swept: bool) -> Worker:
        instance, lock = await new_instance(data_dir, clock=self._clock, rng=self._rng)
        return Worker(
            shard=self._options.shard,
            lock=MachineLock(self._host, self._options.server_port, lock),
            id=instance,
            heartbeat_period_sec=self._options.heartbeat_period_sec,
            usable=usable(HostResources()),
            home=home_of_this_process(),
            is_swept=is_swept,
        )

    def _dialer(self, worker: Worker, conversation: Conversation) -> Dialer:
        return Dialer(
            self._options.scheduler_host,
            self._options.scheduler_port,
            self._token,
            shard=worker.shard,
            worker=worker.id,
            handlers=conversation.handlers,
            rng=self._rng,
            limits=LinkLimits.at_pace(worker.heartbeat_period_sec),
            place=self._options.token_place,
        )

    def _runner(self, storage: WorkerStorage, tasks: Tasks, news: News) -> LocalRunner:
        return LocalRunner(
            data_dir=storage.data_dir,
            config_dir=storage.data_dir.path,
            worker_command=self._options.worker_command,
            environment=os.environ,
            instance=NodeName(self._options.shard),
            host=self._host,
            sink=WatchedSink(storage.logs, news.printed),
            report=tasks.report,
            report_all=tasks.report_all,
            clock=self._clock,
        )

    # What changes by itself.

    def _host_is(self, host: HostResources) -> None:
        if self._conversation is not None:
            self._conversation.usable = usable(host)

    def _logs_are(self, text: str) -> None:
        if text and not self._log_trouble and not self._disk_trouble:
            log.error("%s", text)
        elif self._log_trouble and not text:
            log.info("task logs can be stored again")
        if self._conversation is not None and not self._log_trouble:
            self._conversation.say_trouble(text)
        self._log_trouble = text

    def _disk_is(self, state: DiskState, storage: WorkerStorage) -> None:
        storage.logs.hold("the disk is full" if state.is_full else "")
        if state.warning:
            log.warning("%s", state.warning)
        if state.brief:
            log.error("%s%s", state.brief, _GOES_ON)
        elif self._disk_trouble:
            log.info("the data directory can be written again")
        if self._conversation is not None and state.brief != self._disk_trouble:
            self._conversation.troubled(state.brief)
        self._disk_trouble = state.brief

    async def _forget_old_lines(self, storage: WorkerStorage) -> None:
        await forget_old_lines(
            storage.log_store,
            elapsed=lambda: self._clock.now().elapsed,
            wall=storage.logs.wall,
            older_than_sec=self._options.log_retention_sec,
            every_sec=self._options.log_prune_frequency_sec,
        )

    async def _watch_clock(self, storage: WorkerStorage) -> None:
        # A clock that was set for good is followed by who saw it stay so.
        while True:
            storage.logs.wall()
            await asyncio.sleep(LASTS_SEC / 4)


def _say_end(machine: WorkerMachine) -> None:
    if not machine.undelivered:
        log.info("ended: no task is alive, and no status is left to tell")
        return
    log.warning(
        "ended: no task is alive; %d statuses did not reach the scheduler, which will"
        " count these tasks as lost",
        machine.undelivered,
    )


async def _answer(
    answers: LogAnswers, question: QueryLogs | ReadLog, answer: Answerer
) -> None:
    try:
        answer(await answers.answer(question))
    except CannotAnswer as error:
        answer(Refused(str(error)))
    except Exception:
        log.exception("internal error in a question about logs")
        answer(Refused("the worker failed to read its log; see there"))


async def _newest(storage: WorkerStorage, task: TaskId) -> StoredLine | None:
    try:
        tail = await storage.logs.tail(task, after=0, limit=1)
    except sqlite3.Error:
        # Its log says so.
        return None
    return tail.lines[-1] if tail.lines else None
