"""The whole worker program, and a scheduler that does as a test says."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import (
    Done,
    KillWords,
    LastLines,
    LogLines,
    QueryLogs,
    RunningTask,
    TaskStarted,
)
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.worker_machine import WAS_NOT_RUNNING
from bistro_tui.engine.statuses.attempts import NOWHERE
from bistro_tui.engine.warden.tags import tag_of
from tests.engine.recovery.builders import LeftRun, attempt_id, boot_ns
from tests.engine.recovery.processes import Household, household
from tests.engine.recovery.world import warden_of
from tests.engine.worker.scripted import (
    Stage,
    WorkerProgram,
    a_running_task,
    an_order,
    is_alive,
    pid_in,
    stage,
    until,
)

pytestmark = pytest.mark.slow

SLEEP = "echo up; echo $$ > {}; exec sleep 300"
STUBBORN = 'trap "" TERM; echo $$ > {}; while :; do sleep 0.02; done'
TELLS = 'trap "echo done > $2; exit" TERM; echo $$ > {}; while :; do sleep 0.02; done'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Household]:
    yield from household(tmp_path)


async def begun(
    play: Stage, script: str, name: str = "pid", *, suicide_kill_wait_ms: int = 2_000
) -> tuple[RunningTask, int]:
    """Have a task run; return it when it has said its number."""
    path = play.path / name
    words = ("sh", "-c", script.format(path), "sh")
    task = await play.scheduler.run(*words, suicide_kill_wait_ms=suicide_kill_wait_ms)
    return task, await pid_in(path)


async def exited(worker: WorkerProgram, *pids: int) -> int:
    code = await worker.exit_code()
    assert not [pid for pid in pids if is_alive(pid)]
    assert not list((worker.data / "run").glob("warden.*"))
    return code


async def test_a_worker_runs_what_it_is_told_and_says_what_came_of_it(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as play:
        worker = play.start("--server-port", 77)
        scheduler = play.scheduler
        found = await scheduler.healthy()
        assert (found.shard, found.lock.port) == ("w1", 77)
        assert found.slots
        assert found.lock.hostname == os.uname().nodename
        assert found.usable.cpu_cores > 0
        assert found.usable.memory_mb > 0
        script = 'echo "$3"; pwd; echo "$BISTRO_NODE"; echo err >&2; echo done > "$2"'
        task = await scheduler.run("sh", "-c", script, "sh", config='{"a": 1}')
        end = await scheduler.ended(task)
        assert end.task.invocation == task.invocation
        assert (end.status, end.exit_text) == ("done", "exited with status 0")
        assert end.peak_memory
        # Its lines are there before its end is told.
        asked = QueryLogs(("stdout", "stderr"), ("etl",), (), None, True, 10, "", "")
        answer = await scheduler.ask(asked)
        assert isinstance(answer, LogLines)
        text = [(kind, one.line.decode().strip()) for kind, one in answer.lines]
        assert [one for kind, one in text if kind == "stdout"] == [
            '{"a": 1}',
            str(worker.data / "jobs" / "etl"),
            task.task.node,
        ]
        assert [one for kind, one in text if kind == "stderr"] == ["err"]

        # Without words of its own it is the worker's program, which says nothing.
        none = await scheduler.ended(await scheduler.run())
        assert json.loads(none.status) == {
            "result_bits": 96,
            "data": {"exception": "No status returned: exited with status 0"},
            "made": True,
        }
        absent = await scheduler.ended(await scheduler.run("/no/such/program"))
        assert "/no/such/program: No such file" in absent.status

        worker.signal(signal.SIGTERM)
        assert await exited(worker) == 0
        first, *_, last = worker.stderr.splitlines()
        port = scheduler.listener.port
        assert f"worker w1 dials localhost:{port}, with data in {worker.data}" in first
        assert "ending all tasks and this worker: SIGTERM\n" in worker.stderr
        assert last.endswith("ended: no task is alive, and no status is left to tell")
        assert "ERROR" not in worker.stderr


async def test_a_running_task_is_told_of_and_can_be_killed(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        play.start()
        scheduler = play.scheduler
        await scheduler.healthy()
        task, pid = await begun(play, SLEEP)
        await until(lambda: TaskStarted(task.invocation, pid) in scheduler.news)

        def last_line() -> str:
            for one in scheduler.news:
                if isinstance(one, LastLines):
                    return one.rows[0][2].line.decode()
            return ""

        assert await until(last_line) == "up\n"
        again = await scheduler.order(task, an_order("true"))
        assert isinstance(again, Refused)
        assert "already running" in again.text
        other = a_running_task(99, node=task.task.node)
        refused = await scheduler.kill(other, KillWords("kill", 0))
        assert isinstance(refused, Refused)
        assert is_alive(pid)
        unknown = await scheduler.kill(task, KillWords("ask nicely", 0))
        assert isinstance(unknown, Refused)
        assert await scheduler.kill(task, KillWords("kill", 0)) == Done()
        end = await scheduler.ended(task)
        assert end.exit_text == "killed by signal 9"
        assert "Task killed, no status returned" in end.status


async def test_a_status_is_told_until_it_is_taken_also_by_another_scheduler(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as play:
        worker = play.start()
        scheduler = play.scheduler
        found = await scheduler.healthy()
        scheduler.takes_statuses = False
        task = await scheduler.run("sh", "-c", 'echo done > "$2"', "sh")
        await until(lambda: len(scheduler.statuses) >= 2)
        stays, pid = await begun(play, SLEEP)
        await until(lambda: TaskStarted(stays.invocation, pid) in scheduler.news)

        # It comes back as another one, and learns what there is before anything else.
        port = scheduler.listener.port
        await scheduler.listener.close()
        scheduler.id = InstanceId(1_700_000_001, 8)
        scheduler.states.clear()
        scheduler.statuses.clear()
        scheduler.takes_statuses = True
        await scheduler.open(scheduler.home, port)
        await until(lambda: scheduler.status_of(task))
        assert scheduler.statuses[-1].scheduler == scheduler.id
        listed = {one.invocation: one for one in scheduler.fetched[-1].tasks}
        assert set(listed) == {task.invocation, stays.invocation}
        assert listed[stays.invocation].pid == pid
        assert scheduler.worker.id == found.id
        assert is_alive(pid)
        await scheduler.healthy()

        # What it does not have it says it does not have.
        absent = a_running_task(1_000)
        assert await scheduler.notify(absent, stays, sequence=1) == Done()
        assert (await scheduler.ended(absent)).status == WAS_NOT_RUNNING
        late = await scheduler.order(a_running_task(1_001), an_order("true"))
        assert isinstance(late, Refused)
        worker.signal(signal.SIGINT)
        assert await exited(worker, pid) == 0


async def test_asked_to_stop_it_ends_its_tasks_and_tells_of_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        worker = play.start()
        await play.scheduler.healthy()
        tells, first = await begun(play, TELLS, "1")
        hard, second = await begun(play, STUBBORN, "2", suicide_kill_wait_ms=300)
        worker.signal(signal.SIGTERM)
        assert await exited(worker, first, second) == 0
        # A status that is written wins, whoever ended the task.
        told, killed = map(play.scheduler.status_of, (tells, hard))
        assert told is not None
        assert told.status == "done"
        assert killed is not None
        assert killed.exit_text == "killed by signal 9"
        assert "no status is left to tell" in worker.said.read_text()


async def test_asked_twice_it_kills_at_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        worker = play.start()
        await play.scheduler.healthy()
        _, pid = await begun(play, STUBBORN, suicide_kill_wait_ms=60_000)
        worker.signal(signal.SIGTERM)
        await until(lambda: "SIGTERM" in worker.stderr)
        assert is_alive(pid)
        worker.signal(signal.SIGTERM)
        assert await exited(worker, pid) == 0
        assert "killing all tasks now" in worker.stderr


async def test_told_to_die_it_ends_its_tasks_and_says_why(tmp_path: Path) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(0)
    told = list[bytes]()
    # Few messages fit into it, and how many there are no test knows.
    loop = asyncio.get_running_loop()
    loop.add_reader(manager, lambda: told.append(manager.recv(4096)))
    async with stage(tmp_path) as play:
        worker = play.start(env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        await play.scheduler.healthy()
        _, pid = await begun(play, SLEEP)
        assert await play.scheduler.suicide("You are not wanted") == Done()
        assert await exited(worker, pid) == 1
        assert "You are not wanted" in worker.stderr
    last = b"STOPPING=1\nSTATUS=stopping: running tasks are ended"
    await until(lambda: last in told)
    loop.remove_reader(manager)
    manager.close()
    # Who started it hears how it is, from the beginning to the end.
    assert told[0].startswith(b"READY=1\n")
    assert any(one.startswith(b"STATUS=healthy, ") for one in told)
    assert told[-1] == last


async def test_while_nothing_can_be_kept_nothing_is_taken(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        worker = play.start()
        scheduler = play.scheduler
        await scheduler.healthy()
        away = tmp_path / "away"
        worker.data.rename(away)
        await until(lambda: scheduler.worker.slots == 0)
        await until(lambda: scheduler.news)
        refused = await scheduler.order(a_running_task(500), an_order("true"))
        assert isinstance(refused, Refused)
        assert "data directory gone" in refused.text
        assert scheduler.worker.held.startswith("data directory gone: put ")
        # It is no worse a worker for that: what runs goes on, for as long as it takes.
        checked = scheduler.checks_passed
        scheduler.check()
        await until(lambda: scheduler.checks_passed > checked)
        assert worker.process.poll() is None
        away.rename(worker.data)
        await until(lambda: scheduler.worker.slots)
        task = await scheduler.run("sh", "-c", 'echo done > "$2"', "sh")
        assert (await scheduler.ended(task)).status == "done"
        assert "the data directory can be written again" in worker.stderr


async def test_a_killed_worker_leaves_nothing_and_returns_as_another(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as play:
        worker = play.start()
        scheduler = play.scheduler
        before = await scheduler.healthy()
        _, first = await begun(play, SLEEP, "1")
        _, second = await begun(play, STUBBORN, "2")
        worker.signal(signal.SIGKILL)
        worker = play.start()
        # Its own rule is half a second; a task's is a minute.
        after = await scheduler.healthy(other_than=before.id)
        assert not is_alive(first)
        assert not is_alive(second)
        assert after.id.start_time > before.id.start_time
        assert after.lock == before.lock
        assert scheduler.fetched[-1].tasks == ()
        task = await scheduler.run("sh", "-c", 'echo done > "$2"', "sh")
        assert (await scheduler.ended(task)).status == "done"
        assert [one.task.invocation for one in scheduler.statuses] == [task.invocation]


@pytest.mark.parametrize("asks", [1, 2])
async def test_asked_to_stop_while_it_starts_it_ends_what_is_left_of_before(
    tmp_path: Path, home: Household, asks: int
) -> None:
    data = tmp_path / "w1" / "run"
    data.mkdir(parents=True)
    left, before = LeftRun(data, is_final=True), boot_ns()
    stubborn = "trap '' TERM; echo $$ >>$0; while :; do sleep 0.02; done"
    pid, _ = home.shell(stubborn, names=1, tag=tag_of(attempt_id(1).rand))
    # A second request is for those who do not want to wait so long.
    wait = 0.2 if asks == 1 else 3_600.0
    left.add(1, born=(pid, before, boot_ns()), kill_wait=wait, place=NOWHERE)
    # Its warden lives, and ends nothing.
    with warden_of(left):
        async with stage(tmp_path) as play:
            worker = play.start()
            await until(lambda: "of the run before is still ending" in worker.stderr)
            worker.signal(signal.SIGTERM)
            await until(lambda: "ending all tasks and this worker" in worker.stderr)
            if asks == 2:
                assert is_alive(pid)
                worker.signal(signal.SIGTERM)
            assert await exited(worker, pid) == 0


async def test_tasks_of_a_worker_that_was_stopped_end_without_it(
    tmp_path: Path,
) -> None:
    # Longer than a busy machine lets a heartbeat and its answer wait.
    times = {"heartbeat_grace_period": 2.0, "lose_after": 3.0}
    async with stage(tmp_path, **times) as play:
        worker = play.start()
        await play.scheduler.healthy()
        task, pid = await begun(play, STUBBORN)
        # Long after any lease that it was not given anew.
        await asyncio.sleep(6.0)
        assert is_alive(pid)
        worker.signal(signal.SIGSTOP)
        # What is left of its lease, and of the wait between the two signals.
        await until(lambda: not is_alive(pid))
        worker.signal(signal.SIGCONT)
        # It learns of it, as of any other end, and is heard if it may stay.
        await until(
            lambda: play.scheduler.status_of(task) or worker.process.poll() is not None
        )


async def test_a_worker_that_hears_nothing_more_ends_itself(tmp_path: Path) -> None:
    # Not before a task runs, however busy the machine is.
    times = {"heartbeat_grace_period": 1.0, "lose_after": 3.0}
    async with stage(tmp_path, **times) as play:
        worker = play.start()
        await play.scheduler.healthy()
        _, pid = await begun(play, SLEEP)
        await play.scheduler.listener.close()
        assert await exited(worker, pid) == 1
        assert "unhealthy for too long" in worker.stderr


async def test_a_data_directory_has_one_worker(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        first = play.start()
        await play.scheduler.healthy()
        second = play.start()
        assert await second.exit_code() == 4
        assert f"pid {first.process.pid}" in second.stderr
        (tmp_path / "file").write_text("")
        third = play.start("--data-dir", tmp_path / "file")
        assert await third.exit_code() == 3
        assert "is not a directory" in third.stderr
        # With another secret nobody is let in; it goes on trying, in one line.
        wrong = tmp_path / "wrong.token"
        wrong.write_text("x" * 43)
        wrong.chmod(0o600)
        fourth = play.start("--token-file", wrong, name="w4")
        await until(lambda: "WARNING" in fourth.stderr)
        assert len(play.scheduler.links) == 1
        fourth.signal(signal.SIGHUP)
        assert await fourth.exit_code() == 0
