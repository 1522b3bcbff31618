"""The local runner when something happens to its wardens; all processes are real."""

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.processes.lost_warden import LeftAttempt, end_lost_warden
from bistro_tui.engine.processes.subreaper import (
    StrangeChildren,
    become_subreaper,
    zombie_children,
)
from bistro_tui.engine.processes.unsettled import Unsettled
from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.processes.wardens import Wardens, descriptor_limit
from bistro_tui.engine.runners.local import STARTS_A_TURN
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptUsage,
    RunnerCapacity,
    RunnerContainment,
)
from bistro_tui.engine.statuses.bits import DONE, INCOMPLETE_BACKOFF
from bistro_tui.engine.warden.journal import read_journal
from tests.engine.processes.builders import a_start
from tests.engine.processes.fake_warden import fake_warden
from tests.engine.runners.harness import (
    KILL,
    Local,
    is_alive,
    local_runner,
    until,
)

SLEEP = ("sh", "-c", "echo up; exec sleep 60")
DAEMONS = """
echo $$
sh -c 'echo $$; exec sleep 61' &
setsid sh -c 'echo $$; exec sleep 62' &
setsid env -i sh -c 'echo $$; sh -c "echo \\$\\$; exec sleep 63" & exec sleep 64' &
wait
"""


def wardens(local: Local) -> list[WardenLink]:
    return local.runner._wardens.links


def printed_pids(local: Local) -> list[int]:
    return [int(line) for line in local.sink.of(Stream.STDOUT)]


def journals(local: Local) -> list[Path]:
    return sorted(local.data_dir.run.glob("warden.*"))


async def ready(local: Local) -> None:
    await until(lambda: wardens(local) and all(one.capacity for one in wardens(local)))


