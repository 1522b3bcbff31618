"""A scheduler and a worker as two programs on one host, as a person starts them."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.program import REPOSITORY, Place, config_of, shell

pytestmark = pytest.mark.slow

QUICK = ("--worker-check-interval=0.2", "--healthcheck-period=1")
SIMPLE = REPOSITORY / "sample_configs" / "simple.json"


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def start_scheduler(
    place: Place, config: Path, *flags: str, port: str = "0"
) -> "subprocess.Popen[str]":
    where = ("--no-ui", "--data-dir", place.data, "--server-port", port)
    return place.start(config, *where, *QUICK, *flags)


def start_worker(place: Place, port: str) -> "subprocess.Popen[str]":
    # With the secret of the scheduler of the same user on this host.
    flags = ("--scheduler-host=::", "--scheduler-port", port, "--shard-id=w1")
    more = ("--worker-command=/bin/false", "--heartbeat-period-sec=0.5")
    return place.start("worker", *flags, *more, "--data-dir", place.path / "worker")


def port_of(place: Place) -> str:
    path = place.data / "run" / "worker.port"
    until(lambda: path.exists() and path.read_text())
    return path.read_text().strip()


def stop(process: "subprocess.Popen[str]") -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def test_a_worker_runs_the_sample_to_its_end(place: Place) -> None:
    with (
        start_scheduler(place, SIMPLE, "--exit-when-done") as scheduler,
        start_worker(place, port_of(place)) as worker,
    ):
        out, err = scheduler.communicate(timeout=60)
        code, said = stop(worker)

    assert scheduler.returncode == 0, err
    assert "8 done, 0 failed" in out
    assert "listening for workers localhost:" in err
    assert "was not started" not in err
    assert code == 0, said
    assert place.rows("statuses.sql3", "SELECT count(*) FROM task_statuses") == [(8,)]
    lines = "SELECT count(*) FROM stdout WHERE line LIKE '%step 4 of 4%'"
    assert place.rows("../worker/task_logs.sql3", lines) == [(4,)]


def test_a_scheduler_that_was_killed_finds_what_its_worker_runs(place: Place) -> None:
    script = (
        "echo $1 >>../starts; until [ -e ../go ]; do sleep 0.05; done; echo done >$2"
    )
    nodes = {"node_source": "manual", "node_source_prefs": {"n1": [], "n2": []}}
    settings = {"nodes": {"levels": ["host"], **nodes}}
    config = place.write_config(
        config_of(("a", {"command": shell(script)}), settings=settings)
    )
    starts = place.path / "worker" / "jobs" / "starts"
    with start_scheduler(place, config) as scheduler:
        port = port_of(place)
        with start_worker(place, port) as worker:
            until(lambda: starts.exists() and len(starts.read_text().split()) == 2)
            scheduler.kill()
            scheduler.communicate()
            again = start_scheduler(place, config, "--exit-when-done", port=port)
            with again:
                until(lambda: len(running(place)) == 2)
                (starts.parent / "go").touch()
                out, err = again.communicate(timeout=60)
            code, said = stop(worker)

    assert again.returncode == 0, err
    assert "2 done, 0 failed" in out
    assert code == 0, said
    assert sorted(starts.read_text().split()) == ["n1", "n2"]


def running(place: Place) -> list[str]:
    answer = place.run(
        *("query", '{"a": {"handler": "running_tasks"}}', "--data-dir", place.data)
    )
    if answer.code:
        return []
    found = answer.json["a"]["data"]
    return [node for nodes in found.values() for node in nodes]
