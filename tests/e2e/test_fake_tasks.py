"""The program with tasks that take no time: nothing is lost or late at full speed."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Place

pytestmark = pytest.mark.slow

AT_ONCE = ("--benchmark-run", "--test-task-duration", "0")


def fake_config(place: Place, *, hosts: int, jobs: int = 2) -> Path:
    def labels(parent: str, name: str, number: int) -> dict[str, Any]:
        prefs = {"parent_level": parent, "start": 1, "end": number, "format": name}
        return {"source": "range_label", "prefs": prefs}

    return place.write_config(
        {
            "bistro_settings": {
                "enabled": True,
                "nodes": {
                    "levels": ["host", "shard"],
                    "node_sources": [
                        labels("instance", "h{i}", hosts),
                        labels("host", "{parent}s{i}", 25),
                    ],
                },
                "resources": {"host": {"slots": {"limit": 2, "default": 1}}},
            },
            **{f"bistro_job->j{number}": {"owner": "t"} for number in range(jobs)},
        }
    )


def test_each_of_very_many_ended_tasks_has_its_two_log_lines(place: Place) -> None:
    run = place.batch(fake_config(place, hosts=40), *AT_ONCE)

    assert run.code == 0, run.err
    assert (run.json["done"], run.json["started"]) == (2000, 2000)
    lines = [line[20:] for line in run.err.splitlines()]
    tasks = [
        f"j{j}, h{h}s{s}" for j in (0, 1) for h in range(1, 41) for s in range(1, 26)
    ]
    assert sorted(line for line in lines if " quit with status " in line) == sorted(
        f"Task {task} quit with status pretended" for task in tasks
    )
    got = [line for line in lines if line.startswith("Got status done from task ")]
    assert sorted(line.partition(" after ")[0] for line in got) == sorted(
        f"Got status done from task {task}" for task in tasks
    )


def test_as_json_every_log_line_is_an_object_of_its_own(place: Place) -> None:
    config = fake_config(place, hosts=4)
    flags = (
        "--log-format",
        "json",
        "--test-failure-rate",
        "0.2",
        "--no-exit-when-done",
    )
    process = place.start(config, "--no-ui", "--data-dir", place.data, *AT_ONCE, *flags)
    ended = 0
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            record = json.loads(line)
            assert set(record) == {"time", "level", "message"}
            is_status = record["message"].startswith("Got status ")
            ended += is_status
            # Once: another one while it exits would be the end of it.
            if is_status and ended == 200:
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert ended >= 200


def test_of_ended_tasks_one_a_period_is_logged_if_so_asked(place: Place) -> None:
    config = fake_config(place, hosts=40)

    run = place.batch(config, *AT_ONCE, "--log_status_changes_every_ms=100000")

    assert run.json["done"] == 2000
    assert run.err.count("quit with status") == 1
    assert run.err.count("Got status") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_obeyed_at_once_while_tasks_end_at_full_speed(
    place: Place, number: signal.Signals
) -> None:
    config = fake_config(place, hosts=4000)
    process = place.start(
        config, "--no-ui", "--exit-when-done", "--data-dir", place.data, *AT_ONCE
    )
    with process:
        assert process.stderr is not None
        while "quit with status" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        began = time.monotonic()
        process.communicate(timeout=60)

    assert process.returncode == 128 + number
    # It would have gone on for minutes.
    assert time.monotonic() - began < 20


def test_log_lines_that_nobody_reads_stop_nothing(place: Place) -> None:
    process = place.start(
        fake_config(place, hosts=40),
        *("--no-ui", "--exit-when-done", "--json", "--data-dir", place.data),
        *AT_ONCE,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    process.stderr.close()
    with process:
        printed = process.stdout.read()

    assert process.returncode == 0
    assert json.loads(printed)["done"] == 2000
