"""``bistro-tui logs`` beside a running scheduler, and after it."""

import json
import os
import select
import signal
import subprocess

import pytest

from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

TALK = 'echo "begun $1"; while [ ! -e ../../go-on ]; do sleep 0.05; done; echo ended'


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 30)[0], "nothing came in 30 s"
    return process.stdout.readline()


def test_a_log_is_followed_while_a_task_runs_and_read_when_nobody_runs(
    place: Place,
) -> None:
    command = shell(f'{TALK}; echo done >"$2"')
    only = {"level1": {"whitelist": ["node1"]}}
    job = {"command": command, "level_for_tasks": "level1", "filters": only}
    config = place.write_config(config_of(("talk", job)))
    words = (config, "--no-ui", "--exit-when-done", "--data-dir", place.data)
    with place.start(*words, stderr=subprocess.DEVNULL) as scheduler:
        while not (place.data / "task_logs.sql3").exists():
            assert scheduler.poll() is None
        follow = ("logs", "talk", "node1", "-f", "--data-dir", place.data)
        with place.start(*follow) as follower:
            assert line_of(follower) == "begun node1\n"
            (place.data / "go-on").touch()
            assert line_of(follower) == "ended\n"
            follower.send_signal(signal.SIGINT)
            assert follower.wait(60) == 0
        assert scheduler.wait(60) == 0
    before = sorted(os.listdir(place.data))
    found = place.run("logs", "--json", "--data-dir", place.data)
    assert [(job, node, text) for job, node, _, text, _ in found.json["lines"]] == [
        ("talk", "node1", "begun node1\n"),
        ("talk", "node1", "ended\n"),
    ]
    events = place.run("logs", "--stream", "statuses", "--raw", "--config-file", config)
    assert (events.code, events.out) == (0, "")
    events = place.run(
        "logs", "--stream", "statuses", "--raw", "--data-dir", place.data
    )
    decoder, text, seen = json.JSONDecoder(), events.out.strip(), []
    while text:
        event, end = decoder.raw_decode(text)
        seen.append(event["event"])
        text = text[end:].lstrip()
    assert sorted(seen) == [
        "got_status", "process_exited", "running", "task_pipes_closed",
    ]  # fmt: skip
    assert sorted(os.listdir(place.data)) == before
