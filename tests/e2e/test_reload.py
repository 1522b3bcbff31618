"""The config file is changed while the program runs tasks."""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

WAITS = shell('until [ -e "go.$1" ]; do sleep 0.05; done; echo done > "$2"')
"""Runs until its directory holds a file with the name of its node."""
AT_ONCE_SEC = 0.6
"""100 ms is promised; the rest is for a machine that is busy with other tests."""
TRIES = 5
"""Edits of which one has to be in force so soon: others may take both processors."""


class Served:
    """The program at work on ``config.json``, headless."""

    def __init__(self, place: Place, *flags: object) -> None:
        self.place = place
        self.config = place.path / "config.json"
        self.said = place.path / "stderr"
        with self.said.open("w") as stderr:
            self.process = place.start(
                *(self.config, "--no-ui", "--data-dir", place.data, *flags),
                stderr=stderr,
            )

    @property
    def text(self) -> str:
        return self.said.read_text()

    def until(self, condition: Callable[[], bool], within: float = 60) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.01)

    def swap(self, config: dict[str, Any] | str) -> None:
        """Put another config in place of the file, as a careful program does."""
        text = config if isinstance(config, str) else json.dumps(config)
        other = self.config.with_name("config.new")
        other.write_text(text)
        other.replace(self.config)

    def let_go(self, job: str, *nodes: str) -> None:
        for node in nodes:
            (self.place.data / "jobs" / job / f"go.{node}").touch()

    def started(self, job: str) -> int:
        rows = self.place.rows(
            "task_logs.sql3",
            "SELECT job_id FROM statuses WHERE line LIKE '%\"running\"%'",
        )
        return sum(name == job for (name,) in rows)

    def versions(self) -> list[int]:
        """Return the config versions that were in force, after the first."""
        return [int(n) for n in re.findall(r"config version (\d+) is in", self.text)]


@contextmanager
def served(place: Place, config: dict[str, Any], *flags: object) -> Iterator[Served]:
    place.write_config(config)
    one = Served(place, *flags)
    try:
        yield one
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(60) == 0
    finally:
        one.process.kill()
        one.process.communicate()


def running_pids(served: Served) -> set[int]:
    """Return the processes of the program's tasks: its wardens' children."""
    return {
        task for warden in _children(served.process.pid) for task in _children(warden)
    }


def _children(pid: int) -> set[int]:
    return {
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    }


def test_an_edit_is_in_force_at_once_and_running_tasks_go_on(place: Place) -> None:
    jobs = [("a", {"command": WAITS})]
    # No look from time to time shows it.
    with served(place, config_of(*jobs), "--config-update-ms", 3_600_000) as one:
        one.until(lambda: "serves with data" in one.text and one.started("a") == 3)
        held = running_pids(one)

        took = []
        for version in range(2, 2 + TRIES):
            jobs.append((f"b{version}", {"command": WAITS}))
            start = time.monotonic()
            one.swap(config_of(*jobs))
            one.until(lambda: one.versions()[-1:] == [version])  # noqa: B023 - called at once
            took.append(time.monotonic() - start)
            if took[-1] < AT_ONCE_SEC:
                break
            # Only the first edit after a quiet second is promised to be read at once.
            time.sleep(1.5)

        one.let_go("a", "node11", "node12", "node21", "node22")
        one.until(lambda: one.started("b2") >= 1)
        assert "incomplete_backoff" not in one.text
        assert len(held) == 3
    assert min(took) < AT_ONCE_SEC, took
    rows = place.rows("statuses.sql3", "SELECT job_id, result FROM task_statuses")
    assert [row for row in rows if row[0] == "a"] == [("a", 1)] * 4


def test_a_hundred_swaps_a_second_lose_and_kill_no_task_and_the_last_one_is_in_force(
    place: Place,
) -> None:
    def numbered(number: int) -> dict[str, Any]:
        """Return a config whose every part tells of the same number."""
        jobs = [(f"j{i}", {"enabled": False, "owner": f"v{number}"}) for i in range(50)]
        return config_of(
            ("held", {"command": WAITS}),
            *jobs,
            settings={"kill_orphan_tasks_after_sec": 0},
        )

    nodes = ("node11", "node12", "node21", "node22")
    with served(place, numbered(0)) as one:
        one.until(lambda: "serves with data" in one.text and one.started("held") == 3)
        held = running_pids(one)

        number = 0
        began = time.monotonic()
        # Some are read however long the changes go on.
        while (
            time.monotonic() < began + 3 or number < 100 or len(one.versions()) < 2
        ) and time.monotonic() < began + 60:
            number += 1
            one.swap(numbered(number))
            time.sleep(0.009)
        last = numbered(number + 1)
        last["bistro_job->last"] = {"owner": "t", "command": shell("echo done > $2")}
        one.swap(last)
        one.let_go("held", *nodes)

        one.until(
            lambda: len(place.rows("statuses.sql3", "SELECT 1 FROM task_statuses")) == 8
        )
        seconds = time.monotonic() - began
        assert number >= 100
        assert len(held) == 3
        # One at once, then one a second.
        assert 3 <= len(one.versions()) <= 2 + seconds
        assert "the config is bad" not in one.text
        one.until(lambda: one.started("held") == 4)
    statuses = place.rows(
        "statuses.sql3", "SELECT job_id, node_id, result FROM task_statuses"
    )
    assert sorted(statuses) == sorted(
        (job, node, 1) for job in ("held", "last") for node in nodes
    )


def test_a_config_that_is_deleted_for_a_while_kills_nothing(place: Place) -> None:
    config = config_of(("a", {"command": WAITS}))
    with served(place, config) as one:
        one.until(lambda: "serves with data" in one.text and one.started("a") == 3)
        one.config.unlink()
        one.until(lambda: "was deleted or moved away" in one.text)
        assert str(one.config) in one.text
        one.let_go("a", "node11", "node12", "node21", "node22")
        one.until(lambda: one.text.count("Got status done") == 3)
        assert one.started("a") == 3

        one.swap(config)
        one.until(lambda: one.text.count("Got status done") == 4)
        assert "incomplete_backoff" not in one.text
