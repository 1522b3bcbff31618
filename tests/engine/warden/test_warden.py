"""A real warden with real processes."""

import contextlib
import errno
import json
import os
import resource
import signal
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.warden.journal import read_journal
from bistro_tui.engine.warden.tree import look
from bistro_tui.engine.warden.wire import (
    KILL,
    STDERR,
    STDOUT,
    TERM,
    TERM_WAIT_KILL,
    WINDOW,
    Credit,
    Exited,
    Kill,
    NotStarted,
    Output,
    Settled,
    Started,
    Trouble,
    Usage,
)
from tests.engine.warden.driver import DEADLINE, Driven, driven, is_alive, pid_in

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a subreaper is a thing of Linux"
)


@pytest.fixture
def warden(tmp_path: Path) -> Iterator[Driven]:
    yield from driven(tmp_path)


def test_a_short_task_is_told_of_once_with_all_that_it_left(warden: Driven) -> None:
    start = warden.shell('echo out; echo err >&2; echo done > "$S"; exit 3')
    end = warden.end_of(start)
    assert (end.code, end.signal, end.core) == (3, 0, False)
    assert warden.written_by(start) == b"out\n"
    assert warden.written_by(start, STDERR) == b"err\n"
    assert end.status == b"done\n"
    assert (end.killed, end.timed_out) == (False, False)
    assert end.peak_memory > 100_000
    assert not warden.of(Exited)


def test_ends_by_signal_are_told_with_the_signal(warden: Driven) -> None:
    deadly = {
        number
        for number in range(1, 32)
        if number
        not in (
            signal.SIGCHLD,
            signal.SIGCONT,
            signal.SIGURG,
            signal.SIGWINCH,
            signal.SIGSTOP,
            signal.SIGTSTP,
            signal.SIGTTIN,
            signal.SIGTTOU,
        )
    }
    starts = {n: warden.shell(f"ulimit -c 0; kill -{n} $$") for n in sorted(deadly)}
    for number, start in starts.items():
        end = warden.end_of(start)
        assert (end.code, end.signal) == (-1, number)


def test_a_status_file_stays_until_it_is_settled(warden: Driven) -> None:
    start = warden.start("true", config=b'{"big": 1}')
    warden.end_of(start)
    assert os.path.exists(start.status_file)
    assert Path(os.fsdecode(start.config_file)).read_bytes() == b'{"big": 1}'
    assert [one.record for one in read_journal(warden.journal).unsettled] == [
        b'{"n":1}'
    ]
    warden.send(Settled((start.number,)))
    warden.end_of(warden.start("true"))
    assert not os.path.exists(start.status_file)
    assert not os.path.exists(start.config_file)
    assert [one.number for one in read_journal(warden.journal).unsettled] == [2]


@pytest.mark.parametrize(
    ("argv", "what", "error"),
    [
        (["no-such-program-anywhere"], "program", errno.ENOENT),
        (["/no/such/program"], "program", errno.ENOENT),
        (["/etc/passwd"], "program", errno.EACCES),
        (["true", "x" * 131_072], "program", errno.E2BIG),
        (["true", "nul\0"], "program", 0),
    ],
)
def test_what_cannot_start_says_why_and_leaves_nothing(
    warden: Driven, argv: list[str], what: str, error: int
) -> None:
    start = warden.start(*argv)
    found = warden.wait_for(NotStarted)
    assert (found.number, found.what, found.error) == (start.number, what, error)
    assert not os.path.exists(start.status_file)
    warden.end_of(warden.start("true"))
    assert [one.number for one in read_journal(warden.journal).unsettled] == [2]


