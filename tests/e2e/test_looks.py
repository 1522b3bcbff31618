"""One-shot looks at a real scheduler, found in every way there is."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.program import Place, config_of, shell
from tests.faults.watching import wait_until

pytestmark = pytest.mark.slow

HOLD = shell('while [ ! -e ../../go-on ]; do sleep 0.05; done; echo done >"$2"')


@contextmanager
def serving(
    place: Place, data_dir: Path, *words: object
) -> Iterator["subprocess.Popen[str]"]:
    """Run a scheduler headless until the block ends; it has to end well.

    It may be just starting when the block begins: it only has its directory.
    """
    lock = data_dir / "run" / "lock"
    with place.start(*words, "--no-ui", "--data-dir", data_dir) as scheduler:
        try:
            while not (lock.exists() and lock.stat().st_size):
                assert scheduler.poll() is None
                time.sleep(0.02)
            yield scheduler
            scheduler.send_signal(signal.SIGTERM)
            assert scheduler.wait(60) == 0
        finally:
            scheduler.kill()


def tasks_running(place: Place, config: Path) -> int:
    running = place.run("ps", "--json", "--config-file", config).json
    return sum(len(nodes) for nodes in running.values())


def url_of(scheduler: "subprocess.Popen[str]") -> str:
    assert scheduler.stderr is not None
    for line in scheduler.stderr:
        if found := re.match(r"listening (http://\S+)", line):
            return found[1]
    raise AssertionError("it listened nowhere")


def test_a_scheduler_is_found_and_tells_everything(place: Place) -> None:
    job = {
        "command": HOLD,
        "level_for_tasks": "level1",
        "kill_subprocess": {"method": "kill"},
    }
    config = place.write_config(config_of(("hold", job), ("etl", job)))
    with serving(place, place.data, config, "--http-server-port", 0) as scheduler:
        # At once: one that is just starting is waited for.
        jobs = place.run("jobs", "--json", "--data-dir", place.data)
        assert (jobs.code, jobs.err) == (0, "")
        assert list(jobs.json) == ["hold", "etl"]
        url = url_of(scheduler)
        wait_until(lambda: tasks_running(place, config) == 3, "tasks run", 60)
        (blocked,) = place.run("tasks", "--status", "resource", "--json").json["tasks"]
        why = place.run("why", blocked["job"], blocked["node"], "--json", "--url", url)
        assert why.json["reason"] == "resource"
        assert len(why.json["holders"]) == 3
        workers = place.run("workers", "--json").json
        assert [one["shard"] for one in workers["workers"]] == ["local"]
        top = place.run("top", "--once")
        assert (top.code, top.err) == (0, "")
        assert "3/3" in top.out
        meant = place.run("why", "hodl", "node1")
        assert meant.code == 1
        assert "did you mean hold?" in meant.err
        with place.start("nodes", "--data-dir", place.data) as unread:
            assert unread.stdout is not None
            unread.stdout.close()
            assert unread.stderr is not None
            assert (unread.wait(60), unread.stderr.read()) == (0, "")
    assert place.run("ps", "--url", url).code == 5
    assert place.run("ps", "--config-file", config).code == 5
    assert os.listdir(place.path / "state" / "bistro-tui" / "live") == []


def test_of_several_schedulers_one_has_to_be_named(place: Place) -> None:
    config = place.write_config(config_of(("a", {"command": ["true"]})))
    other = place.path / "other"
    with (
        serving(place, place.data, config, "--dry-run"),
        serving(place, other, config, "--dry-run"),
    ):
        query = '{"it": {"handler": "errors"}}'
        for path in (place.data, other):
            answer = place.run("query", query, "--data-dir", path)
            assert answer.json == {"it": {"data": {}}}
        refused = place.run("errors", "--config-file", config)
        assert refused.code == 2
        for path in (place.data, other):
            assert f"--data-dir {path}  (pid " in refused.err
