"""Whatever a scheduler asks of a worker, the worker refuses it, does it, or leaves."""

from pathlib import Path

import msgspec
import pytest

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.messages import (
    Done,
    KillWords,
    QueryLogs,
    ReadLog,
    RunningTask,
)
from bistro_tui.engine.remote.outcomes import NotSent, Refused, Unknown
from tests.engine.worker.scripted import a_running_task, an_order, stage, until

pytestmark = pytest.mark.slow


DONE = ("/bin/sh", "-c", "echo done > $2", "x")


def named(number: int, job: str) -> RunningTask:
    return a_running_task(number, job=job, node="n1")


async def test_a_worker_outlives_the_orders_that_nobody_should_give(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as on:
        worker = on.start()
        scheduler = on.scheduler
        await scheduler.healthy()
        await scheduler.run(*DONE)
        echo = ("/bin/sh", "-c", "pwd; echo done > $2", "x")
        plain = an_order(*echo)
        replace = msgspec.structs.replace
        odd = [
            (named(101, "../../../escaped"), plain),
            (named(102, "\x1b[2J\n"), plain),
            (named(103, "." * 300), plain),
            (named(104, "zero"), an_order("/bin/sh", "a\0b")),
            (named(105, "env"), an_order(*echo, env={"a=b": "", "": "\0"})),
            (named(106, "large"), an_order(*echo, config="x" * 30_000_000)),
            (named(107, "kill"), replace(plain, kill=KillWords("dance", 1))),
            (named(108, "wait"), replace(plain, kill=KillWords("term", 2**63 - 1))),
            (named(109, "from"), replace(plain, status_from="elsewhere")),
            (named(110, "numbers"), replace(plain, lines_per_interval=-(2**63))),
            (named(111, "memory"), replace(plain, memory_max=2**63 - 1)),
            (named(112, "weight"), replace(plain, cpu_weight=2**63 - 1)),
            (named(113, "time"), replace(plain, timeout_sec=1e300)),
            (named(114, "forever"), replace(plain, timeout_sec=float("inf"))),
            (named(115, ""), plain),
            (named(116, "nothing"), an_order("")),
            (named(117, "long"), an_order(*echo, "y" * 5_000_000)),
        ]
        for task, order in odd:
            outcome = await scheduler.order(task, order)
            assert isinstance(outcome, Done | Refused), (task.task, outcome)
            if isinstance(outcome, Done):
                ended = await scheduler.ended(task)
                assert len(ended.status) < 10_000
        jobs = worker.data / "jobs"
        assert not [*tmp_path.rglob("escaped")]
        assert all(one.resolve().parent == jobs.resolve() for one in jobs.iterdir())
        # It is as well as before.
        task = await scheduler.run(*DONE)
        assert (await scheduler.ended(task)).status == "done"
        assert "Traceback" not in worker.stderr
        assert "\x1b" not in worker.stderr


async def test_a_worker_answers_questions_about_logs_that_make_no_sense(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as on:
        worker = on.start()
        scheduler = on.scheduler
        await scheduler.healthy()
        prints = "head -c 60000 /dev/zero | tr '\\0' a; echo; echo done > $2"
        task = await scheduler.run("/bin/sh", "-c", prints, "x")
        await scheduler.ended(task)
        plain = QueryLogs(("stdout",), (), (), None, True, 10, "", "")
        whole = msgspec.structs.replace
        odd: list[QueryLogs | ReadLog] = [
            whole(plain, regex="(a+)+$"),
            whole(plain, regex="(" * 1_000),
            whole(plain, regex="a{1000}{1000}"),
            whole(plain, regex="x", text="y"),
            whole(plain, log_types=("passwords",)),
            whole(plain, limit=-(2**63)),
            whole(plain, limit=2**63 - 1),
            whole(plain, line_id=2**63 - 1, stop_id=-(2**63)),
            whole(plain, line_id=-(2**63), ascending=False),
            whole(plain, jobs=("';--",), nodes=("\0",)),
            whole(plain, invocation=InvocationId(2**64 - 1, 0)),
            whole(
                plain,
                jobs=("a",),
                nodes=("b",),
                invocation=InvocationId(2**64 - 1, 0),
            ),
            ReadLog(None, 2**63 - 1, 2**63 - 1),
            ReadLog(TaskId(JobName("\0"), NodeName("")), -(2**63), -(2**63)),
        ]
        for question in odd:
            outcome = await scheduler.ask(question)
            assert not isinstance(outcome, NotSent | Unknown), question
        assert "internal error" not in worker.stderr
        assert "Traceback" not in worker.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_healthcheck_gap", float("nan")),
        ("heartbeat_grace_period", -1.0),
        ("lose_after", float("inf")),
        ("kill_wait_ms", -(2**63)),
        ("kill_wait_ms", 2**63 - 1),
    ],
)
async def test_a_worker_does_not_stumble_over_the_times_that_it_is_told(
    tmp_path: Path, field: str, value: float
) -> None:
    async with stage(tmp_path) as on:
        worker, scheduler = on.start(), on.scheduler
        await scheduler.healthy()
        plain = getattr(scheduler, field)
        setattr(scheduler, field, value)
        seen = len(scheduler.workers)
        await until(lambda: len(scheduler.workers) >= seen + 3)
        setattr(scheduler, field, plain)
        # The link of the last answer that was wrong is closed, if not just yet.
        seen = len(scheduler.workers)
        await until(lambda: len(scheduler.workers) > seen and scheduler.links)
        task = await scheduler.run(*DONE)
        assert (await scheduler.ended(task)).status == "done"
        assert "Traceback" not in worker.stderr
        assert "internal error" not in worker.stderr
