"""A worker whose disk fills up goes on with what it runs, and ends as it should."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bistro_tui.engine.remote.messages import Done
from tests.engine.worker.scripted import (
    Stage,
    WorkerProgram,
    is_alive,
    pid_in,
    stage,
    until,
)
from tests.faults.disks import SmallDisk, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CHECKS = 100
"""More than fit into what the file of started tasks may still take without room."""
TALKS = "echo $$ > {}; while :; do echo a line of output; sleep 0.05; done"


async def begun(play: Stage, disk: SmallDisk) -> int:
    """Return the process of a task that runs on a worker without any room."""
    path = play.path / "pid"
    await play.scheduler.healthy()
    await play.scheduler.run("sh", "-c", TALKS.format(path), "sh")
    pid = await pid_in(path)
    disk.fill()
    await until(lambda: play.scheduler.worker.held)
    return pid


async def test_on_a_full_disk_it_stays_as_well_as_it_was_and_says_why_it_takes_nothing(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "w1") as disk:
        async with stage(tmp_path) as play:
            scheduler, worker = play.scheduler, play.start()
            pid = await begun(play, disk)
            told = f"disk full: free space for {tmp_path / 'w1'}"
            assert (scheduler.worker.slots, scheduler.worker.held) == (0, told)
            for _ in range(CHECKS):
                disk.fill()
                await checked(play)
            assert is_alive(pid)
            assert "could not be started" not in worker.stderr
            disk.clear()
            await until(lambda: not scheduler.worker.held)
            task = await scheduler.run("sh", "-c", 'echo done > "$2"', "sh")
            assert (await scheduler.ended(task)).status == "done"


async def checked(play: Stage) -> None:
    """Return when the worker has passed a health check."""
    passed = play.scheduler.checks_passed
    play.scheduler.check()
    await until(lambda: play.scheduler.checks_passed > passed)


async def given_up(play: Stage, worker: WorkerProgram) -> None:
    assert await play.scheduler.suicide("You are not wanted") == Done()


async def stopped(play: Stage, worker: WorkerProgram) -> None:
    worker.signal(signal.SIGTERM)


@pytest.mark.parametrize(("how", "code"), [(given_up, 1), (stopped, 0)])
async def test_output_without_room_does_not_change_what_its_exit_code_says(
    tmp_path: Path, how: Callable[[Stage, WorkerProgram], Awaitable[None]], code: int
) -> None:
    with small_disk(tmp_path / "w1") as disk:
        async with stage(tmp_path) as play:
            worker = play.start()
            pid = await begun(play, disk)
            await how(play, worker)
            while worker.process.poll() is None:
                disk.fill()
                await asyncio.sleep(0.01)
            assert worker.process.returncode == code
            assert "dropped while task logs could not be stored" in worker.stderr
            assert not is_alive(pid)