def test_a_directory_that_cannot_be_entered_is_named(
    warden: Driven, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    warden.start("true", directory=tmp_path / "file")
    found = warden.wait_for(NotStarted)
    assert (found.what, found.error) == ("directory", errno.ENOTDIR)


def test_the_longest_argument_is_taken(warden: Driven) -> None:
    start = warden.start("sh", "-c", "echo ${#1}", "sh", "x" * 131_071)
    assert warden.written_by(start) == b"131071\n"


def test_a_program_is_looked_up_in_the_path_of_the_task(
    warden: Driven, tmp_path: Path
) -> None:
    tool = tmp_path / "bin" / "mytool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    path = f"{tool.parent}:{os.environ['PATH']}".encode()
    assert warden.written_by(warden.start("mytool", env=[(b"PATH", path)])) == b"mine\n"


def test_a_task_inherits_three_descriptors_and_default_signals(warden: Driven) -> None:
    script = "ls -l /proc/self/fd; grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status"
    text = warden.written_by(warden.shell(script)).decode()
    lines = text.splitlines()
    descriptors = [line.split(" -> ")[0].split()[-1] for line in lines if "->" in line]
    # Number 3 is the directory that ls reads.
    assert descriptors == ["0", "1", "2", "3"]
    assert "0 -> /dev/null" in text
    masks = {line.split(":")[0]: int(line.split()[1], 16) for line in lines[-3:]}
    assert masks["SigBlk"] == masks["SigIgn"] == 0


def test_a_task_has_the_users_limit_of_descriptors_and_a_session(
    warden: Driven,
) -> None:
    start = warden.shell("ulimit -Sn; ulimit -Hn; cat /proc/self/stat")
    soft, hard, stat = warden.written_by(start).decode().splitlines()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert (soft, hard) == tuple(map(str, limits))
    assert int(stat.rpartition(")")[2].split()[3]) == warden.end_of(start).pid


def test_a_working_directory_is_made_and_made_again(warden: Driven) -> None:
    where = warden.written_by(warden.shell("pwd; rmdir ../job")).decode().strip()
    assert where == str(warden.directory / "job")
    assert warden.end_of(warden.shell("touch here")).code == 0
    assert (warden.directory / "job" / "here").exists()


# Output.


def test_output_is_sent_within_the_window_and_nothing_is_lost(warden: Driven) -> None:
    start = warden.start("sh", "-c", "seq 1 200000; sleep 0.05; echo last >&2")
    expected = b"".join(b"%d\n" % n for n in range(1, 200_001))
    got = err = b""
    while True:
        warden.wait_for(Output)
        sent = sum(len(one.data) for one in warden.of(Output))
        assert sent <= WINDOW
        got += b"".join(o.data for o in warden.of(Output) if o.stream == STDOUT)
        err += b"".join(o.data for o in warden.of(Output) if o.stream == STDERR)
        warden.heard = [one for one in warden.heard if not isinstance(one, Output)]
        warden.send(Credit(start.number, sent))
        if len(got) >= len(expected) - WINDOW:
            break
    warden.send(Credit(start.number, 1 << 20))
    end = warden.end_of(start)
    got += b"".join(o.data for o in warden.of(Output) if o.stream == STDOUT)
    err += b"".join(o.data for o in warden.of(Output) if o.stream == STDERR)
    assert got + end.stdout == expected
    assert err + end.stderr == b"last\n"


def test_a_task_without_credit_blocks_and_can_still_be_killed(warden: Driven) -> None:
    assert WINDOW < 66_000
    start = warden.shell("head -c 66000 /dev/zero; touch full; exec yes")
    full = warden.directory / "job" / "full"

    def sent() -> int:
        return sum(len(one.data) for one in warden.of(Output))

    deadline = time.monotonic() + DEADLINE
    while sent() < WINDOW or not full.exists():
        assert time.monotonic() < deadline
        warden.listen(0.05)
    more = time.monotonic() + 0.3
    while time.monotonic() < more:
        warden.listen(0.05)
    assert sent() == WINDOW
    warden.send(Kill(start.number, KILL, 0))
    end = warden.end_of(start)
    assert (end.signal, end.killed) == (signal.SIGKILL, True)
    assert 0 < len(end.stdout) <= 1 << 20


def test_the_end_of_a_task_without_credit_is_seen_at_once(warden: Driven) -> None:
    start = warden.shell(
        "head -c 66000 /dev/zero; sleep 0.2; head -c 60000 /dev/zero; echo x >&2"
    )
    assert len(warden.written_by(start)) == 126_000
    assert warden.written_by(start, STDERR) == b"x\n"
    # Who waits for more says that the task's main process is over.
    assert warden.of(Exited) == []


def test_a_partial_line_is_passed_on_while_the_task_runs(warden: Driven) -> None:
    start = warden.shell("printf half; sleep 60")
    assert warden.wait_for(Output).data == b"half"
    warden.send(Kill(start.number, KILL, 0))
    assert warden.end_of(start).stdout == b""


# Ends.


def test_a_silent_daemon_does_not_outlive_its_task(warden: Driven) -> None:
    start = warden.shell("setsid sleep 61 > /dev/null 2>&1 & echo $! > pid")
    warden.end_of(start)
    assert not is_alive(pid_in(warden.directory / "job" / "pid"))


def test_a_daemon_that_has_cut_every_tie_does_not_outlive_its_task(
    warden: Driven,
) -> None:
    other = warden.shell("sleep 60")
    script = (
        "env -i /usr/bin/setsid /bin/sh -c '(/usr/bin/setsid /bin/sh -c"
        ' "echo \\$\\$ > pid; exec /bin/sleep 62" > /dev/null 2>&1 &)\' ;'
        "while ! test -s pid; do sleep 0.01; done"
    )
    warden.end_of(warden.shell(script))
    assert not is_alive(pid_in(warden.directory / "job" / "pid"))
    warden.send(Kill(other.number, KILL, 0))
    warden.end_of(other)


def test_a_daemon_of_one_task_is_not_killed_at_the_end_of_another(
    warden: Driven,
) -> None:
    long = warden.shell(
        "(setsid sleep 63 > /dev/null 2>&1 & echo $! > daemon); sleep 60"
    )
    daemon = pid_in(warden.directory / "job" / "daemon")
    for _ in range(5):
        warden.end_of(warden.shell("sleep 0.01 & exit 0"))
    assert is_alive(daemon)
    warden.send(Kill(long.number, KILL, 0))
    warden.end_of(long)
    assert not is_alive(daemon)


def test_a_holder_of_the_pipe_is_waited_for_two_seconds(warden: Driven) -> None:
    began = time.monotonic()
    start = warden.shell("(sleep 64; echo late) & echo $! > pid; echo now; exit 7")
    assert warden.wait_for(Exited).code == 7
    end = warden.end_of(start)
    # Not for the minute that it sleeps.
    assert 1.9 < time.monotonic() - began < 30
    assert warden.written_by(start) == b"now\n"
    assert end.code == 7
    assert not is_alive(pid_in(warden.directory / "job" / "pid"))


def test_a_holder_that_finishes_in_time_is_heard_to_its_end(warden: Driven) -> None:
    start = warden.shell("(sleep 0.2; echo late) & echo now")
    assert warden.written_by(start) == b"now\nlate\n"


def test_orphans_that_end_leave_no_zombie(warden: Driven) -> None:
    start = warden.shell("(sleep 0.05 &) ; (sleep 0.1 &) ; sleep 30")
    deadline = time.monotonic() + DEADLINE
    while _states_of_children(warden.process.pid) != ["S"]:
        assert time.monotonic() < deadline
        warden.listen(0.05)
    warden.send(Kill(start.number, KILL, 0))
    warden.end_of(start)


def _states_of_children(pid: int) -> list[str]:
    states = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        # One that is reaped meanwhile is none of them any more.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/{child}/stat").read_text()
            states.append(text.rpartition(")")[2].split()[0])
    return states


# Kills.


def test_term_is_sent_once_and_left_at_that(warden: Driven) -> None:
    script = 'trap "echo term; exit 9" TERM; echo up; while :; do sleep 0.01; done'
    start = warden.shell(script)
    warden.wait_for(Output)
    warden.send(Kill(start.number, TERM, 0))
    end = warden.end_of(start)
    assert (end.code, end.killed) == (9, True)
    assert warden.written_by(start) == b"up\nterm\n"


def test_term_wait_kill_ends_what_ignores_the_first(warden: Driven) -> None:
    script = 'trap "" TERM INT HUP; echo up; while :; do sleep 1; done'
    start = warden.shell(script, kill_wait=60)
    warden.wait_for(Output)
    began = time.monotonic()
    warden.send(Kill(start.number, TERM_WAIT_KILL, 0.3))
    end = warden.end_of(start)
    assert end.signal == signal.SIGKILL
    assert time.monotonic() - began > 0.25


def test_a_stopped_task_is_continued_to_hear_of_its_end(warden: Driven) -> None:
    start = warden.shell('trap "exit 5" TERM; echo up; kill -STOP $$; sleep 60')
    pid = warden.wait_for(Started).pid
    deadline = time.monotonic() + DEADLINE
    while (found := look(pid)) is None or found.state != "T":
        assert time.monotonic() < deadline
        warden.listen(0.05)
    warden.send(Kill(start.number, TERM, 0))
    assert warden.end_of(start).code in (5, -1)


def test_a_task_whose_turn_has_not_come_is_taken_back(warden: Driven) -> None:
    crowd = [warden.wish("true") for _ in range(50)]
    last = warden.wish("touch", "ran")
    warden.send(*crowd, last, Kill(last.number, KILL, 0))
    assert warden.wait_for(NotStarted).what == "killed"
    for start in crowd:
        warden.end_of(start)
    assert not (warden.directory / "job" / "ran").exists()


def test_time_is_up_after_timeout(warden: Driven) -> None:
    end = warden.end_of(warden.shell("sleep 60", timeout=0.2))
    assert (end.timed_out, end.killed, end.signal) == (True, False, signal.SIGTERM)


# The scheduler's end.


def test_when_the_scheduler_vanishes_every_task_ends_and_leaves_a_record(
    warden: Driven,
) -> None:
    polite = warden.shell(
        'trap "echo bye; echo done > $S; exit 0" TERM; echo up; '
        "while :; do sleep 0.01; done"
    )
    stubborn = warden.shell('trap "" TERM; echo up; sleep 70', kill_wait=0.5)
    over = warden.shell("echo text; echo failed > $S")
    warden.end_of(over)
    for start in (polite, stubborn):
        warden.wait_for(Output, lambda one, n=start.number: one.number == n)  # type: ignore[misc]  # mypy sees no default
    pids = [one.pid for one in warden.of(Started)]
    assert warden.vanish() == 0
    assert not any(map(is_alive, pids))
    records = {
        start.number: json.loads(
            Path(os.fsdecode(start.status_file)).with_suffix(".exit").read_text()
        )
        for start in (polite, stubborn, over)
    }
    assert records[polite.number]["killed"]
    assert Path(os.fsdecode(polite.status_file)).read_text() == "done\n"
    assert b64decode(records[polite.number]["stdout"]) == b"up\nbye\n"
    assert records[stubborn.number]["signal"] == signal.SIGKILL
    assert records[over.number]["killed"] is False
    assert b64decode(records[over.number]["stdout"]) == b"text\n"
    left = read_journal(warden.journal)
    assert left.pid == warden.process.pid
    assert {one.number for one in left.unsettled} == {1, 2, 3}
    assert {one.pid for one in left.unsettled} >= set(pids)


@pytest.mark.parametrize("is_taken_in", [False, True])
def test_when_the_scheduler_vanishes_output_that_it_did_not_take_in_is_left(
    warden: Driven, is_taken_in: bool
) -> None:
    go = warden.directory / "go"
    os.mkfifo(go)
    start = warden.shell(f"echo early; read line < {go}; echo late; echo done > $S")
    told = warden.wait_for(Output)
    assert told.data == b"early\n"
    go.write_text("on\n")
    end = warden.end_of(start)
    # The last may be told of with the end, or before it.
    sent = [one.data for one in warden.of(Output)]
    assert b"".join(sent) + end.stdout == b"early\nlate\n"
    if is_taken_in:
        warden.send(Credit(start.number, len(b"".join(sent))))
    assert warden.vanish() == 0
    record = Path(os.fsdecode(start.status_file)).with_suffix(".exit").read_text()
    left = end.stdout if is_taken_in else b"early\nlate\n"
    assert b64decode(json.loads(record)["stdout"]) == left


def test_when_the_scheduler_vanishes_it_is_said_at_once_that_nothing_more_begins(
    warden: Driven,
) -> None:
    warden.shell('trap "" TERM; echo up; sleep 70', kill_wait=20)
    warden.wait_for(Output)
    assert not read_journal(warden.journal).is_final
    warden.socket.close()
    deadline = time.monotonic() + DEADLINE
    while not read_journal(warden.journal).is_final:
        assert time.monotonic() < deadline, "it did not say so"
        time.sleep(0.002)
    assert warden.process.poll() is None
    (left,) = read_journal(warden.journal).unsettled
    assert left.pid is not None
    os.kill(left.pid, signal.SIGKILL)
    assert warden.process.wait(DEADLINE) == 0


def test_a_task_that_writes_much_after_the_scheduler_is_gone_does_not_block(
    warden: Driven,
) -> None:
    start = warden.shell(
        'trap "" TERM; echo up; sleep 0.3; head -c 3000000 /dev/zero; echo done > $S'
    )
    warden.wait_for(Output)
    assert warden.vanish() == 0
    assert Path(os.fsdecode(start.status_file)).read_text() == "done\n"


def test_a_warden_with_nothing_unsettled_leaves_nothing(warden: Driven) -> None:
    start = warden.start("true")
    warden.end_of(start)
    warden.send(Settled((start.number,)))
    assert warden.vanish() == 0
    assert not warden.journal.exists()


def test_signals_for_everyone_do_not_end_it(warden: Driven) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        warden.process.send_signal(number)
    assert warden.end_of(warden.start("true")).code == 0


# Much of it.


def test_hundreds_of_short_tasks_all_end_and_leave_no_zombie(warden: Driven) -> None:
    starts = [warden.shell("echo hi; echo done > $S") for _ in range(300)]
    for start in starts:
        end = warden.end_of(start)
        assert (end.code, end.status) == (0, b"done\n")
        assert warden.written_by(start) == b"hi\n"
    warden.send(Settled(tuple(start.number for start in starts)))
    assert warden.end_of(warden.start("true")).code == 0
    assert _states_of_children(warden.process.pid) == []
    open_now = os.listdir(f"/proc/{warden.process.pid}/fd")
    assert len(open_now) <= 8


def test_tasks_are_measured_with_all_their_processes(warden: Driven) -> None:
    start = warden.shell("sleep 30 & (setsid sleep 30 &) ; sleep 30")

    def whole(usage: Usage) -> bool:
        return any(row[0] == start.number and row[3] == 4 for row in usage.rows)

    rows = {row[0]: row[1:] for row in warden.wait_for(Usage, whole).rows}
    memory, seconds, _ = rows[start.number]
    assert memory > 1_000_000
    assert seconds >= 0
    warden.send(Kill(start.number, KILL, 0))
    warden.end_of(start)


def test_the_capacity_is_what_the_descriptors_allow(tmp_path: Path) -> None:
    for warden in driven(tmp_path, descriptors=64):
        assert warden.ready.capacity == 17
        assert warden.ready.containment == "subreaper"


def test_many_inherited_children_are_all_found_and_ended(warden: Driven) -> None:
    script = (
        "i=0; while [ $i -lt 1000 ]; do sleep 65 > /dev/null 2>&1 & i=$((i+1)); done;"
        " echo $i"
    )
    assert warden.written_by(warden.shell(script)) == b"1000\n"
    assert _states_of_children(warden.process.pid) == []


def test_an_error_of_its_own_is_told_and_leaves_no_task_behind(warden: Driven) -> None:
    start = warden.shell("echo up; sleep 66")
    warden.wait_for(Output)
    pid = warden.wait_for(Started).pid
    # Nobody sends such a thing: a credit that is no number.
    much: Any = "much"
    warden.send(Credit(start.number, much))
    assert "internal error" in warden.wait_for(Trouble).text
    assert warden.process.wait(DEADLINE) == 1
    assert not is_alive(pid)
