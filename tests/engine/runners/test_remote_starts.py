"""The local runner on behalf of a scheduler elsewhere; all processes are real."""

import json
import os
import signal
import time
from pathlib import Path

from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.processes.starts import RemoteStart
from bistro_tui.engine.runners.protocol import AttemptEnded
from bistro_tui.engine.statuses.bits import DONE
from tests.engine.processes.builders import a_start
from tests.engine.runners.harness import Local, local_runner, until


def remote(*command: str, config: str = "{}") -> RemoteStart:
    """Return a start as it comes from elsewhere: without nodes and levels."""
    start = a_start(*command)
    return RemoteStart(start.task, start.invocation, start.job, config)


async def ended(local: Local, start: RemoteStart) -> AttemptEnded:
    local.runner.start(start)
    return await until_ended(local, start)


async def until_ended(local: Local, start: RemoteStart) -> AttemptEnded:
    await until(lambda: local.reports.ended(start.invocation))
    found = local.reports.ended(start.invocation)
    assert found is not None
    return found


def from_now(seconds: float) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) + seconds


async def test_a_task_gets_the_json_that_came_with_it(tmp_path: Path) -> None:
    config = json.dumps({"id": "etl", "worker_node": "w1", "x": "ü" * 70_000})
    script = 'cat "${3#@}"; echo "$BISTRO_NODE" >&2; echo done > "$2"'
    async with local_runner(tmp_path) as local:
        end = await ended(local, remote("sh", "-c", script, "sh", config=config))
        assert end.reported.bits == DONE
        assert b"".join(local.sink.of(Stream.STDOUT)) == config.encode()
        assert local.sink.of(Stream.STDERR) == [b"db7\n"]
        # Its own words may say where it goes, as in any job.
        await ended(local, remote("echo", "{config}", "{node}", config="{}"))
        assert local.sink.of(Stream.STDOUT)[-1] == b"{} db7\n"


async def test_a_lease_ends_what_runs_and_lets_nothing_start(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        start = remote("sh", "-c", "exec sleep 60")
        local.runner.start(start)
        await until(lambda: local.reports.started(start.invocation))
        local.runner.lease(from_now(0.1), 5.0)
        assert (await until_ended(local, start)).exit_text == "killed by signal 15"
        late = a_start("true")
        local.runner.start(late)
        # It is no error of the task: what is left to do is up to who sent it.
        await until(lambda: local.undone(late))
        assert "lease" in str(local.undone(late))
        local.runner.lease(from_now(60), 5.0)
        assert (await local.run(a_start("true"))).exit_text == "exited with status 0"


async def test_a_warden_that_is_started_later_has_the_lease_as_well(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        links = local.runner._wardens.links
        await until(lambda: links and all(one.capacity for one in links))
        before = list(links)
        local.runner.lease(from_now(-1), 0.0)
        for link in before:
            os.kill(link.process.pid, signal.SIGKILL)
        await until(
            lambda: (
                len(links) == len(before)
                and not set(links) & set(before)
                and all(one.capacity for one in links)
            )
        )
        starts = [a_start("true") for _ in links]
        for start in starts:
            local.runner.start(start)
        await until(lambda: all(local.undone(one) for one in starts))
