"""What people ask of an engine, with a core and a log of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bistro_tui.engine import control as control_module
from bistro_tui.engine.control import Control
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.scheduling.events import Event, Forgive, KillRequested
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import ERROR_BACKOFF
from tests.engine.logs.builders import ManualClock
from tests.engine.scheduling.builders import World, make_config, make_job, task_id

ETL = JobName("etl")
A, B = task_id("etl@a"), task_id("etl@b")


class Asked:
    """A control, the world it speaks of, and what it fed."""

    def __init__(self, logs: LogWriter) -> None:
        self.world = World(make_config(make_job("etl"), make_job("web")))
        self.logs = logs
        self.fed: list[Event] = []
        self.flushed = 0
        self.never_flushes = False
        self.control = Control(
            self.world.core,
            logs,
            clock=ManualClock(),
            feed=self._feed,
            flush=self._flush,
        )

    def _feed(self, events: Sequence[Event]) -> None:
        self.fed += events
        self.world.feed(*events)

    async def _flush(self) -> None:
        self.flushed += 1
        if self.never_flushes:
            await asyncio.Event().wait()


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    store = await LogStore.open(tmp_path / "task_logs.sql3", clock=ManualClock())
    logs = await LogWriter.open(store, clock=ManualClock(), on_trouble=print)
    yield Asked(logs)
    await logs.close()


async def test_a_log_tells_whether_more_may_come(asked: Asked) -> None:
    asked.logs.write(A, Stream.STDOUT, [b"one\n", b"two\n"])
    asked.logs.partial(A, Stream.STDOUT, b"thr")
    page = await asked.control.read_log(A, after=0, limit=1)
    assert [line.line for line in page.lines] == [b"two\n"]
    assert page.partial == {Stream.STDOUT: b"thr"}
    assert page.attempt_running

    asked.world.end("etl@a")
    page = await asked.control.read_log(A, after=page.last_id, limit=9)
    assert page.lines == ()
    assert not page.attempt_running
    everything = await asked.control.read_log(None, after=0, limit=9)
    assert len(everything.lines) == 2
    assert not everything.attempt_running


async def test_a_task_is_explained_if_there_is_such_a_one(asked: Asked) -> None:
    assert (await asked.control.explain(A)).reason is Reason.RUNNING
    with pytest.raises(ControlRefused, match="there is no task etl@nowhere"):
        await asked.control.explain(task_id("etl@nowhere"))
    found = await asked.control.tasks_of(ETL, limit=1)
    assert len(found) == 1


async def test_only_what_runs_can_be_killed(asked: Asked) -> None:
    assert (await asked.control.kill_task(A)).startswith("stopping etl@a;")
    assert asked.fed == [KillRequested(A)]

    asked.world.end("etl@b", store=False)
    with pytest.raises(ControlRefused, match="etl@b is not running"):
        await asked.control.kill_task(B)
    assert len(asked.fed) == 1


async def test_only_the_attempt_that_is_meant_is_killed(asked: Asked) -> None:
    attempt = asked.world.core.attempt(A)
    assert attempt is not None
    said = await asked.control.kill_task(
        A, invocation=str(attempt.invocation), at_once=True
    )
    assert said.startswith("killing etl@a at once;")
    assert asked.fed == [KillRequested(A, at_once=True)]
    with pytest.raises(ControlRefused, match="etl@a is at attempt 1 by now"):
        await asked.control.kill_task(A, invocation="1-2")
    assert len(asked.fed) == 1


async def test_tasks_are_forgiven_in_slices(asked: Asked) -> None:
    rests = 0

    async def rest() -> None:
        nonlocal rests
        rests += 1

    asked.world.end("etl@a", ERROR_BACKOFF)
    with pytest.raises(ControlRefused, match="none of these tasks failed"):
        await asked.control.forgive_tasks((B,), rest)
    assert asked.flushed == 0
    rests = 0
    assert await asked.control.forgive_tasks((*[B] * 150, A), rest) == 1
    assert asked.flushed == 1
    assert rests == 2


async def test_only_failures_of_known_jobs_are_forgiven(asked: Asked) -> None:
    with pytest.raises(ControlRefused, match="etl, web: no failures to forgive"):
        await asked.control.forgive((ETL, JobName("web")))
    with pytest.raises(ControlRefused, match="there is no job nobody"):
        await asked.control.forgive((ETL, JobName("nobody")))
    assert asked.flushed == 0

    asked.world.end("etl@a", ERROR_BACKOFF)
    jobs = (JobName("web"), ETL)
    assert await asked.control.forgive(jobs) == "failures of web, etl are forgiven"
    assert asked.fed[-1] == Forgive(jobs)
    assert asked.flushed == 1


async def test_failures_of_a_disabled_job_are_forgiven(asked: Asked) -> None:
    asked.world.end("etl@a", ERROR_BACKOFF)
    asked.world.reload(make_config(make_job("etl", enabled=False)))
    assert await asked.control.forgive((ETL,)) == "failures of etl are forgiven"
    asked.world.store()
    status = asked.world.core.status(A)
    assert status is not None
    assert status.backoff_sec == 0


async def test_what_is_forgiven_is_on_disk_before_it_is_told(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_module, "STORE_SEC", 0.01)
    asked.never_flushes = True
    asked.world.end("etl@a", ERROR_BACKOFF)
    with pytest.raises(ControlRefused, match="decided, but not on disk yet"):
        await asked.control.forgive((ETL,))
