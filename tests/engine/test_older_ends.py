"""What became of an attempt, told once more when a newer one's end is stored."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.remote.identity import NOBODY
from bistro_tui.engine.remote.link import Answerer, Link
from bistro_tui.engine.remote.messages import Request, RunningTask, RunTask
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import read_statuses
from tests.engine.test_engine import Run, config_text, write
from tests.engine.test_remote_engine import (
    ScriptedWorker,
    at_work,
    scheduler,
    until,
    worker_of,
)

TASK = TaskId(JobName("a"), NodeName("d11"))
ONLY_IT = {"filters": {"db": {"whitelist": ["d11"]}}, "command": ["run"]}


class FullWorker(ScriptedWorker):
    """Takes no other attempt at what it has, as a worker that is not pretended."""

    def _handle(self, link: Link, body: Request, answer: Answerer) -> None:
        if isinstance(body, RunTask) and body.task.task == TASK and self.running:
            answer(Refused("Task is already running"))
        else:
            super()._handle(link, body, answer)


def _full_worker(run: Run) -> FullWorker:
    data = run.engine.data_dir
    return FullWorker(data, int((data / "run" / "worker.port").read_text()))


def _stored(path: Path) -> TaskStatus | None:
    return read_statuses(path / "data" / "statuses.sql3", "task_statuses").get(TASK)


def _is_known(path: Path, *, backoff: int) -> bool:
    found = _stored(path)
    return found is not None and found.backoff_sec == backoff


async def _leave_two_ends(path: Path, *, first: str) -> RunningTask:
    """Have two attempts end, a run of a scheduler each; return the first of them.

    Its worker, ``w1``, hears of no answer.
    """
    write(path, config_text(a={**ONLY_IT, "backoff": [1, 1_000, "repeat"]}))
    async with scheduler(path) as run, at_work(_full_worker(run)) as w1:
        await until(lambda: w1.sent)
        older = w1.sent[0].task
        w1.over(older, first)
        # It goes on to have it, as if no answer had come.
        await until(lambda: older.invocation in w1.acknowledged)
        w1.running[older.invocation] = older
        await run.stop()
    async with scheduler(path) as run, at_work(worker_of(run, shard="w2")) as w2:
        await until(lambda: w2.sent)
        w2.over(w2.sent[0].task, "error_backoff")
        await until(lambda: _is_known(path, backoff=1_000))
        await run.stop()
    return msgspec.structs.replace(older, is_over=True)


async def _tell_again(path: Path, older: RunningTask, status: str) -> TaskStatus | None:
    """Have ``w1`` tell a scheduler that is new; return what is stored after that."""
    async with scheduler(path) as run:
        w1 = _full_worker(run)
        w1.running[older.invocation] = older
        async with at_work(w1):
            await until(lambda: w1.scheduler != NOBODY)
            async with asyncio.timeout(25):
                while older.invocation not in w1.acknowledged:
                    w1.over(older, status)
                    await asyncio.sleep(0.02)
            await run.stop()
            assert w1.sent == []
    return _stored(path)


async def test_an_older_end_takes_the_place_of_no_newer_one(tmp_path: Path) -> None:
    older = await _leave_two_ends(tmp_path, first="error_backoff")
    newer = _stored(tmp_path)
    assert await _tell_again(tmp_path, older, "error_backoff") == newer


@pytest.mark.parametrize("status", ["incomplete", "done"])
async def test_what_waits_for_a_lost_worker_waits_on_unless_it_is_done(
    tmp_path: Path, status: str
) -> None:
    older = await _leave_two_ends(tmp_path, first="error_backoff")
    path = tmp_path / "data" / "statuses.sql3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE task_statuses SET result_bits = result_bits | ?",
            [Bits.OVERWRITEABLE.value],
        )
    newer = _stored(tmp_path)
    found = await _tell_again(tmp_path, older, status)
    assert found is not None
    assert found.is_done if status == "done" else found == newer
