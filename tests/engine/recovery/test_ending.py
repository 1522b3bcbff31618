"""Real processes that outlived a scheduler and its warden, and their neighbours."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from bistro_tui.engine.recovery.ending import end_what_is_left
from bistro_tui.engine.recovery.records import LeftAttempt
from bistro_tui.engine.warden.tags import tag_of
from bistro_tui.engine.warden.tree import look
from tests.engine.recovery.builders import HERE, PLACE, attempt_id, boot_ns, task
from tests.engine.recovery.processes import Household, is_alive, until

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="processes are found and ended on Linux"
)

WAIT = "sleep 60 & echo $! >>$0; wait"
TAG = tag_of(attempt_id(1).rand)
MARK = str(attempt_id(1))


def left(
    pid: int | None = None,
    *,
    born: tuple[int, int] = (0, 0),
    boot: str = HERE,
    number: int = 1,
) -> LeftAttempt:
    return LeftAttempt(
        task=task(),
        invocation=attempt_id(number),
        number=number,
        place=PLACE,
        commits=0,
        status_file=Path("/none"),
        config_file=None,
        kill_wait_sec=0,
        boot_id=boot,
        pid=pid,
        born_after_ns=born[0],
        born_before_ns=born[1],
    )


def end(*attempts: LeftAttempt) -> int:
    """End them for good; return how many processes there were."""
    number = 0
    while not (swept := end_what_is_left(attempts)).is_clean:
        number = max(number, len(swept.alive))
    return number


def test_a_main_process_goes_with_its_whole_session(home: Household) -> None:
    before = boot_ns()
    pids = home.shell(WAIT, names=1)

    assert end(left(pids[0], born=(before, boot_ns()))) == 2
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("apart", ["", "setsid"], ids=["session", "descendants"])
def test_nothing_is_clean_while_what_was_killed_takes_its_time(
    home: Household, apart: str
) -> None:
    before = boot_ns()
    others = f"{apart} sh -c 'echo $$ >>$0; exec sleep 60' $0 & " * 4
    pids = home.shell(f"{others} wait", names=4)
    for _ in range(3):
        pids.append(home.start(sys.executable, "-c", "while True: pass"))
    for pid in pids[1:]:
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
    for pid in pids[1:5]:
        # Who is killed needs a processor to go, and these get hardly any.
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))

    assert end(left(pids[0], born=(before, boot_ns()))) == 5
    assert not any(map(is_alive, pids[:5]))


def test_a_daemon_that_cut_every_tie_is_known_by_its_tag(home: Household) -> None:
    script = (
        "(setsid env -i PATH=$PATH sh -c 'sleep 60 & echo $! >>$0;"
        " echo $$ >>$0; wait' $0 &)"
    )
    main, *daemons = home.shell(script, names=2, tag=TAG, mark=MARK)
    until(lambda: not is_alive(main))

    assert end(left(main)) == 2
    assert not any(map(is_alive, daemons))


def test_a_daemon_without_a_tag_is_known_by_its_environment(home: Household) -> None:
    script = "(setsid sh -c 'echo $$ >>$0; exec sleep 60' $0 &)"
    main, daemon = home.shell(script, names=1, mark=MARK)
    until(lambda: not is_alive(main))

    assert end(left()) == 1
    assert not is_alive(daemon)


def test_a_stopped_process_is_ended_too(home: Household) -> None:
    pid = home.start("sleep", "60", tag=TAG)
    os.kill(pid, signal.SIGSTOP)

    assert end(left()) == 1
    assert not is_alive(pid)


def test_what_forks_all_the_time_is_ended(home: Household) -> None:
    script = "f() { for i in 1 2 3; do sh -c 'sleep 0.01' & done; wait; f; }; f"
    pid = home.start("sh", "-c", script, tag=TAG)

    assert end(left()) >= 1
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("shift_sec", "boot"), [(-60, HERE), (60, HERE), (-0.05, HERE), (0, "other boot")]
)
def test_a_process_that_only_has_the_number_is_left_alone(
    home: Household, shift_sec: float, boot: str
) -> None:
    pid = home.start("sleep", "60")
    started = look(pid)
    assert started is not None
    born = started.started * 10_000_000 + int(shift_sec * 1e9)

    assert end(left(pid, born=(born, born + 1_000_000), boot=boot)) == 0
    assert is_alive(pid)
    found = look(pid)
    assert found is not None
    assert found.state != "T"


def test_a_session_without_its_leader_proves_nothing(home: Household) -> None:
    before = boot_ns()
    main, stray = home.shell("sleep 60 & echo $! >>$0", names=1)
    born = (before, boot_ns())
    until(lambda: not is_alive(main))
    home.reap()

    assert end(left(main, born=born)) == 0
    assert is_alive(stray)


def test_tasks_of_other_attempts_are_left_alone(home: Household) -> None:
    other = home.start(
        "sleep", "60", tag=tag_of(attempt_id(2).rand), mark=str(attempt_id(2))
    )
    ours = home.start("sleep", "60", tag=TAG, mark=MARK)

    assert end(left()) == 1
    assert is_alive(other)
    assert not is_alive(ours)


def test_a_scheduler_that_a_task_started_does_not_end_itself(
    home: Household, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    program = (
        "import subprocess, sys; sys.path.append(sys.argv[1])\n"
        "from dataclasses import replace\n"
        "from bistro_tui.engine.ids import InvocationId\n"
        "from tests.engine.recovery.test_ending import end, left\n"
        "own = replace(left(), invocation=InvocationId.from_text(sys.argv[2]))\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "said = f'{end(own)} {child.poll()}\\n'\n"
        "child.kill()\n"
        "open(sys.argv[3], 'w').write(said)\n"
    )
    root = str(Path(__file__).parents[3])
    home.start(
        *(sys.executable, "-c", program, root, MARK, str(done)), tag=TAG, mark=MARK
    )
    until(lambda: done.exists() and done.read_text().endswith("\n"))

    assert done.read_text() == "0 None\n"


def test_a_number_that_a_thread_of_somebody_has_by_now_is_nobodys() -> None:
    ready, done = threading.Event(), threading.Event()
    numbers: list[int] = []

    def live() -> None:
        numbers.append(threading.get_native_id())
        ready.set()
        done.wait(20)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert ready.wait(20)
        assert end(left(numbers[0])) == 0
    finally:
        done.set()
        thread.join()
