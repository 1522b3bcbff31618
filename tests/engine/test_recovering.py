"""What an engine shows and does while a copy of a task from before is not dead."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.api.changing import CHANGING, forgive_tasks
from bistro_tui.engine.api.handler import HandlerError
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.statuses.bits import ERROR_BACKOFF, FAILED
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.view import Reason, Snapshot
from tests.engine.recovery.builders import LeftRun, attempt_id
from tests.engine.recovery.processes import locked_by_child
from tests.engine.recovery.world import store_at
from tests.engine.test_engine import HELD, Run, config_text, served, write

OLD = TaskId(JobName("a"), NodeName("d11"))
GONE = TaskId(JobName("removed"), NodeName("d11"))


@contextmanager
def left_run(
    path: Path,
    task: TaskId,
    *,
    content: bytes = b"",
    commits: int = 0,
    is_final: bool = True,
) -> Iterator[tuple[LeftRun, "subprocess.Popen[bytes]"]]:
    """Have a warden of before live on which ends a copy of ``task``."""
    (path / "data" / "run").mkdir(parents=True, mode=0o700)
    (path / "data").chmod(0o700)
    run = LeftRun(path / "data" / "run", is_final=is_final)
    run.add(1, of=task, content=content, born=(4_000_001, 5, 6), commits=commits)
    run.write()
    with locked_by_child(run.journal) as warden:
        run.warden_pid = warden.pid
        run.write()
        yield run, warden


@contextmanager
def left(
    path: Path, task: TaskId, *, content: bytes = b""
) -> Iterator["subprocess.Popen[bytes]"]:
    """Have only its warden, as ``left_run`` does."""
    with left_run(path, task, content=content) as (_, warden):
        yield warden


class Shown:
    """Whether a snapshot counts so many tasks by these reasons."""

    def __init__(self, counts: dict[Reason, int]) -> None:
        self._counts = counts

    def __call__(self, snapshot: Snapshot) -> bool:
        return all(snapshot.totals.get(r, 0) == n for r, n in self._counts.items())


async def test_it_keeps_its_room_is_shown_and_cannot_be_killed_again(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": HELD}, b={"command": HELD}))
    with left(tmp_path, OLD, content=b"done"):
        async with served(tmp_path, clean_statuses=True) as run:
            # Of two slots one is taken, so one of five others runs.
            found = await run.until(
                Shown({Reason.RECOVERING: 1, Reason.RUNNING: 1, Reason.RESOURCE: 4})
            )
            assert found.state.word == "running"
            assert [(row.task == OLD) for row in found.running] == [False]
            (usage,) = found.nodes[0].usage
            assert (usage.used, usage.limit) == (2, 2)
            assert found.nodes[0].running == 1
            why = await run.engine.control.explain(OLD)
            assert why.reason is Reason.RECOVERING
            text = next(check.text for check in why.checks if not check.ok)
            assert f"invocation {attempt_id(1)}, pid 4000001, started " in text
            assert "is proven dead" in why.would_run_if
            waiting = next(
                one
                for one in await run.engine.control.tasks_of(JobName("a"), limit=9)
                if one.reason is Reason.RESOURCE
            )
            assert OLD in waiting.holders
            with pytest.raises(ControlRefused, match="is being ended"):
                await run.engine.control.kill_task(OLD)
            assert not found.state.is_stuck


async def test_once_it_is_dead_its_status_counts_and_its_room_is_free(
    tmp_path: Path,
) -> None:
    only = {"db": {"whitelist": ["d11"]}}
    write(tmp_path, config_text(a={"command": HELD, "filters": only}))
    with left(tmp_path, OLD, content=b"done") as warden:
        async with served(tmp_path, exit_when_done=True) as run:
            await run.until(Shown({Reason.RECOVERING: 1}))
            assert not run.running.done()
            warden.kill()
            outcome = await run.end()
    assert outcome.ended_by_itself
    assert (outcome.done, outcome.started) == (1, 0)


async def test_a_copy_of_a_job_that_is_gone_lets_nothing_start_and_is_shown(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": HELD}))
    with left(tmp_path, GONE):
        async with served(tmp_path) as run:
            found = await run.until(
                lambda shown: "not in the present config" in shown.state.text
            )
            assert found.state.word == "paused"
            row = next(row for row in found.jobs if not row.in_config)
            assert (row.name, row.counts) == ("removed", {Reason.RECOVERING: 1})
            assert found.totals == {Reason.PAUSED: 3, Reason.RECOVERING: 1}
            assert not found.running


ONLY = {"db": {"whitelist": ["d11"]}}


async def store_before(path: Path, status: TaskStatus) -> None:
    """Store how an attempt ended before the one that is left began."""
    async with store_at(path / "data") as store:
        await store.save_attempts([(OLD, status, attempt_id(77))])


async def refuses_to_forgive(run: Run) -> None:
    why = "how a@d11 ended in the run before is not known yet"
    with pytest.raises(ControlRefused, match=why):
        await run.engine.control.forgive((OLD.job,))
    with pytest.raises(ControlRefused, match=why):
        await forgive_tasks(run.engine.desk, (OLD,))
    answer = next(one.answer for one in CHANGING if one.name == "forgive_jobs")
    with pytest.raises(HandlerError, match=why):
        await answer(run.engine.desk, {"jobs": [OLD.job]})


async def test_the_status_that_it_left_counts_whoever_wants_it_forgiven(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": HELD, "filters": ONLY}))
    before = TaskStatus(bits=ERROR_BACKOFF, time=1.0, backoff_sec=15)
    with left_run(tmp_path, OLD, content=b"done", commits=1, is_final=False) as (
        old,
        warden,
    ):
        await store_before(tmp_path, before)
        async with served(tmp_path, exit_when_done=True) as run:
            # Nobody knows yet of which tasks something is left.
            await run.until(lambda shown: shown.state.word == "paused")
            await refuses_to_forgive(run)
            old.is_final = True
            old.write()
            await run.until(Shown({Reason.RECOVERING: 1}))
            await refuses_to_forgive(run)
            warden.kill()
            outcome = await run.end()
    assert (outcome.done, outcome.started) == (1, 0)


async def test_what_had_failed_is_forgiven_whatever_is_left_of_it(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": ["true"], "filters": ONLY}))
    failed = TaskStatus(bits=FAILED, time=1.0)
    with left_run(tmp_path, OLD, content=b"failed", commits=0) as (_, warden):
        async with store_at(tmp_path / "data") as store:
            await store.save_attempts([(OLD, failed, attempt_id(1))])
        async with served(tmp_path) as run:
            await run.until(Shown({Reason.FAILED: 1}))
            said = await run.engine.control.forgive((OLD.job,))
            assert said == "failures of a are forgiven"
            found = await run.until(Shown({Reason.RECOVERING: 1}))
            assert found.starts == 0
            warden.kill()
            await run.until(lambda shown: shown.starts > 0)
