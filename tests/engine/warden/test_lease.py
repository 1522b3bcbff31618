"""A real warden whose tasks may run until a certain moment, and no longer."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.warden.wire import KILL, Lease, NotStarted, Start
from tests.engine.warden.driver import Driven, driven, is_alive, pid_in

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the clock that counts suspend"
)

STUBBORN = 'trap "" TERM; echo $$ > pid; while :; do sleep 0.01; done'
OBEDIENT = 'trap "echo term > said; exit 7" TERM; echo $$ > pid; sleep 60 & wait'


@pytest.fixture
def warden(tmp_path: Path) -> Iterator[Driven]:
    yield from driven(tmp_path)


def from_now(seconds: float) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) + seconds


def is_in(warden: Driven, start: Start) -> int:
    """Return the number of its main process, once it has set its trap."""
    return pid_in(Path(os.fsdecode(start.directory)) / "pid")


def test_at_the_end_of_the_lease_every_task_gets_sigterm(warden: Driven) -> None:
    start = warden.shell(OBEDIENT)
    is_in(warden, start)
    until = from_now(0.2)
    warden.send(Lease(until, 5.0))
    end = warden.end_of(start)
    assert until <= from_now(0) < until + 2
    assert (end.code, end.killed) == (7, True)


def test_sigkill_follows_after_the_wait_of_the_lease(warden: Driven) -> None:
    start = warden.shell(STUBBORN, kill_wait=60)
    is_in(warden, start)
    until = from_now(0.1)
    warden.send(Lease(until, 0.2))
    end = warden.end_of(start)
    assert end.signal == signal.SIGKILL
    assert until + 0.2 <= from_now(0) < until + 3


def test_whoever_slept_past_the_wait_too_kills_at_once(warden: Driven) -> None:
    start = warden.shell(OBEDIENT, kill_wait=60)
    is_in(warden, start)
    warden.send(Lease(from_now(-9), 5.0))
    assert warden.end_of(start).signal == signal.SIGKILL


def test_a_later_lease_lets_tasks_go_on(warden: Driven) -> None:
    first = from_now(0.3)
    warden.send(Lease(first, 0.0))
    start = warden.shell("sleep 0.6; echo whole")
    warden.send(Lease(first + 60, 0.0))
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
    # The lease is there long before there is anything to look after.
    warden.send(Lease(from_now(0.4), 0.0))
    assert warden.end_of(warden.shell("exit 3")).code == 3
    assert warden.end_of(warden.shell("sleep 60")).signal == signal.SIGKILL


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
    assert 0.2 <= time.monotonic() - began < 3


def test_a_warden_that_was_stopped_ends_everything_at_its_first_moment(
    warden: Driven,
) -> None:
    running = warden.shell(OBEDIENT)
    pid = is_in(warden, running)
    warden.send(Lease(from_now(0.2), 5.0))
    os.kill(warden.process.pid, signal.SIGSTOP)
    # It was sent in time, and would have been started in time.
    late = warden.shell("echo late > late")
    time.sleep(0.4)
    assert is_alive(pid)
    os.kill(warden.process.pid, signal.SIGCONT)
    refused = warden.wait_for(NotStarted, lambda one: one.number == late.number)
    assert refused.what == "lease"
    assert warden.end_of(running).code == 7


def test_a_lease_costs_an_idle_warden_nothing(warden: Driven) -> None:
    warden.send(Lease(from_now(0.1), 0.0))
    assert warden.end_of(warden.shell("exit 0")).code == 0

    def used() -> int:
        fields = Path(f"/proc/{warden.process.pid}/status").read_text().splitlines()
        return sum(int(one.split()[1]) for one in fields if "ctxt_switches" in one)

    deadline = time.monotonic() + 10
    while True:
        # The last look, and that at inherited zombies, may still come.
        before = used()
        time.sleep(0.3)
        if used() == before:
            break
        assert time.monotonic() < deadline
