"""A real warden where the kernel refuses, hides or lacks something."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from bistro_tui.engine.warden.tree import look
from bistro_tui.engine.warden.wire import KILL, Kill, Output, Started, Trouble
from tests.engine.warden.driver import (
    DEADLINE,
    UNTIL_END,
    driven,
    is_alive,
    pid_in,
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="wardens know /proc and pidfds"
)

NO_PIDFD = "del os.pidfd_open"
REFUSED_PIDFD = """
def refuse(*_):
    raise PermissionError(1, "Operation not permitted")
os.pidfd_open = refuse
"""
UNTOUCHABLE = """
import signal
def guarded(function):
    def call(pid, *rest):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"62.4242" in file.read():
                raise PermissionError(1, "Operation not permitted")
        return function(pid, *rest)
    return call
os.kill = guarded(os.kill)
del os.pidfd_open
"""
"""As if that program ran as root and we did not."""
DAEMON = """\
import os, resource
if os.fork() == 0:
    os.setsid()
    resource.setrlimit(10, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with open("pid", "w") as file:
        print(os.getpid(), file=file)
    for number in (0, 1, 2):
        os.close(number)
    os.execve("/bin/sleep", ["sleep", "62.4242"], {})
while not os.path.exists("pid"):
    pass
"""
"""Carries nothing that a warden could know it by."""


@pytest.mark.parametrize("before", [NO_PIDFD, REFUSED_PIDFD])
def test_without_descriptors_of_processes_tasks_end_as_with_them(
    tmp_path: Path, before: str
) -> None:
    for warden in driven(tmp_path, before=before):
        starts = [warden.start("true") for _ in range(30)]
        starts += [warden.shell("(setsid sleep 63 &) >/dev/null 2>&1; exit 3")]
        codes = [warden.end_of(start).code for start in starts]
        assert codes == [0] * 30 + [3]
        warden.heard.clear()
        long = warden.shell("sleep 64")
        warden.wait_for(Started)
        warden.send(Kill(long.number, KILL, 0))
        assert warden.end_of(long).signal == signal.SIGKILL


def test_what_may_not_be_killed_is_told_of_once_and_harms_no_other_task(
    tmp_path: Path,
) -> None:
    for warden in driven(tmp_path, before=UNTOUCHABLE):
        start = warden.start(sys.executable, "-I", "-S", "-c", DAEMON)
        assert warden.end_of(start).code == 0
        daemon = pid_in(warden.directory / "job" / "pid")
        try:
            assert f"process {daemon}" in warden.wait_for(Trouble).text
            for _ in range(3):
                assert warden.end_of(warden.shell("sleep 0.01 & exit 4")).code == 4
            assert is_alive(daemon)
            told = [
                one for one in warden.of(Trouble) if f"process {daemon}" in one.text
            ]
            assert len(told) == 1
            assert warden.vanish() == 0
        finally:
            os.kill(daemon, signal.SIGKILL)


def test_a_warden_waits_for_its_tasks_without_work_once_its_parent_is_gone(
    tmp_path: Path,
) -> None:
    for warden in driven(tmp_path, below=UNTIL_END):
        warden.shell('trap "" TERM; echo up; sleep 65', kill_wait=0.6)
        warden.wait_for(Output)
        used, began = 0.0, time.monotonic()
        warden.end_parent()
        before = look(warden.ready.pid)
        assert before is not None
        while (found := look(warden.ready.pid)) and found.state != "Z":
            used = found.cpu_seconds - before.cpu_seconds
            assert time.monotonic() - began < DEADLINE
            time.sleep(0.02)
        assert time.monotonic() - began > 0.5
        assert used < 0.2
