"""One-shot commands act on a scheduler that runs, and wait for it."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

WAITS = shell('until [ -e "go.$1" ]; do sleep 0.02; done; echo done > "$2"')
"""Runs until its directory holds a file with the name of its node."""
ONE_NODE = {
    "nodes": {
        "levels": ["host"],
        "node_source": "manual",
        "node_source_prefs": {"n1": []},
    }
}


def until(condition: Callable[[], Any], within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def has_socket(pid: int) -> bool:
    with contextlib.suppress(OSError):
        for one in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(one).startswith("socket:"):
                return True
    return False


class Served:
    """A scheduler on ``data``, and commands that ask it."""

    def __init__(self, place: Place, *flags: str, **jobs: dict[str, Any]) -> None:
        self.place = place
        self.config = place.write_config(config_of(*jobs.items(), settings=ONE_NODE))
        self.said = place.path / "stderr"
        with self.said.open("w") as stderr:
            self.process = place.start(
                self.config, "--no-ui", "--data-dir", place.data, *flags, stderr=stderr
            )
        until((place.data / "run" / "api.sock").exists)

    def ask(self, *words: str) -> int:
        return run([*words, "--data-dir", str(self.place.data)])

    def let_go(self, job: str) -> None:
        directory = self.place.data / "jobs" / job
        until(directory.exists)
        (directory / "go.n1").touch()

    def job(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.config.read_text())[
            f"bistro_job->{name}"
        ]
        return found

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture
def serve(place: Place) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*flags: str, **jobs: dict[str, Any]) -> Served:
        started.append(Served(place, *flags, **jobs))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_tasks_are_ended_forgiven_and_jobs_switched(
    serve: Callable[..., Served],
) -> None:
    served = serve(
        job={"command": WAITS, "kill_subprocess": {"method": "kill"}},
        bad={"command": shell('echo x >>ran; echo failed > "$2"')},
    )
    ran = served.place.data / "jobs" / "bad" / "ran"
    # Before its end is heard there is nothing to forgive.
    until(lambda: "Got status failed from task bad" in served.said.read_text())
    assert served.ask("forgive", "bad") == 0
    until(lambda: len(ran.read_text().split()) == 2)
    assert served.ask("disable", "job", "bad") == 0
    assert served.job("job")["enabled"] is False
    assert served.ask("kill", "job", "n1") == 0
    assert served.ask("wait", "--until", "idle", "--timeout", "60") == 0
    assert served.ask("kill", "job", "n1") == 1
    assert served.stop() == 0
    assert served.ask("forgive", "bad") == 0
    assert served.ask("enable", "job") == 5
    rows = served.place.rows(
        "statuses.sql3", "SELECT result FROM task_statuses WHERE job_id = 'bad'"
    )
    assert rows == [(0,)]


def test_who_waits_hears_of_the_end_of_a_batch_that_then_is_gone(
    serve: Callable[..., Served],
) -> None:
    code, out, err = waited_for(serve, "job0")
    for number in range(1, 4):
        # That it is asked shows nowhere: on a slow machine it may come too late.
        if code == 5:
            code, out, err = waited_for(serve, f"job{number}")
    assert (code, err) == (0, "")
    assert json.loads(out)["is_done"] is True


def waited_for(serve: Callable[..., Served], job: str) -> tuple[int, str, str]:
    """Have a batch end while a program waits for that; return what it said."""
    served = serve("--exit-when-done", **{job: {"command": WAITS}})
    waiting = served.place.start("wait", "--json", "--data-dir", served.place.data)
    until(lambda: has_socket(waiting.pid))
    until(lambda: served.ask("wait", "--timeout", "0") == 1)
    served.let_go(job)
    out, err = waiting.communicate(timeout=60)
    assert served.process.wait(60) == 0
    return waiting.returncode, out, err


def test_an_interrupted_wait_is_exit_code_130(serve: Callable[..., Served]) -> None:
    served = serve(job={"command": WAITS})
    waiting = served.place.start("wait", "--data-dir", served.place.data)
    until(lambda: connected(waiting.pid))
    waiting.send_signal(2)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    assert served.stop() == 0


def connected(pid: int) -> bool:
    """Whether a process has a socket open, as one that asks has."""
    descriptors = Path(f"/proc/{pid}/fd")
    try:
        return any("socket:" in str(one.readlink()) for one in descriptors.iterdir())
    except OSError:
        return False


def test_the_past_is_the_same_over_tcp(
    serve: Callable[..., Served], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    served = serve(
        *("--http-server-port", "0"),
        job={"command": shell('printf "a\\n\\377b\\n"; echo c >&2; echo done > "$2"')},
    )
    assert served.ask("wait", "--timeout", "60") == 0
    noted = served.place.data / "run" / "http.port"
    until(noted.exists)
    port = noted.read_text().strip()
    for words in (
        ["logs", "--json"],
        ["logs", "--merge", "job", "n1", "--grep", "B", "--ignore-case"],
        ["logs", "--raw", "-n", "2"],
        ["logs", "--stream", "statuses"],
        ["history", "--json"],
        ["history", "job", "n1", "--status", "done"],
    ):
        assert run([*words, "--url", f"http://127.0.0.1:{port}"]) == 0
        there = capfdbinary.readouterr()
        assert run([*words, "--data-dir", str(served.place.data)]) == 0
        assert there == capfdbinary.readouterr()
        assert there.out
        assert there.err == b""
    assert served.stop() == 0