async def test_what_a_runner_can_do_is_reported_at_the_start(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        await ready(local)
        capacities = [
            one for one in local.reports.all if isinstance(one, RunnerCapacity)
        ]
        kinds = [one for one in local.reports.all if isinstance(one, RunnerContainment)]
        total = sum(one.capacity for one in wardens(local))
        assert capacities[-1] == (
            total,
            f"descriptor limit (ulimit -n {descriptor_limit()}) allows"
            f" {total} tasks at once",
        )
        assert len(kinds) == 1
        assert kinds[0].word in {"cgroup", "subreaper", "session"}


async def test_what_waits_for_a_warden_can_be_killed(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        # No warden is ready yet.
        starts = [a_start(*SLEEP) for _ in range(2 * STARTS_A_TURN)]
        for start in starts:
            local.runner.start(start)
        for start in starts[1:]:
            local.runner.kill(start.invocation, KILL)
            local.runner.kill(start.invocation, KILL)
        for start in starts[1:]:
            ended = await local.reports.wait_ended(start)
            assert ended.exit_text == "killed before it started"
            assert ended.reported.bits == INCOMPLETE_BACKOFF
        assert (await local.reports.wait_started(starts[0])).pid
        ended_ones = [one for one in local.reports.all if isinstance(one, AttemptEnded)]
        assert len(ended_ones) == len(starts) - 1


async def test_no_more_run_at_once_than_wardens_have_descriptors_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bistro_tui.engine.processes.wardens.descriptor_limit", lambda: 20
    )
    async with local_runner(tmp_path) as local:
        starts = [a_start("sh", "-c", "sleep 0.02") for _ in range(30)]
        for start in starts:
            local.runner.start(start)
        most = 0
        while not all(local.reports.ended(one.invocation) for one in starts):
            most = max(most, *(one.under_way for one in wardens(local)))
            await asyncio.sleep(0.002)
        (capacity,) = {one.capacity for one in wardens(local)}
        assert most == capacity < 10


async def test_what_a_task_uses_is_reported_while_it_runs(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", "sleep 60 & wait"))

        def measured() -> list[tuple[int, int]]:
            return [
                (row[1], row[3])
                for one in local.reports.all
                if isinstance(one, AttemptUsage)
                for row in one.rows
                if row[0] == start.invocation
            ]

        await until(measured)
        (resident, processes) = measured()[-1]
        assert resident > 100_000
        assert processes == 2


async def test_a_lost_warden_takes_its_tasks_along_and_all_are_accounted_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with local_runner(tmp_path) as local:
        starts = [a_start(*SLEEP) for _ in range(6)]
        wrote = a_start("sh", "-c", "echo done > $BISTRO_STATUS_FILE; exec sleep 60")
        for start in [*starts, wrote]:
            local.runner.start(start)
        pids = [(await local.reports.wait_started(one)).pid or 0 for one in starts]
        await local.reports.wait_started(wrote)
        await until(lambda: len(local.sink.of(Stream.STDOUT)) == 6)
        # Both: whoever of them has the one that wrote, it counts.
        for link in tuple(wardens(local)):
            os.kill(link.process.pid, signal.SIGKILL)
        for start in starts:
            ended = await local.reports.wait_ended(start)
            assert ended.reported.bits == INCOMPLETE_BACKOFF
            assert ended.reported.data == {"exception": "warden lost"}
            assert ended.exit_text == "warden lost"
        assert (await local.reports.wait_ended(wrote)).reported.bits == DONE
        assert not any(map(is_alive, pids))
        again = await local.run(a_start("sh", "-c", "echo done > $BISTRO_STATUS_FILE"))
        assert again.reported.bits == DONE
        assert zombie_children() == frozenset()
        said = re.findall(r"was lost with (\d+) tasks?; a new one", caplog.text)
        assert sum(map(int, said)) == 7


async def test_one_of_two_wardens_is_lost_and_the_other_goes_on(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        await ready(local)
        first, *others = wardens(local)
        if not others:
            pytest.skip("there is one warden on one processor")
        starts = [a_start(*SLEEP) for _ in range(4)]
        for start in starts:
            local.runner.start(start)
            await local.reports.wait_started(start)
        os.kill(first.process.pid, signal.SIGKILL)
        await until(lambda: sum(1 for s in starts if local.reports.ended(s.invocation)))
        await until(lambda: len(wardens(local)) == 2)
        ended = [one for one in starts if local.reports.ended(one.invocation)]
        assert len(ended) == 2


async def test_daemons_of_a_lost_warden_are_found_whatever_they_cut(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", DAEMONS))
        await until(lambda: len(printed_pids(local)) == 5)
        (link,) = [one for one in wardens(local) if one.under_way]
        os.kill(link.process.pid, signal.SIGKILL)
        await local.reports.wait_ended(start)
        assert [pid for pid in printed_pids(local) if is_alive(pid)] == []


async def test_a_stranger_is_not_touched_when_a_warden_is_lost(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        stranger = await asyncio.to_thread(
            subprocess.Popen, ["sleep", "60"], start_new_session=True
        )
        try:
            local.runner.start(start := a_start(*SLEEP))
            await local.reports.wait_started(start)
            for link in tuple(wardens(local)):
                os.kill(link.process.pid, signal.SIGKILL)
            await local.reports.wait_ended(start)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            await asyncio.to_thread(stranger.wait)


async def test_a_stopped_warden_still_carries_out_kills(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start(*SLEEP))
        await local.reports.wait_started(start)
        for link in wardens(local):
            os.kill(link.process.pid, signal.SIGSTOP)
        local.runner.kill(start.invocation, KILL)
        ended = await local.reports.wait_ended(start)
        assert ended.exit_text == "killed by signal 9"


async def test_stopped_wardens_do_not_keep_the_runner_from_closing(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start(*SLEEP))
        await local.reports.wait_started(start)
        for link in wardens(local):
            os.kill(link.process.pid, signal.SIGSTOP)
        async with asyncio.timeout(4):
            await local.runner.close()
        assert local.reports.ended(start.invocation)


async def test_closing_leaves_no_warden_and_no_task(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        starts = [a_start("sh", "-c", DAEMONS) for _ in range(3)]
        for start in starts:
            local.runner.start(start)
        await until(lambda: len(printed_pids(local)) == 15)
        processes = [one.process for one in wardens(local)]
        await local.runner.close()
        assert all(one.returncode is not None for one in processes)
        assert [pid for pid in printed_pids(local) if is_alive(pid)] == []
        assert all(local.reports.ended(one.invocation) for one in starts)


async def test_files_stay_until_the_status_is_stored(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        start = a_start(
            "sh", "-c", "echo done > {status_file}", config={"x": "y" * 200_000}
        )
        await local.run(start)
        files = local.data_dir.status_files
        status = files / f"{start.invocation}.status"
        assert status.read_text() == "done\n"
        local.runner.settled([start.invocation])
        await until(lambda: not list(files.glob(f"{start.invocation}*")))
        local.runner.settled([start.invocation])


async def test_the_journal_says_what_is_not_settled(tmp_path: Path) -> None:
    async with local_runner(tmp_path) as local:
        start = a_start("sh", "-c", "echo done > $BISTRO_STATUS_FILE")
        await local.run(start)
        entries = [e for path in journals(local) for e in read_journal(path).unsettled]
        (record,) = [json.loads(entry.record) for entry in entries]
        assert record["invocation"] == list(start.invocation)
        local.settle()
        await until(
            lambda: not [e for p in journals(local) for e in read_journal(p).unsettled]
        )


async def test_what_is_stored_after_the_end_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        starts = [a_start("true") for _ in range(3)]
        for start in starts:
            await local.run(start)
        await local.runner.close()
        left = list(local.data_dir.status_files.glob("*.exit"))
        assert len(left) == 3
        local.runner.settled([starts[0].invocation])
        numbers = [e for path in journals(local) for e in read_journal(path).unsettled]
        assert len(numbers) == 2
        local.runner.settled([one.invocation for one in starts])
        assert journals(local) == []
        assert list(local.data_dir.status_files.iterdir()) == [] or (
            local.data_dir.status_files == local.data_dir.run
        )


async def test_the_journal_of_a_lost_warden_goes_with_its_last_attempt(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        await ready(local)
        old = {one.journal for one in wardens(local)}
        starts = [a_start(*SLEEP) for _ in range(4)]
        for start in starts:
            local.runner.start(start)
            await local.reports.wait_started(start)
        for link in tuple(wardens(local)):
            os.kill(link.process.pid, signal.SIGKILL)
        for start in starts:
            await local.reports.wait_ended(start)
        for done, start in enumerate(starts, 1):
            local.runner.settled([start.invocation])
            left = [
                entry
                for path in journals(local)
                if str(path) in old
                for entry in read_journal(path).unsettled
            ]
            assert len(left) == len(starts) - done
        assert not old & {str(path) for path in journals(local)}


async def test_a_dead_wardens_journal_is_struck_out_behind_a_torn_line(
    tmp_path: Path,
) -> None:
    journal, status, other = (tmp_path / name for name in ("warden.1.1", "s", "o"))
    record = json.dumps({"status_file": str(status), "config_file": ""})
    kept = json.dumps({"status_file": str(other), "config_file": ""})
    journal.write_text(f"B x 1\nS 1 {record}\nS 2 {kept}\nS 3 {{")
    status.touch()
    other.touch()
    with fake_warden(str(journal)) as fake:
        # Attempt 1 was settled, and the warden had no time to hear of it.
        Unsettled().warden_died(fake.link, {2})
    content = read_journal(journal)
    assert [entry.number for entry in content.unsettled] == [2]
    assert not status.exists()
    assert other.exists()


async def test_a_warden_that_keeps_dying_is_started_less_and_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bistro_tui.engine.processes.wardens._BOOT", "exit(1)")
    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WARDENS", 1)
    pool = Wardens(
        tmp_path,
        {},
        hear=lambda _link, _message: None,
        on_heard=lambda: None,
        left=lambda _: [],
        on_lost=lambda _link, _found: None,
    )
    with caplog.at_level(logging.ERROR):
        await until(lambda: caplog.text.count("was lost") == 3)
    await pool.close()
    ends = [one.getMessage().rpartition("starts")[2] for one in caplog.records]
    assert ends == ["", " in 1 s", " in 2 s"]


async def test_wardens_keep_their_signals_and_descriptors_to_themselves(
    tmp_path: Path,
) -> None:
    ours, theirs = socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        os.set_inheritable(theirs.fileno(), True)
        async with local_runner(tmp_path) as local:
            await ready(local)
            pid = wardens(local)[0].process.pid
            found = {
                os.readlink(f"/proc/{pid}/fd/{number}")
                for number in os.listdir(f"/proc/{pid}/fd")
            }
            assert not {one for one in found if one.startswith("socket:")} & {
                f"socket:[{os.fstat(one.fileno()).st_ino}]" for one in (ours, theirs)
            }
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)
            ended = await local.run(a_start("sh", "-c", "echo done > {status_file}"))
            assert ended.reported.bits == DONE
            assert wardens(local)[0].process.poll() is None


async def test_a_task_that_ignores_term_gets_its_wait_also_from_a_warden(
    tmp_path: Path,
) -> None:
    how = KillSettings(method=KillMethod.TERM, kill_wait_ms=100)
    script = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", script))
        await until(lambda: local.sink.of(Stream.STDOUT))
        local.runner.kill(start.invocation, how)
        await asyncio.sleep(0.3)
        # ``term`` is one signal, whatever the wait says.
        assert local.reports.ended(start.invocation) is None


def test_ending_a_lost_warden_reads_every_status(tmp_path: Path) -> None:
    status = tmp_path / "1.status"
    status.write_bytes(b"done\n")
    process = subprocess.Popen(["sleep", "60"])
    left = [
        LeftAttempt(1, None, 1 << 62, b"BISTRO_INVOCATION=x-1", bytes(status)),
        LeftAttempt(2, 1 << 30, 1 << 62, b"BISTRO_INVOCATION=x-2", b"/no/such"),
    ]
    found = end_lost_warden(process, None, left, threading.Event())
    assert found == {1: b"done\n", 2: None}
    assert process.returncode == -9


def test_children_that_somebody_else_has_left_to_us_are_reaped() -> None:
    program = """
import os, subprocess, sys, time
from bistro_tui.engine.processes.subreaper import *
assert become_subreaper()
subprocess.run(["sh", "-c", "true & exec true"])
own = subprocess.Popen(["true"])
while len(zombie_children()) < 1:
    time.sleep(0.001)
strangers = StrangeChildren()
strangers.look()
assert zombie_children(), "seen once is not enough"
assert own.wait() == 0
while not zombie_children():
    time.sleep(0.001)
strangers.look()
strangers.look()
assert not zombie_children()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_nothing_that_does_not_wait_is_reaped() -> None:
    if not become_subreaper():
        pytest.skip("no subreapers here")
    strangers = StrangeChildren()
    child = subprocess.Popen(["sleep", "60"])
    try:
        strangers.look()
        strangers.look()
        assert child.poll() is None
    finally:
        child.kill()
        assert child.wait() == -9
