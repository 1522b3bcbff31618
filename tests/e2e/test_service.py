"""The program as a service: what its manager is told, and what its tasks are not."""

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.program import PROGRAM, REPOSITORY, Place, config_of, shell
from tests.faults.needs import need_program

pytestmark = pytest.mark.slow

UNITS = (
    "bistro-tui@.service",
    "bistro-tui-user@.service",
    "bistro-tui-worker@.service",
)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def heard(manager: socket.socket, word: str) -> list[str]:
    """Return the first message that begins so; others on the way are no errors."""
    while True:
        lines = manager.recv(4096).decode().split("\n")
        if lines[0] == word:
            return lines
        assert lines[0].startswith(("WATCHDOG=", "STATUS=")), lines


def test_the_manager_hears_of_start_reload_life_and_end(
    place: Place, manager: socket.socket
) -> None:
    job = {"command": shell('env >.env; mv .env env; echo done > "$2"')}
    config = place.write_config(config_of(("job", job)))
    process = place.start(
        *(config, "--no-ui", "--data-dir", place.data),
        env={
            "NOTIFY_SOCKET": str(manager.getsockname()),
            "WATCHDOG_USEC": "400000",
            "LISTEN_FDS": "1",
        },
    )
    try:
        assert heard(manager, "READY=1")[1].startswith("STATUS=")
        heard(manager, "WATCHDOG=1")
        process.send_signal(signal.SIGHUP)
        (_, since) = heard(manager, "RELOADING=1")
        assert re.fullmatch(r"MONOTONIC_USEC=[0-9]+", since)
        heard(manager, "READY=1")
        heard(manager, "WATCHDOG=1")
        inherited = place.data / "jobs" / "job" / "env"
        until(inherited.exists)
        process.terminate()
        heard(manager, "STOPPING=1")
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert "asked to reload config and nodes" in said
    variables = inherited.read_text()
    assert "BISTRO_JOB=job" in variables
    assert not re.search(r"^(NOTIFY_|WATCHDOG_|LISTEN_)", variables, re.MULTILINE)


def is_quiet_at_last(manager: socket.socket) -> bool:
    """Return whether no more comes for a second; what is on its way may."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            manager.recv(4096)
        except TimeoutError:
            return True
    return False


def test_a_loop_that_does_not_turn_is_not_called_alive(
    place: Place, manager: socket.socket
) -> None:
    config = place.write_config(config_of(("job", {"command": shell("sleep 60")})))
    process = place.start(
        *(config, "--no-ui", "--data-dir", place.data),
        env={"NOTIFY_SOCKET": str(manager.getsockname()), "WATCHDOG_USEC": "200000"},
    )
    try:
        heard(manager, "READY=1")
        heard(manager, "WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        manager.settimeout(1)
        assert is_quiet_at_last(manager)
        manager.settimeout(60)
        process.send_signal(signal.SIGCONT)
        heard(manager, "WATCHDOG=1")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("is_closed", "number"), [(True, 5), (False, 150)], ids=["closed", "never read"]
)
def test_a_stderr_that_nobody_reads_ends_and_stops_nothing(
    is_closed: bool, number: int, place: Place
) -> None:
    job = {"command": shell('echo done > "$2"')}
    # Together they are more than a pipe takes.
    nodes: dict[str, list[str]] = {f"{node:0220}": [] for node in range(number)}
    settings = {
        "nodes": {
            "levels": ["host"],
            "node_source": "manual",
            "node_source_prefs": nodes,
        },
        "resources": {"instance": {"slots": {"limit": 50, "default": 1}}},
    }
    config = place.write_config(config_of(("job", job), settings=settings))
    process = place.start(
        *(config, "--no-ui", "--exit-when-done", "--json", "--data-dir", place.data)
    )
    assert process.stdout is not None
    assert process.stderr is not None
    if is_closed:
        process.stderr.close()
    assert process.wait(40) == 0
    assert f'"done": {number},' in process.stdout.read()
    process.stdout.close()
    process.stderr.close()


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_ones_that_systemd_takes(unit: str, tmp_path: Path) -> None:
    need_program("systemd-analyze")
    text = (REPOSITORY / "docs" / unit).read_text()
    assert re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE) in (
        ["/opt/bistro-tui/bin/bistro-tui"],
        ["%h/.local/bin/bistro-tui"],
    )
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={PROGRAM}", text, flags=re.MULTILINE)
    (tmp_path / unit).write_text(text)
    done = subprocess.run(
        [
            str(shutil.which("systemd-analyze")),
            "verify",
            "--man=no",
            *(["--user"] if "user" in unit else []),
            str(tmp_path / unit.replace("@.", "@nightly.")),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
