"""A host that has no process to spare: tasks wait, and nothing is lost or unknown."""

import os
import signal
import time

import pytest

from tests.e2e.program import Place
from tests.faults.oracle import Oracle, fresh_mark, judge
from tests.faults.process_limit import process_limit
from tests.faults.seeds import SCALE
from tests.faults.test_many import GOT_DONE, config_of_plain
from tests.faults.watching import children_of, wait_until, wardens_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

TASKS = 200 * SCALE


def test_tasks_that_find_no_process_wait_and_use_up_no_retry(place: Place) -> None:
    oracle = Oracle(place.path, fresh_mark())
    off = config_of_plain(oracle, TASKS, at_once=50, is_enabled=False)
    config = place.write_config(off)
    log = place.path / "stderr"
    with process_limit() as limit, log.open("w") as file:
        with place.start(
            *(config, "--no-ui", "--data-dir", place.data),
            stderr=file,
            preexec_fn=limit.enter,
        ) as process:
            try:
                wait_until(lambda: " serves " in log.read_text(), "it serves")
                wait_until(lambda: len(wardens_of(process.pid)) == 2, "two wardens")
                # Not what is used: of that a thread may end at once, and leave room.
                limit.allow(1)
                # Any retry that was used would make the task fail: its backoff is.
                on = config_of_plain(oracle, TASKS, at_once=50, is_enabled=True)
                place.write_config(on)
                wait_until(lambda: limit.refusals >= 5, "forks are refused")
                _scarcity(limit.used, wardens_of(process.pid))
                limit.allow(limit.used + 1)
                wait_until(lambda: len(oracle.records()) >= 10, "some get through")
                limit.allow(None)
                wait_until(
                    lambda: len(GOT_DONE.findall(log.read_text())) >= TASKS,
                    f"all tasks are done:\n{log.read_text()[-2000:]}",
                    60 * SCALE,
                )
                assert all(children_of(one) == [] for one in wardens_of(process.pid))
            finally:
                limit.allow(None)
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        assert process.returncode == 0
    text = log.read_text()
    assert "Traceback" not in text
    assert "EAGAIN" in text, "nobody is told why nothing starts"
    judge(oracle.records(), expected=TASKS)


def _scarcity(used: int, wardens: list[int]) -> None:
    """Fail if there is a process that nobody asked for while none can be started."""
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        assert all(children_of(one) == [] for one in wardens), used
        time.sleep(0.01)


def test_a_warden_that_dies_when_there_is_no_process_to_spare_is_replaced(
    place: Place,
) -> None:
    oracle = Oracle(place.path, fresh_mark())
    config = config_of_plain(oracle, 12, at_once=12)
    config["bistro_job->plain"] = {
        "owner": "t",
        "backoff": [1, "repeat"],
        **oracle.job("sleep", 1.0),
    }
    log = place.path / "stderr"
    flags = ("--no-ui", "--exit-when-done", "--data-dir", place.data)
    with (
        process_limit() as limit,
        log.open("w") as file,
        place.start(
            *(place.write_config(config), *flags), stderr=file, preexec_fn=limit.enter
        ) as process,
    ):
        try:
            wait_until(lambda: len(oracle.records()) >= 12, "all have started")
            limit.allow(1)
            for warden in wardens_of(process.pid):
                os.kill(warden, signal.SIGKILL)
            wait_until(lambda: "was lost" in log.read_text(), "it is told")
            wait_until(lambda: not oracle.alive(), "its tasks are ended")
            limit.allow(None)
            process.wait(60)
        finally:
            limit.allow(None)
            process.kill()
    text = log.read_text()
    assert process.returncode == 0, text[-3000:]
    assert "Traceback" not in text
    judge(oracle.records(), expected=12)


def test_a_stop_ends_all_tasks_when_there_is_no_process_to_spare(place: Place) -> None:
    oracle = Oracle(place.path, fresh_mark())
    config = config_of_plain(oracle, 12, at_once=12)
    config["bistro_job->plain"] = {"owner": "t", **oracle.job("daemon", 600.0)}
    log = place.path / "stderr"
    with (
        process_limit() as limit,
        log.open("w") as file,
        place.start(
            *(place.write_config(config), "--no-ui", "--data-dir", place.data),
            stderr=file,
            preexec_fn=limit.enter,
        ) as process,
    ):
        try:
            wait_until(lambda: len(oracle.alive()) >= 48, "all have started")
            limit.allow(1)
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            assert oracle.alive() == []
        finally:
            limit.allow(None)
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()
