"""A whole engine with remote workers, over real sockets, in one loop."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.dialer import Dialer
from bistro_tui.engine.remote.identity import NO_SET, InstanceId, MachineLock
from bistro_tui.engine.remote.link import Answerer, Handlers, Link
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    Request,
    RunningTask,
    RunningTasks,
    RunTask,
    TaskBackoff,
    UpdateStatus,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.outcomes import Outcome
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_token import given_worker_token
from bistro_tui.engine.runners import remote_kills
from bistro_tui.engine.view import Reason
from tests.engine.test_engine import Run, config_text, served, write

TIMES = PoolTimes(worker_check_interval=0.05, healthcheck_period=0.2)


class ScriptedWorker:
    """A worker that pretends to run tasks, over a real connection."""

    def __init__(self, data: Path, port: int, *, shard: str = "w1") -> None:
        self.shard = shard
        self.id = InstanceId(1_700_000_000, random.getrandbits(32))
        self.running: dict[InvocationId, RunningTask] = {}
        self.sent: list[RunTask] = []
        self.killed: list[KillTask] = []
        self.acknowledged: list[InvocationId] = []
        self._set = NO_SET
        self.is_silent = False
        """Whether it does not say what it runs."""
        self.scheduler = InstanceId(0, 0)
        token, _ = given_worker_token(data / "secrets" / "worker.token")
        handlers = Handlers(
            handle=self._handle,
            heard=lambda _link, _news: None,
            on_link=lambda _link: None,
            on_end=lambda _link, _why: None,
        )
        self._dialer = Dialer(
            "localhost",
            port,
            token,
            shard=shard,
            worker=self.id,
            handlers=handlers,
            rng=random.Random(1),
        )

    async def live(self) -> None:
        """Dial, and beat often."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dialer.run(), name="dials")
            while True:
                await asyncio.sleep(0.02)
                link = self._dialer.link
                if link is not None:
                    link.call(self._heartbeat(), self._answered, timeout=5.0)

    @property
    def is_connected(self) -> bool:
        return self._dialer.link is not None

    def _heartbeat(self) -> Heartbeat:
        lock = MachineLock(f"{self.shard}.example", 0, "lock")
        return Heartbeat(Worker(self.shard, lock, self.id, 1.0, Usable()), self._set)

    def _answered(self, outcome: Outcome) -> None:
        if isinstance(outcome, HeartbeatReply):
            self._set, self.scheduler = outcome.worker_set, outcome.id

    def _handle(self, link: Link, body: Request, answer: Answerer) -> None:
        match body:
            case GetRunningTasks() if self.is_silent:
                pass
            case GetRunningTasks():
                answer(RunningTasks(tuple(self.running.values())))
            case RunTask(task=task) if task.task.job == HEALTH_CHECK:
                answer(Done())
                self.over(task, "done", body.scheduler)
            case RunTask(task=task):
                self.sent.append(body)
                self.running[task.invocation] = task
                answer(Done())
            case KillTask(task=task):
                self.killed.append(body)
                answer(Done())
                self.over(task, "incomplete_backoff")
            case _:
                answer(Done())

    def over(
        self, task: RunningTask, status: str, scheduler: InstanceId | None = None
    ) -> None:
        """Say what became of a task, until that is acknowledged."""
        message = UpdateStatus(
            task=task,
            status=status,
            exit_text="exited with status 0",
            peak_memory=None,
            cpu_seconds=None,
            scheduler=scheduler or self.scheduler,
            worker=self.id,
        )

        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Done):
                self.running.pop(task.invocation, None)
                self.acknowledged.append(task.invocation)

        assert self._dialer.link is not None
        self._dialer.link.call(message, answered, timeout=5.0)


@asynccontextmanager
async def scheduler(path: Path, **options: Any) -> AsyncIterator[Run]:
    chosen = {"server_port": 0, "pool_times": TIMES} | options
    async with served(path, **chosen) as run:
        yield run


@asynccontextmanager
async def at_work(worker: ScriptedWorker) -> AsyncIterator[ScriptedWorker]:
    living = asyncio.ensure_future(worker.live())
    try:
        yield worker
    finally:
        living.cancel()
        await asyncio.wait([living])


def worker_of(run: Run, **more: Any) -> ScriptedWorker:
    data = run.engine.data_dir
    return ScriptedWorker(data, int((data / "run" / "worker.port").read_text()), **more)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0.005)


def an_old_task(node: str) -> RunningTask:
    return RunningTask(
        task=TaskId(JobName("a"), NodeName(node)),
        invocation=InvocationId(1_600_000_000, 5),
        shard="w1",
        resources={"instance": {"slots": 1}},
        path=(("instance", "here"),),
        next_backoff=TaskBackoff(60, no_more=False),
        started=1_600_000_000.0,
        suicide_kill_wait_ms=5_000,
    )


