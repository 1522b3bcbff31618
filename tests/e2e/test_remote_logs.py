"""What tasks print on two workers is read through their scheduler."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.program import Place, Started, config_of, shell
from tests.e2e.test_remote_worker import port_of, start_scheduler, stop, until

pytestmark = pytest.mark.slow

SCRIPT = (
    "echo begins $1; until [ -e ../go ]; do sleep 0.05; done;"
    " echo oops $1 >&2; echo failed >$2"
)
SETTINGS = {
    "nodes": {
        "levels": ["host"],
        "node_source": "manual",
        "node_source_prefs": {"n1": [], "n2": []},
    },
    "resources": {"worker": {"slots": {"limit": 1, "default": 1}}},
}
ALL = {"begins n1\n", "begins n2\n", "oops n1\n", "oops n2\n"}


@pytest.fixture
def workers(place: Place) -> Iterator[list[Started]]:
    """Give a scheduler and two workers that have a task each."""
    job = ("talk", {"command": shell(SCRIPT)})
    config = place.write_config(config_of(job, settings=SETTINGS))
    with ExitStack() as stack:
        scheduler = stack.enter_context(start_scheduler(place, config))
        port = port_of(place)
        made = [
            stack.enter_context(
                place.start(
                    *("worker", "--scheduler-host=::", "--scheduler-port", port),
                    *("--worker-command=/bin/false", "--heartbeat-period-sec=0.5"),
                    *(f"--shard-id={shard}", "--data-dir", place.path / shard),
                )
            )
            for shard in ("w1", "w2")
        ]
        try:
            yield made
        finally:
            for one in (scheduler, *made):
                if one.poll() is None:
                    stop(one)


def pages(place: Place, name: str) -> list[list[str]]:
    """Return the lines of a log, and the synthetic ones."""
    query = f'{{"a": {{"handler": "task_logs", "log_type": "{name}", "sort": "asc"}}}}'
    answer = place.run("query", query, "--data-dir", place.data)
    if answer.code:
        return []
    found: list[list[str]] = answer.json["a"].get("data", {}).get("lines", [])
    return found


def test_lines_of_workers_are_read_as_if_they_were_here(
    place: Place, workers: list[Started]
) -> None:
    until(lambda: len(pages(place, "stdout")) == 2)
    with place.start("logs", "-f", "--json", "--data-dir", place.data) as follower:
        assert follower.stdout is not None
        heard = [follower.stdout.readline() for _ in range(2)]
        for shard in ("w1", "w2"):
            (place.path / shard / "jobs" / "go").touch()
        heard += [follower.stdout.readline() for _ in range(2)]
        follower.terminate()
        follower.communicate(timeout=60)
    assert all(any(repr(text)[1:-1] in line for line in heard) for text in ALL)

    answer = place.run(
        *("query", '{"a": {"handler": "failures"}}', "--data-dir", place.data)
    )
    found = answer.json["a"]["data"]["failures"]
    assert {one["last_line"]["text"] for one in found} <= {"oops n1", "oops n2"}
    # The lines of a task are there before its end is shown.
    assert len(found) <= len(pages(place, "stderr"))

    stop(workers[0])
    until(lambda: len(pages(place, "stderr")) == 2)
    told = [line for line in pages(place, "stderr") if not line[0]]
    assert len(told) == 1
    assert told[0][4] == "-1"
    assert "w1" in told[0][3]
    logs = place.run("logs", "--stream", "stderr", "--data-dir", place.data)
    assert logs.code == 0
    assert "w1" in logs.err
    assert len(logs.out.splitlines()) == 1
    here = place.run("logs", "--data-dir", place.path / "w1")
    assert "begins" in here.out
