"""The local runner when something happens to its wardens; all processes are real."""

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.processes.attempt import Attempt
from bistro_tui.engine.processes.lost_warden import (
    LeftAttempt,
    Remains,
    end_lost_warden,
)
from bistro_tui.engine.processes.subreaper import (
    StrangeChildren,
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
from bistro_tui.engine.warden.kernel import become_subreaper
from bistro_tui.engine.warden.tree import Marks, Swept, look
from bistro_tui.engine.warden.wire import Ended, Settled
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


def start_of(pid: int) -> int:
    found = look(pid)
    assert found is not None
    return found.started


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
        await ready(local)
        (capacity,) = {one.capacity for one in wardens(local)}
        go = tmp_path / "go"
        script = f"while [ ! -e {go} ]; do sleep 0.02; done"
        starts = [a_start("sh", "-c", script) for _ in range(30)]
        for start in starts:
            local.runner.start(start)
        most = 0
        while not all(local.reports.ended(one.invocation) for one in starts):
            at_once = [one.under_way for one in wardens(local)]
            most = max(most, *at_once)
            if min(at_once) == capacity:
                go.touch()
            await asyncio.sleep(0.002)
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

        # The first measure may come before it has its second process.
        await until(lambda: measured() and measured()[-1][1] == 2)
        assert measured()[-1][0] > 100_000


async def test_a_lost_warden_takes_its_tasks_along_and_all_are_accounted_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with local_runner(tmp_path) as local:
        starts = [a_start(*SLEEP) for _ in range(6)]
        script = "echo done > $BISTRO_STATUS_FILE; echo up; exec sleep 60"
        wrote = a_start("sh", "-c", script)
        for start in [*starts, wrote]:
            local.runner.start(start)
        pids = [(await local.reports.wait_started(one)).pid or 0 for one in starts]
        await local.reports.wait_started(wrote)
        await until(lambda: len(local.sink.of(Stream.STDOUT)) == 7)
        processes = {(pid, start_of(pid)) for pid in pids}
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
        await until(lambda: not zombie_children() & processes)
        said = re.findall(r"was lost with (\d+) tasks?; a new one", caplog.text)
        assert sum(map(int, said)) == 7


async def test_one_of_two_wardens_is_lost_and_the_other_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There is one on one processor.
    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WARDENS", 2)
    async with local_runner(tmp_path) as local:
        await ready(local)
        first, _ = wardens(local)
        starts = [a_start(*SLEEP) for _ in range(4)]
        for start in starts:
            local.runner.start(start)
            await local.reports.wait_started(start)
        os.kill(first.process.pid, signal.SIGKILL)
        await until(
            lambda: sum(1 for s in starts if local.reports.ended(s.invocation)) > 1
        )
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
        async with asyncio.timeout(30):
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
        on_room=lambda: None,
    )
    with caplog.at_level(logging.ERROR):
        await until(lambda: caplog.text.count("was lost") == 3)
    await pool.close()
    ends = [one.getMessage().rpartition("starts")[2] for one in caplog.records]
    assert ends[:3] == ["", " in 1 s", " in 2 s"]


async def test_a_warden_that_cannot_be_started_is_tried_again_and_the_limit_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    wardens_module = "bistro_tui.engine.processes.wardens"
    monkeypatch.setattr(f"{wardens_module}.WARDENS", 1)
    monkeypatch.setattr(f"{wardens_module}.socket.socketpair", refuse)
    pool = Wardens(
        tmp_path,
        {},
        hear=lambda _link, _message: None,
        on_heard=lambda: None,
        left=lambda _: [],
        on_lost=lambda _link, _found: None,
        on_room=lambda: None,
    )
    with caplog.at_level(logging.ERROR):
        await until(lambda: len(caplog.records) == 2)
    await pool.close()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert caplog.records[1].getMessage() == (
        f"a warden could not be started: Too many open files (ulimit -n {limit});"
        " it is tried again in 1 s"
    )


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WARDENS", 1)
    how = KillSettings(method=KillMethod.TERM, kill_wait_ms=100)
    script = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start("sh", "-c", script))
        await until(lambda: local.sink.of(Stream.STDOUT))
        local.runner.kill(start.invocation, how)
        # The same warden has a task for longer than that.
        await local.run(a_start("sleep", "0.3"))
        # ``term`` is one signal, whatever the wait says.
        assert local.reports.ended(start.invocation) is None


