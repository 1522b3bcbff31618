"""The UI on a real terminal: signals, errors, a terminal that goes away."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_SECONDS = 60.0


class Terminal:
    """A pty with the program on it, and the screen that a person would see."""

    def __init__(self, what: str, directory: Path, **environment: str) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 42, 140, 0, 0))
        self.modes = termios.tcgetattr(self.slave)
        self.screen = pyte.Screen(140, 42)
        self.stream = pyte.ByteStream(self.screen)
        self.sent = b""
        self.outcome_file = directory / "outcome.json"
        self.program = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.ui.program",
                what,
                directory,
                self.outcome_file,
            ],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read(self) -> None:
        ready, _, _ = select.select([self.master], [], [], 0.05)
        if ready:
            with contextlib.suppress(OSError):
                data = os.read(self.master, 65536)
                self.sent += data
                self.stream.feed(data)

    def until(self, *words: str) -> None:
        deadline = time.monotonic() + _SECONDS
        while not all(word in self.shown for word in words):
            self.read()
            assert time.monotonic() < deadline, f"{words} not in:\n{self.shown}"

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not condition():
            self.read()
            assert time.monotonic() < deadline, f"never came true:\n{self.shown}"

    @property
    def shown(self) -> str:
        return "\n".join(self.screen.display)

    def ended(self) -> dict[str, Any]:
        """Wait for the end of the program and return the outcome of its UI."""
        deadline = time.monotonic() + _SECONDS
        while self.program.poll() is None:
            assert time.monotonic() < deadline, f"still there:\n{self.shown}"
            if self.master >= 0:
                self.read()
            else:
                time.sleep(0.02)
        assert self.program.returncode == 0
        if self.master >= 0:
            self.read()
        told: dict[str, Any] = json.loads(self.outcome_file.read_text())
        return told

    def assert_restored(self) -> None:
        assert termios.tcgetattr(self.slave) == self.modes
        for on, off in (
            (b"\x1b[?1049h", b"\x1b[?1049l"),
            (b"\x1b[?1003h", b"\x1b[?1003l"),
            (b"\x1b[?2004h", b"\x1b[?2004l"),
            (b"\x1b[?25l", b"\x1b[?25h"),
        ):
            assert self.sent.rfind(off) > self.sent.rfind(on), off

    def hang_up(self) -> None:
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        if self.master >= 0:
            self.hang_up()


@contextlib.contextmanager
def started(
    directory: Path, what: str = "nothing", **environment: str
) -> Iterator[Terminal]:
    terminal = Terminal(what, directory, **environment)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_engine_and_restores_the_terminal(
    number: signal.Signals, tmp_path: Path
) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7", "12")
        terminal.program.send_signal(number)
        told = terminal.ended()
        terminal.assert_restored()
    assert (told["end"], told["stop_signal"], told["stops"]) == ("stopped", number, 1)


def test_hang_up_ends_the_ui_alone_and_restores_a_terminal_that_is_there(
    tmp_path: Path,
) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        terminal.program.send_signal(signal.SIGHUP)
        told = terminal.ended()
        terminal.assert_restored()
    assert (told["end"], told["stops"]) == ("terminal_gone", 0)


def test_a_terminal_that_goes_away_ends_the_ui_alone(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        terminal.hang_up()
        told = terminal.ended()
    assert (told["end"], told["stops"]) == ("terminal_gone", 0)


def test_a_terminal_may_go_away_while_the_screen_is_left(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        terminal.press(b"\x1a")
        terminal.until("engine runs; Enter returns")
        terminal.hang_up()
        told = terminal.ended()
    assert (told["end"], told["stops"]) == ("terminal_gone", 0)


@pytest.mark.parametrize(
    ("what", "keys", "error"),
    [
        ("crash", b"j", "ZeroDivisionError: in an action"),
        ("render", b"", "ZeroDivisionError: while drawing"),
        ("worker", b"e", "ZeroDivisionError: in a worker"),
    ],
)
def test_an_error_ends_the_ui_alone_and_leaves_only_a_crash_file(
    what: str, keys: bytes, error: str, tmp_path: Path
) -> None:
    with started(tmp_path, what) as terminal:
        if keys:
            terminal.until("Jobs 7")
            terminal.press(keys)
        told = terminal.ended()
        terminal.assert_restored()
        left = terminal.sent.rpartition(b"\x1b[?1049l")[2]
    assert (told["end"], told["stops"]) == ("crashed", 0)
    assert error in told["error"]
    crash_file = Path(told["crash_file"])
    assert crash_file.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in crash_file.read_text()
    assert error in crash_file.read_text()
    assert b"Traceback" not in left
    assert b"Error" not in left
    assert left.rstrip().endswith(b"after")


def test_ctrl_z_leaves_the_screen_and_enter_comes_back(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        terminal.press(b"\x1a")
        terminal.until("engine runs; Enter returns")
        terminal.assert_restored()
        status = Path(f"/proc/{terminal.program.pid}/stat").read_text()
        assert status.rpartition(")")[2].split()[0] != "T"
        terminal.screen.reset()
        terminal.press(b"\n")
        terminal.until("Jobs 7", "Running 9")
        terminal.press(b"qq")
        told = terminal.ended()
        terminal.assert_restored()
    assert (told["end"], told["stops"]) == ("quit", 1)


def test_a_stop_signal_of_job_control_never_stops_the_process(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        terminal.program.send_signal(signal.SIGTSTP)
        terminal.until("engine runs; Enter returns")
        terminal.program.send_signal(signal.SIGTERM)
        told = terminal.ended()
        terminal.assert_restored()
    assert told["end"] == "stopped"


def test_ctrl_c_is_a_key_that_quits_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        terminal.press(b"\x03")
        terminal.until("ctrl+c does not quit here")
        terminal.program.send_signal(signal.SIGTERM)
        assert terminal.ended()["stops"] == 1


def test_without_colour_no_colour_is_sent(tmp_path: Path) -> None:
    with started(tmp_path, NO_COLOR="1") as terminal:
        terminal.until("Jobs 7")
        terminal.program.send_signal(signal.SIGTERM)
        terminal.ended()
    assert not re.search(rb"\x1b\[[\d;]*(?:38|48);[25];[\d;]*m", terminal.sent)


def test_a_storm_of_sizes_is_drawn_at_its_end(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.until("Jobs 7")
        for number in range(300):
            size = (1 + number % 60, 1 + number * 7 % 200)
            packed = struct.pack("HHHH", *size, 0, 0)
            fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, packed)
            terminal.program.send_signal(signal.SIGWINCH)
            terminal.read()
        packed = struct.pack("HHHH", 42, 140, 0, 0)
        fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, packed)
        terminal.screen.reset()
        terminal.program.send_signal(signal.SIGWINCH)
        terminal.until("Jobs 7", "? help")
        terminal.program.send_signal(signal.SIGTERM)
        assert terminal.ended()["end"] == "stopped"


def test_what_others_write_to_the_terminal_is_logged_and_not_shown(
    tmp_path: Path,
) -> None:
    with started(tmp_path, "strays") as terminal:
        terminal.until("Jobs 7")
        log = tmp_path / "log"
        terminal.wait_until(lambda: "stray 7" in log.read_text())
        assert "stray" not in terminal.shown
        assert "Jobs 7" in terminal.shown
        terminal.program.send_signal(signal.SIGTERM)
        terminal.ended()
        terminal.assert_restored()
    assert b"stray" not in terminal.sent
    logged = log.read_text()
    for number in (1, 2, 3, 6, 7):
        assert f"stray {number}" in logged
    assert "\x1b" not in logged
