"""A real warden whose tasks may run until a certain moment, and no longer."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.warden.wire import KILL, Lease, NotStarted, Start
from tests.engine.warden.driver import DEADLINE, Driven, driven, is_alive, pid_in

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the clock that counts suspend"
)

STUBBORN = 'trap "" TERM; echo $$ > pid; while :; do sleep 0.01; done'
OBEDIENT = 'trap "echo term > said; exit 7" TERM; echo $$ > pid; sleep 60 & wait'

TRIES = 0.4, 2.0, 8.0
"""Seconds of a lease: a machine that is too slow for the first has more."""


@pytest.fixture
def warden(tmp_path: Path) -> Iterator[Driven]:
    yield from driven(tmp_path)


def from_now(seconds: float) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) + seconds


def has_heard_it(warden: Driven) -> None:
    """Return once it has dealt with all that it was sent."""
    last = warden.start("/no/such/program")
    warden.wait_for(NotStarted, lambda one: one.number == last.number)


def is_in(warden: Driven, start: Start) -> int:
    """Return the number of its main process, once it has set its trap."""
    return pid_in(Path(os.fsdecode(start.directory)) / "pid")


def test_at_the_end_of_the_lease_every_task_gets_sigterm(warden: Driven) -> None:
    start = warden.shell(OBEDIENT)
    is_in(warden, start)
    until = from_now(0.2)
    warden.send(Lease(until, 60.0))
    end = warden.end_of(start)
    assert from_now(0) >= until
    assert (end.code, end.killed) == (7, True)


def test_sigkill_follows_after_the_wait_of_the_lease(warden: Driven) -> None:
    start = warden.shell(STUBBORN, kill_wait=60)
    is_in(warden, start)
    until = from_now(0.1)
    warden.send(Lease(until, 0.2))
    end = warden.end_of(start)
    assert end.signal == signal.SIGKILL
    assert from_now(0) >= until + 0.2


def test_whoever_slept_past_the_wait_too_kills_at_once(warden: Driven) -> None:
    start = warden.shell(OBEDIENT, kill_wait=60)
    is_in(warden, start)
    warden.send(Lease(from_now(-9), 5.0))
    assert warden.end_of(start).signal == signal.SIGKILL


def test_a_later_lease_lets_tasks_go_on(warden: Driven) -> None:
    tries = iter(TRIES)
    while True:
        seconds = next(tries)
        first = from_now(seconds)
        warden.send(Lease(first, 0.0))
        start = warden.shell(f"sleep {seconds + 0.3}; echo whole")
        warden.send(Lease(first + 60, 0.0))
        has_heard_it(warden)
        if from_now(0) < first:
            break
    end = warden.end_of(start)
    assert from_now(0) > first
    assert (end.code, end.killed) == (0, False)
    assert warden.written_by(start) == b"whole\n"


def test_an_earlier_lease_counts_as_well(warden: Driven) -> None:
    start = warden.shell(OBEDIENT)
    is_in(warden, start)
    warden.send(Lease(from_now(60), 5.0), Lease(from_now(0), 5.0))
    assert warden.end_of(start).killed


def test_nothing_is_started_after_the_lease_until_there_is_another(
    warden: Driven,
) -> None:
    warden.send(Lease(from_now(-1), 0.0))
    late = warden.shell("echo no")
    refused = warden.wait_for(NotStarted, lambda one: one.number == late.number)
    assert refused.what == "lease"
    assert "lease" in refused.text
    warden.send(Lease(from_now(60), 0.0))
    assert warden.written_by(warden.shell("echo yes")) == b"yes\n"


def test_what_begins_under_a_lease_ends_with_it(warden: Driven) -> None:
    tries = iter(TRIES)
    while True:
        seconds = next(tries)
        until = from_now(seconds)
        # The lease is there before there is anything to look after.
        warden.send(Lease(until, 0.0))
        has_heard_it(warden)
        short, long = warden.shell("exit 3"), warden.shell("sleep 60")
        has_heard_it(warden)
        if from_now(0) < until and warden.end_of(short).code == 3:
            break
    assert warden.end_of(short).code == 3
    assert warden.end_of(long).signal == signal.SIGKILL


@pytest.mark.parametrize("method", [None, KILL])
def test_at_the_end_of_the_socket_the_wait_of_the_lease_counts(
    warden: Driven, method: int | None
) -> None:
    # Its own would be: at once, or after a minute.
    words = ("sh", "-c", OBEDIENT)
    start = (
        warden.start(*words, kill_wait=0.0)
        if method is None
        else warden.start(*words, kill_method=method)
    )
    is_in(warden, start)
    warden.send(Lease(from_now(60), 10.0))
    warden.vanish()
    said = Path(os.fsdecode(start.directory)) / "said"
    assert said.read_text() == "term\n"


def test_at_the_end_of_the_socket_sigkill_comes_after_the_wait_of_the_lease(
    warden: Driven,
) -> None:
    start = warden.shell(STUBBORN, kill_wait=60)
    pid = is_in(warden, start)
    warden.send(Lease(from_now(60), 0.2))
    began = time.monotonic()
    warden.vanish()
    assert not is_alive(pid)
    assert time.monotonic() - began >= 0.2


def test_a_warden_that_was_stopped_ends_everything_at_its_first_moment(
    warden: Driven,
) -> None:
    tries = iter(TRIES)
    while True:
        seconds = next(tries)
        warden.send(Lease(from_now(60), 60.0))
        running = warden.shell(OBEDIENT)
        pid = is_in(warden, running)
        until = from_now(seconds)
        warden.send(Lease(until, 60.0))
        os.kill(warden.process.pid, signal.SIGSTOP)
        # It was sent in time, and would have been started in time.
        late = warden.shell("echo late > late")
        os.waitid(os.P_PID, warden.process.pid, os.WSTOPPED | os.WNOWAIT)
        if from_now(0) < until:
            break
        os.kill(warden.process.pid, signal.SIGCONT)
        assert warden.end_of(running).killed
        (warden.directory / "job" / "pid").unlink()
    time.sleep(max(0.0, until - from_now(0)) + 0.2)
    assert is_alive(pid)
    os.kill(warden.process.pid, signal.SIGCONT)
    refused = warden.wait_for(NotStarted, lambda one: one.number == late.number)
    assert refused.what == "lease"
    assert warden.end_of(running).code == 7


def test_a_lease_costs_an_idle_warden_nothing(warden: Driven) -> None:
    tries = iter(TRIES)
    while True:
        seconds = next(tries)
        until = from_now(seconds)
        warden.send(Lease(until, 0.0))
        start = warden.shell("exit 0")
        has_heard_it(warden)
        if from_now(0) < until and warden.end_of(start).code == 0:
            break
    assert warden.end_of(start).code == 0
    time.sleep(max(0.0, until - from_now(0)))

    def used() -> int:
        fields = Path(f"/proc/{warden.process.pid}/status").read_text().splitlines()
        return sum(int(one.split()[1]) for one in fields if "ctxt_switches" in one)

    deadline = time.monotonic() + DEADLINE
    while True:
        # The last look, and that at inherited zombies, may still come.
        before = used()
        time.sleep(0.3)
        if used() == before:
            break
        assert time.monotonic() < deadline
