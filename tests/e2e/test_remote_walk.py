"""The walk-throughs of the page about workers, as they stand there."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.program import PROGRAM, REPOSITORY, Place

pytestmark = pytest.mark.slow

PAGE = (REPOSITORY / "docs" / "remote.md").read_text(encoding="utf-8")


def blocks(title: str) -> list[str]:
    """Return what is to be typed in that section."""
    part = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"```(?:sh)?\n(.*?)```", part, re.DOTALL)


def free_ports(number: int) -> list[int]:
    with ExitStack() as until_known:
        found = []
        for _ in range(number):
            one = until_known.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            found.append(one.getsockname()[1])
        return found


def typed(place: Place, text: str) -> "subprocess.Popen[str]":
    """Type that into a terminal in the place, which is at home there."""
    path = f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}"
    quick = {"BISTRO_TUI_WORKER_CHECK_INTERVAL": "0.3"}
    return subprocess.Popen(
        ["/bin/bash", "-c", f"set -e\n{text}"],
        cwd=place.path,
        env=place.environment() | quick | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextmanager
def terminal(place: Place, text: str) -> "Iterator[subprocess.Popen[str]]":
    """Leave that running, and end it as Ctrl-C does."""
    process = typed(place, text)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


def answer(place: Place, text: str) -> str:
    process = typed(place, text)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, f"{text}\n{out}"
    return out


def is_done(place: Place) -> bool:
    """Return whether all is done; as long as no worker is there nothing can be."""
    process = typed(place, "bistro-tui wait --timeout 20")
    process.communicate(timeout=60)
    return process.returncode == 0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def test_two_terminals(place: Place) -> None:
    ports = dict(zip(("6789", "6790"), map(str, free_ports(2)), strict=True))
    prepare, scheduler, worker, look, again = (
        re.sub("6789|6790", lambda found: ports[found[0]], text)
        for text in blocks("Two terminals")
    )
    stop, _, scheduler_again = again.partition("\n")
    answer(place, prepare)
    listens = f"until (: >/dev/tcp/localhost/{ports['6789']}) 2>&-; do sleep 0.1; done"
    with terminal(place, scheduler):
        answer(place, listens)
        with terminal(place, worker):
            until(lambda: is_done(place))
            said = answer(place, look)
            assert re.search(r"^\S+ +HEALTHY ", said, re.MULTILINE), said
            assert "simple_job@node11 | I got these arguments: node11 " in said
            assert "stderr is also logged" in said
            assert '"running_tasks"' not in said
            assert '"my subquery":{"data":{"next_line_id":' in said
        answer(place, stop)
    with terminal(place, scheduler_again):
        answer(place, listens)
        with terminal(place, worker):
            until(lambda: is_done(place))
    assert (place.path / "bistro_worker" / "task_logs.sql3").exists()
    assert (place.path / "bistro_scheduler" / "statuses.sql3").exists()


def test_several_hosts(place: Place) -> None:
    (port,) = map(str, free_ports(1))
    here, there = (
        text.replace("6789", port)
        .replace("CONFIG", "demo.json")
        .replace("sched.example", "127.0.0.1")
        .splitlines()
        for text in blocks("Several hosts, in five commands")
    )
    assert [line.split()[0] for line in here] == ["pip", "bistro-tui", "scp"]
    assert [line.split()[0] for line in there] == ["pip", "bistro-tui"]
    answer(place, blocks("Two terminals")[0])
    (place.path / "demo_bistro_task.sh").rename(place.path / "task.sh")
    port_file = place.path / "DIR" / "run" / "worker.port"
    with terminal(place, here[1]):
        until(port_file.exists)
        # In place of scp: as if the other host were this one.
        answer(place, "cp DIR/secrets/worker.token .")
        assert " sha256:" in (place.path / "worker.token").read_text()
        with terminal(place, there[1]):
            until(lambda: is_done(place))
