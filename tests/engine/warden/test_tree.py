"""Whose processes are found, and what is said of those that stay."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.warden.tree import Marks, kill_marked
from bistro_tui.engine.warden.wire import KILL, Kill
from tests.engine.warden.driver import DEADLINE, ROOT, driven, is_alive, pid_in

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="there is no /proc"
)

Starter = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def led() -> Iterator[Starter]:
    """Start programs that lead a session each."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(argv, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def _of(process: subprocess.Popen[bytes]) -> Marks:
    return Marks(sessions=frozenset((process.pid,)))


def _wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextlib.contextmanager
def _descriptors(free: int) -> Iterator[None]:
    """Leave this process that many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(map(int, os.listdir("/proc/self/fd"))) + 2 + free
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(free):
            os.close(taken.pop())
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _refuse(*_: object) -> int:
    raise PermissionError(1, "Operation not permitted")


def test_nothing_to_kill_is_clean() -> None:
    swept = kill_marked(Marks(tags=frozenset((1 << 60,))))
    assert swept.is_clean
    assert swept.signalled == 0


def test_what_was_killed_counts_as_alive_until_the_next_look(led: Starter) -> None:
    process = led("sleep", "60")
    swept = kill_marked(_of(process))
    assert (swept.signalled, swept.alive, swept.refused) == (1, (process.pid,), ())
    assert not swept.is_clean
    assert process.wait(DEADLINE) == -signal.SIGKILL
    assert kill_marked(_of(process)).is_clean


def test_what_may_not_be_signalled_is_alive_nevertheless(
    led: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = led("sleep", "60")
    monkeypatch.setattr(signal, "pidfd_send_signal", _refuse)
    swept = kill_marked(_of(process))
    assert swept.signalled == 0
    assert swept.alive == swept.refused == (process.pid,)
    assert not swept.is_clean


def test_without_a_descriptor_nobody_says_that_nothing_is_left(led: Starter) -> None:
    process = led("sleep", "60")
    with _descriptors(0):
        swept = kill_marked(_of(process))
    assert "Too many open files" in swept.hindrance
    assert not swept.is_clean
    assert is_alive(process.pid)


def test_one_descriptor_is_enough(led: Starter) -> None:
    process = led("sleep", "60")
    with _descriptors(1):
        swept = kill_marked(_of(process))
    assert (swept.signalled, swept.hindrance) == (1, "")
    assert process.wait(DEADLINE) == -signal.SIGKILL


def test_without_descriptors_of_processes_they_are_killed_by_number(
    led: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = led("sleep", "60")
    monkeypatch.setattr(os, "pidfd_open", _refuse)
    assert kill_marked(_of(process)).signalled == 1
    assert process.wait(DEADLINE) == -signal.SIGKILL


def test_a_descendant_without_any_mark_goes_with_its_ancestor(
    led: Starter, tmp_path: Path
) -> None:
    script = (
        f'setsid sh -c \'setsid sh -c "echo \\$\\$ > {tmp_path}/last; sleep 60; :" &'
        f" echo $$ > {tmp_path}/middle; wait' & wait"
    )
    process = led("sh", "-c", script)
    middle, last = (pid_in(tmp_path / name) for name in ("middle", "last"))
    swept = kill_marked(_of(process))
    assert {process.pid, middle, last} <= set(swept.alive)
    assert swept.signalled == len(swept.alive)
    _wait_until_gone(middle, last)


def test_who_looks_from_below_spares_itself_and_what_it_was_started_by(
    led: Starter, tmp_path: Path
) -> None:
    sweep = tmp_path / "sweep.py"
    sweep.write_text(
        "import os, sys\n"
        "from bistro_tui.engine.warden.tree import Marks, kill_marked\n"
        "parent = os.getppid()\n"
        "kill_marked(Marks(sessions=frozenset((int(sys.argv[1]),))))\n"
        "os.kill(parent, 0)\n"
        f"open('{tmp_path}/end', 'w').write(f'{{parent}}\\n')\n"
    )
    middle = f"PYTHONPATH={ROOT} {sys.executable} {sweep} $0; echo $? > {tmp_path}/code"
    process = led("sh", "-c", 'setsid sh -c "$0" $$ & wait', middle)
    assert pid_in(tmp_path / "code") == 0
    assert pid_in(tmp_path / "end") > 0
    assert process.wait(DEADLINE) == -signal.SIGKILL


def test_the_tasks_of_a_task_that_runs_tasks_go_with_it(tmp_path: Path) -> None:
    inner = (
        "import sys, time; from pathlib import Path\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "from tests.engine.warden.driver import Driven\n"
        "Path('inner').mkdir()\n"
        "warden = Driven(Path('inner').absolute())\n"
        "deaf = 'trap \"\" TERM; echo $$ > pid; (setsid sleep 66 &) ; sleep 67'\n"
        "warden.shell(deaf)\n"
        "time.sleep(60)\n"
    )
    for warden in driven(tmp_path):
        other = warden.shell("sleep 68 & echo $! > other; wait")
        bystander = pid_in(warden.directory / "job" / "other")
        start = warden.start(sys.executable, "-c", inner)
        pid = pid_in(warden.directory / "job" / "inner" / "job" / "pid")
        warden.send(Kill(start.number, KILL, 0))
        assert warden.end_of(start).killed
        assert not is_alive(pid)
        assert is_alive(bystander)
        warden.send(Kill(other.number, KILL, 0))
        warden.end_of(other)
        assert not is_alive(bystander)