def test_ending_a_lost_warden_reads_every_status(tmp_path: Path) -> None:
    status = tmp_path / "1.status"
    status.write_bytes(b"done\n")
    process = subprocess.Popen(["sleep", "60"])
    left = [
        LeftAttempt(1, None, 1 << 62, b"BISTRO_INVOCATION=x-1", bytes(status), "a@b"),
        LeftAttempt(2, 1 << 30, 1 << 62, b"BISTRO_INVOCATION=x-2", b"/no", "a@c"),
    ]
    (found,) = end_lost_warden(process, None, "/no/such", left, threading.Event())
    assert found == {1: Remains(True, b"done\n"), 2: Remains(True, None)}
    assert process.returncode == -9


def a_left_one(number: int, pid: int | None = None) -> LeftAttempt:
    mark = f"BISTRO_INVOCATION=x-{number}".encode()
    return LeftAttempt(number, pid, 1 << 62, mark, b"/no/such", f"etl@db{number}")


def test_only_what_the_journal_does_not_name_has_certainly_not_begun(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "warden.1.1"
    journal.write_text("B x 1\nS 1 {}\nP 1 5 0 0\nS 2 {}\nS 3 {}\nN 3\nS 4")
    (tmp_path / "warden.1.1.1").write_text("B x 1\nS 6 {}\n")
    (tmp_path / "warden.1.10").write_text("B x 1\nS 5 {}\n")
    process = subprocess.Popen(["sleep", "60"])
    left = [a_left_one(number) for number in range(1, 7)]
    (found,) = end_lost_warden(process, None, str(journal), left, threading.Event())
    begun = [number for number, remains in found.items() if remains.has_begun]
    assert begun == [1, 2, 6]


def test_a_damaged_journal_proves_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "warden.1.1"
    journal.write_text("B x 1\n?\nS 1 {}\n")
    process = subprocess.Popen(["sleep", "60"])
    left = [a_left_one(number) for number in (1, 2)]
    (found,) = end_lost_warden(process, None, str(journal), left, threading.Event())
    assert [remains.has_begun for remains in found.values()] == [True, True]


class Unkillable:
    """A process that lives as long as the test wants, whatever is sent to it."""

    def __init__(self, *pids: int) -> None:
        self.pids = pids
        self.sweeps = 0

    def __call__(self, _marks: Marks) -> Swept:
        self.sweeps += 1
        return Swept(0, self.pids)


def test_an_attempt_is_over_when_its_last_process_has_gone_and_others_do_not_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = [a_left_one(1), a_left_one(2)]
    environment = {"BISTRO_INVOCATION": "x-2"}
    stays = subprocess.Popen(["sleep", "60"], env=environment)
    kill = Unkillable(stays.pid)
    monkeypatch.setattr("bistro_tui.engine.processes.lost_warden.kill_marked", kill)
    monkeypatch.setattr(
        "bistro_tui.engine.processes.lost_warden.PAUSES_SEC", (0.001, 0.001)
    )
    process = subprocess.Popen(["sleep", "60"])
    ends = end_lost_warden(process, None, "/no/such", left, threading.Event())
    try:
        assert list(next(ends)) == [1]
        assert stays.poll() is None
        said = [one.getMessage() for one in caplog.records]
        assert said == [
            f"process {stays.pid} of task etl@db2 does not go when killed;"
            " the task is over when it has gone"
        ]
        kill.pids = ()
        assert list(next(ends)) == [2]
        assert list(ends) == []
    finally:
        stays.kill()
        stays.wait()


def test_while_nobody_knows_whose_a_living_process_is_no_attempt_is_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    give_up = threading.Event()
    stays = subprocess.Popen(["sleep", "60"], env={})

    class GivesUp(Unkillable):
        def __call__(self, marks: Marks) -> Swept:
            if self.sweeps > 30:
                give_up.set()
            return super().__call__(marks)

    kill = GivesUp(stays.pid)
    monkeypatch.setattr("bistro_tui.engine.processes.lost_warden.kill_marked", kill)
    monkeypatch.setattr("bistro_tui.engine.processes.lost_warden.PAUSES_SEC", (0.001,))
    process = subprocess.Popen(["sleep", "60"])
    try:
        left = [a_left_one(1), a_left_one(2)]
        assert list(end_lost_warden(process, None, "/no", left, give_up)) == []
        assert f"process {stays.pid} of a task of a lost warden does not" in caplog.text
    finally:
        stays.kill()
        stays.wait()


def test_what_cannot_be_seen_is_not_taken_for_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [Swept(0, (), "no descriptors")] * 20
    monkeypatch.setattr("bistro_tui.engine.processes.lost_warden.PAUSES_SEC", (0.001,))
    monkeypatch.setattr(
        "bistro_tui.engine.processes.lost_warden.kill_marked",
        lambda _: answers.pop() if answers else Swept(0, ()),
    )
    process = subprocess.Popen(["sleep", "60"])
    give_up = threading.Event()
    ends = end_lost_warden(process, None, "/no", [a_left_one(1)], give_up)
    assert list(next(ends)) == [1]
    assert answers == []
    assert [one.getMessage() for one in caplog.records] == [
        "tasks of a lost warden cannot be proven dead: no descriptors"
    ]


def wake_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a stopped warden stopped until somebody asks it for something."""
    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WATCH_SEC", 1_000.0)


async def test_an_attempt_that_had_not_begun_when_its_warden_was_lost_just_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake_nobody(monkeypatch)
    async with local_runner(tmp_path) as local:
        await ready(local)
        running = a_start(*SLEEP)
        local.runner.start(running)
        await local.reports.wait_started(running)
        for link in wardens(local):
            os.kill(link.process.pid, signal.SIGSTOP)
        waiting, killed = a_start(*SLEEP), a_start(*SLEEP)
        starts = [waiting, killed]
        for start in starts:
            local.runner.start(start)
        await until(lambda: sum(one.under_way for one in wardens(local)) == 3)
        lost = tuple(wardens(local))
        # Killed, but not woken: it never hears of it.
        for link in lost:
            link.process.kill()
        local.runner.kill(killed.invocation, KILL)
        ended = await local.reports.wait_ended(running)
        assert ended.exit_text == "warden lost"
        ended = await local.reports.wait_ended(killed)
        assert ended.exit_text == "killed before it started"
        await until(lambda: local.undone(waiting))
        assert local.undone(waiting) == "its warden was lost before it began"
        assert local.reports.ended(waiting.invocation) is None
        of_them = [json.loads(row) for row in local.sink.of(Stream.STATUSES)]
        assert waiting.invocation.rand not in {
            row["invocation_rand"] for row in of_them
        }
        local.settle()
        gone = {one.journal for one in lost}
        assert not gone & {str(path) for path in journals(local)}


async def test_an_attempt_given_up_after_an_error_of_ours_is_ended_with_its_warden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake_nobody(monkeypatch)
    async with local_runner(tmp_path) as local:
        await ready(local)

        def explode(attempt: Attempt, _pid: int) -> None:
            (link,) = [one for one in wardens(local) if one is attempt.link]
            # It will never obey the kill that comes next.
            os.kill(link.process.pid, signal.SIGSTOP)
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(Attempt, "started", explode)
        start = a_start("sh", "-c", "echo $$ > {status_file}; exec sleep 60")
        local.runner.start(start)
        ended = await local.reports.wait_ended(start)
        assert "ZeroDivisionError" in ended.exit_text
        status = local.data_dir.status_files / f"{start.invocation}.status"
        await until(lambda: status.read_text().endswith("\n"))
        pid = int(status.read_text())
        assert is_alive(pid)
        (link,) = [one for one in wardens(local) if one.under_way]
        link.process.kill()
        await until(lambda: not is_alive(pid))
        await until(lambda: not status.exists())
        await until(lambda: link.journal not in map(str, journals(local)))


async def test_an_error_of_ours_in_its_last_output_does_not_cost_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WATCH_SEC", 0.1)

    def explode(_attempt: Attempt, _end: Ended) -> None:
        raise ZeroDivisionError("ours")

    async with local_runner(tmp_path) as local:
        monkeypatch.setattr(Attempt, "some_of", explode)
        text = "exited with status 0"
        for _ in range(50):
            # The warden may read it before the process has ended: then it is no last.
            if text != "exited with status 0":
                break
            # Until it is woken up it reads nothing.
            start = a_start("sh", "-c", "kill -STOP $PPID; exec head -c 5000 /dev/zero")
            text = (await local.run(start)).exit_text
        assert "ZeroDivisionError" in text
        assert sum(one.under_way for one in wardens(local)) == 0


async def test_a_stopped_warden_is_woken_though_nobody_asks_it_for_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WATCH_SEC", 0.02)
    async with local_runner(tmp_path) as local:
        go = tmp_path / "go"
        script = (
            f"while [ ! -e {go} ]; do sleep 0.01; done; echo done > {{status_file}}"
        )
        local.runner.start(start := a_start("sh", "-c", script))
        await local.reports.wait_started(start)
        (link,) = [one for one in wardens(local) if one.under_way]
        os.kill(link.process.pid, signal.SIGSTOP)
        go.touch()
        assert (await local.reports.wait_ended(start)).reported.bits == DONE
        await until(lambda: link.capacity)
    said = [one.getMessage() for one in caplog.records]
    assert f"warden {link.process.pid} was stopped; it is woken up" in said


async def test_wardens_that_do_not_answer_have_no_room_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[tuple[int | None, str]]:
        return [
            (one.limit, one.text)
            for one in local.reports.all
            if isinstance(one, RunnerCapacity)
        ]

    monkeypatch.setattr("bistro_tui.engine.processes.wardens.WATCH_SEC", 0.02)
    monkeypatch.setattr(WardenLink, "wake", lambda _: None)
    async with local_runner(tmp_path) as local:
        await ready(local)
        all_room = told()[-1]
        local.runner.start(start := a_start(*SLEEP))
        await local.reports.wait_started(start)
        for link in wardens(local):
            os.kill(link.process.pid, signal.SIGSTOP)
            link.send(Settled(()))
        # What they were given goes on.
        await until(lambda: told()[-1] == (1, "no warden answers"))
        for link in wardens(local):
            os.kill(link.process.pid, signal.SIGCONT)
        await until(lambda: told()[-1] == all_room)


async def test_a_warden_lost_while_all_ends_is_not_said_to_be_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with local_runner(tmp_path) as local:
        local.runner.start(start := a_start(*SLEEP))
        await local.reports.wait_started(start)
        (link,) = [one for one in wardens(local) if one.under_way]
        os.kill(link.process.pid, signal.SIGSTOP)
        closing = asyncio.ensure_future(local.runner.close())
        os.kill(link.process.pid, signal.SIGKILL)
        await closing
        pool = local.runner._wardens
        assert not pool._timers or all(one.cancelled() for one in pool._timers)
    assert [one.getMessage() for one in caplog.records] == [
        f"warden {link.process.pid} was lost with 1 task"
    ]


async def test_threads_that_have_ended_lost_wardens_are_not_kept(
    tmp_path: Path,
) -> None:
    async with local_runner(tmp_path) as local:
        pool = local.runner._wardens
        for _ in range(4):
            await ready(local)
            pool._deaths = 0
            link = wardens(local)[0]
            os.kill(link.process.pid, signal.SIGKILL)
            await until(partial(lambda gone: gone not in wardens(local), link))
        assert len(pool._threads) < 4


def test_children_that_somebody_else_has_left_to_us_are_reaped() -> None:
    program = """
import os, subprocess, sys, time
from bistro_tui.engine.processes.subreaper import *
from bistro_tui.engine.warden.kernel import become_subreaper
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
    assert become_subreaper()
    strangers = StrangeChildren()
    child = subprocess.Popen(["sleep", "60"])
    try:
        strangers.look()
        strangers.look()
        assert child.poll() is None
    finally:
        child.kill()
        assert child.wait() == -9
