"""Whatever signals come while the program ends, it ends with the code that it owes."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Open
from tests.e2e.pool import Pool, until
from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

STOPPING = (signal.SIGINT, signal.SIGTERM)
HELD = {"command": shell("sleep 600"), "level_for_tasks": "instance"}


@pytest.fixture
def pool(place: Place) -> Iterator[Pool]:
    with Pool(place) as found:
        yield found


def after_a_storm(process: "subprocess.Popen[str]", *numbers: int) -> int:
    """Return the exit code of a program that gets these signals until it is gone."""
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline, "it does not end"
        for number in numbers:
            process.send_signal(number)
        time.sleep(0.001)
    return process.returncode


@pytest.mark.parametrize("number", STOPPING)
def test_a_scheduler_that_is_stopped_again_and_again_was_stopped_as_asked(
    place: Place, pool: Pool, number: signal.Signals
) -> None:
    config = place.write_config(config_of(("alpha", HELD)))
    words = (config, "--no-ui", "--data-dir", place.data)
    busy = pool.start("busy", *words)
    until(lambda: "serves with data" in pool.said("busy"))
    assert after_a_storm(busy, number, signal.SIGHUP) == 0
    assert "Traceback" not in pool.said("busy")

    batch = pool.start("batch", *words, "--exit-when-done")
    until(lambda: "serves with data" in pool.said("batch"))
    assert after_a_storm(batch, number) == 128 + number
    assert "Exception ignored" not in pool.said("batch")


@pytest.mark.parametrize("number", STOPPING)
def test_a_worker_that_is_stopped_again_and_again_was_stopped_as_asked(
    place: Place, pool: Pool, number: signal.Signals
) -> None:
    pool.scheduler(place.write_config(config_of()))
    worker = pool.worker("w1")
    until(lambda: "healthy: tasks may start" in pool.said("w1"))
    assert after_a_storm(worker, number, signal.SIGHUP) == 0
    assert "Traceback" not in pool.said("w1")


@pytest.mark.parametrize("number", STOPPING)
def test_a_screen_that_is_stopped_again_and_again_was_stopped_as_asked(
    place: Place, terminal: Open, number: signal.Signals
) -> None:
    screen = terminal(
        place.write_config(config_of(("alpha", HELD))), "--exit-when-done"
    )
    screen.wait_for("alpha")
    screen.signal(number)
    # The terminal is given back before the program has ended.
    screen.wait_until(lambda: b"\x1b[?1049l" in screen.raw)
    seen = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, screen.pid, seen) is None:
        screen.signal(number)
        screen.look(0.001)
    assert screen.wait_for_end() == 128 + number
    screen.assert_given_back()
    assert "blocked" in screen.raw.decode(errors="replace")