async def test_tasks_run_on_a_worker_and_are_acknowledged_when_they_are_stored(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    async with scheduler(tmp_path, exit_when_done=True) as run:
        shown = await run.until(lambda s: s.state.word == "paused")
        assert "Waiting for all workers" in shown.initial_wait
        assert shown.state.text == shown.initial_wait
        assert shown.wait_until is not None
        assert shown.workers == ()
        assert run.engine.workers_address.startswith("localhost:")
        async with at_work(worker_of(run)) as worker:
            await until(lambda: len(worker.sent) == 2)
            shown = await run.until(lambda s: len(s.running) == 2)
            assert {row.worker for row in shown.running} == {"w1"}
            (row,) = shown.workers
            assert (row.shard, row.state, row.host) == ("w1", "HEALTHY", "w1.example")
            assert (row.running, shown.initial_wait) == (2, "")
            assert shown.wait_until is None
            told = json.loads(worker.sent[0].order.config)
            assert told["worker_node"] == "w1"
            async with asyncio.timeout(25):
                # Each of four may be acknowledged more than once, as health checks are.
                while not run.running.done():
                    for task in tuple(worker.running.values()):
                        if worker.is_connected:
                            worker.over(task, "done")
                    await asyncio.sleep(0.02)
            outcome = await run.end()

    assert outcome.is_complete
    assert outcome.ended_by_itself


async def test_what_a_worker_still_runs_after_a_restart_is_not_started_again(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    (tmp_path / "data" / "run").mkdir(parents=True, mode=0o700)
    (tmp_path / "data" / "run" / "workers_served").touch()
    # Nobody knows of which set the worker was a member, so this has to be told.
    times = PoolTimes(
        worker_check_interval=0.05, healthcheck_period=0.2, startup_wait_for_workers=0.3
    )
    async with scheduler(tmp_path, pool_times=times) as run:
        worker = worker_of(run)
        old = an_old_task("d11")
        worker.running[old.invocation] = old
        async with at_work(worker):
            await until(lambda: len(worker.sent) == 1)
            assert worker.sent[0].task.task != old.task
            shown = await run.until(lambda s: len(s.running) == 2)
            found = {row.task: row for row in shown.running}[old.task]
            assert (found.worker, found.invocation) == ("w1", str(old.invocation))

            worker.over(old, "done")
            await run.until(lambda s: s.totals.get(Reason.DONE) == 1)
            await until(lambda: old.invocation in worker.acknowledged)
            attempts = await run.engine.past.history(
                task=old.task, job=None, since=None, before=None, limit=5
            )
            assert [one.worker for one in attempts.attempts] == ["w1"]
            await run.stop()


async def test_a_stop_ends_tasks_on_workers_too(tmp_path: Path) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    async with scheduler(tmp_path) as run, at_work(worker_of(run)) as worker:
        await until(lambda: len(worker.sent) == 2)
        outcome = await run.stop()

        assert len(worker.killed) == 2
        assert outcome.blocked == 3
        await until(lambda: len(worker.acknowledged) >= 2)


async def test_after_a_stop_that_left_nothing_running_the_next_start_waits_for_nobody(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    async with scheduler(tmp_path) as run, at_work(worker_of(run)) as first:
        await until(lambda: len(first.sent) == 2)
        await run.stop()
    async with scheduler(tmp_path) as run:
        again = worker_of(run)
        # It is one of those that the scheduler before had, and the others are gone.
        again._set = first._set._replace(version=first._set.version - 1)
        async with at_work(again):
            await until(lambda: run.engine.latest.initial_wait == "")
            await run.stop()


async def test_starts_that_gave_no_task_make_the_next_one_wait_for_nobody(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    async with scheduler(tmp_path) as run:
        first = worker_of(run)
        # It does not say what it runs: the wait goes on.
        first.is_silent = True
        async with at_work(first):
            await until(lambda: first._set != NO_SET)
            told = first._set
            await run.stop()
        assert run.engine.latest.initial_wait
    for _ in range(2):
        async with scheduler(tmp_path) as run:
            again = worker_of(run)
            again._set = told
            async with at_work(again):
                await until(lambda: run.engine.latest.initial_wait == "")
                told = again._set
                await run.stop()


async def test_a_data_directory_that_lost_its_notes_counts_as_one_with_workers(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    notes, waits_for_all = tmp_path / "data" / "run" / "workers_served", []
    for is_lost in (False, False, True, False):
        if is_lost:
            notes.unlink()
        async with scheduler(tmp_path) as run:
            waits_for_all.append("is not known" in run.engine.latest.initial_wait)
            await run.stop()

    # It was cut short, so the one after it waits as well.
    assert waits_for_all == [False, False, True, True]


async def test_a_stop_waits_for_a_worker_that_is_away_no_longer_than_its_kills(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is not waited for like one that has taken its kills.
    monkeypatch.setattr(remote_kills, "TOLD_PATIENCE_SEC", 3_600.0)
    kill = {"method": "term_wait_kill", "kill_wait_ms": 0}
    write(tmp_path, config_text(a={"command": ["run"], "kill_subprocess": kill}))
    async with scheduler(tmp_path) as run:
        async with at_work(worker_of(run)) as worker:
            await until(lambda: len(worker.sent) == 2)
        await run.stop()

    assert "2 tasks are left" in caplog.text


async def test_this_host_works_at_once_where_no_worker_ever_was(tmp_path: Path) -> None:
    quick = {"command": ["/bin/sh", "-c", "echo done > $2", "q"]}
    write(tmp_path, config_text(a=quick))
    async with scheduler(tmp_path, runner="mixed", exit_when_done=True) as run:
        shown = await run.until(lambda s: bool(s.workers))
        assert [row.shard for row in shown.workers] == ["local"]
        assert shown.initial_wait == ""
        assert (await run.end()).is_complete


async def test_a_port_that_is_taken_is_told_with_nothing_left_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, config_text(a={"command": ["run"]}))
    async with scheduler(tmp_path) as run:
        port = int((run.engine.data_dir / "run" / "worker.port").read_text())
        options = run.engine.options
        other = Engine(
            type(options)(
                config_path=options.config_path,
                data_dir=tmp_path / "other",
                server_port=port,
            ),
            instance=NodeName("there"),
            clock=SystemClock(),
            rng=random.Random(1),
        )
        with pytest.raises(DoorUnusable, match=f"--server-port {port}"):
            await other.open()
        await asyncio.sleep(0)

    assert not [one for one in caplog.records if one.levelname == "ERROR"]
