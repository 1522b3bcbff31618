"""What a service manager is told, and what nobody else is."""

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.cli.notify import ServiceManager, take_service_manager

PID = 4711


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Heard"]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.settimeout(5)
        if request.param == "path":
            listening.bind(str(tmp_path / "notify"))
            yield Heard(listening, str(tmp_path / "notify"))
        else:
            # The kernel chooses a free abstract name.
            listening.bind("")
            name = listening.getsockname()
            yield Heard(listening, "@" + os.fsdecode(name[1:]))


class Heard:
    """A manager's end of the socket."""

    def __init__(self, listening: socket.socket, address: str) -> None:
        self._listening = listening
        self.address = address

    def next(self) -> list[str]:
        return self._listening.recv(4096).decode().split("\n")

    def is_quiet(self) -> bool:
        self._listening.setblocking(False)
        try:
            self._listening.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._listening.settimeout(5)
        return False


def test_each_message_is_as_the_protocol_has_it(heard: Heard) -> None:
    manager = ServiceManager(heard.address)
    manager.ready("2 running")
    assert heard.next() == ["READY=1", "STATUS=2 running"]
    manager.reloading(12.5)
    assert heard.next() == ["RELOADING=1", "MONOTONIC_USEC=12500000"]
    manager.ready("2 running")
    assert heard.next() == ["READY=1"]
    manager.alive()
    assert heard.next() == ["WATCHDOG=1"]
    manager.stopping("ends")
    assert heard.next() == ["STOPPING=1", "STATUS=ends"]


def test_a_status_is_sent_when_it_is_new_and_is_one_line(heard: Heard) -> None:
    manager = ServiceManager(heard.address)
    manager.status("a\nREADY=1")
    assert heard.next() == ["STATUS=a READY=1"]
    manager.status("a\nREADY=1")
    manager.status("")
    assert heard.is_quiet()


def test_a_manager_that_is_gone_or_full_holds_nobody_up(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "gone")).ready("x")
    ServiceManager().ready("x")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(tmp_path / "full"))
        manager = ServiceManager(str(tmp_path / "full"))
        for _ in range(2_000):
            manager.alive()
        # Only as much as there was room for.
        listening.setblocking(False)
        heard = 0
        with contextlib.suppress(BlockingIOError):
            while listening.recv(100) == b"WATCHDOG=1":
                heard += 1
        assert 0 < heard < 2_000


def test_what_the_manager_said_to_us_is_taken_out_of_the_environment() -> None:
    environment = {
        "NOTIFY_SOCKET": "/run/notify",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(PID),
        "LISTEN_PID": str(PID),
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": "x",
        "PATH": "/bin",
    }
    manager = take_service_manager(environment, pid=PID)
    assert environment == {"PATH": "/bin"}
    assert manager.listens
    assert manager.watchdog_sec == 30.0


@pytest.mark.parametrize(
    ("usec", "pid", "sec"),
    [
        ("500000", "", 0.5),
        ("500000", str(PID), 0.5),
        ("500000", "1", None),
        ("0", "", None),
        ("-5", "", None),
        ("9" * 5_000, "", None),
        ("x", "", None),
    ],
)
def test_the_watchdog_counts_only_where_it_is_ours(
    usec: str, pid: str, sec: float | None
) -> None:
    environment = {
        "NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": usec, "WATCHDOG_PID": pid
    }  # fmt: skip
    assert take_service_manager(environment, pid=PID).watchdog_sec == sec


@pytest.mark.parametrize("address", ["", "x", "@", "/", "vsock:2:1234", "/a\0b"])
def test_an_address_that_is_none_is_nobody(address: str) -> None:
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "5"}
    manager = take_service_manager(environment, pid=PID)
    assert not manager.listens
    assert manager.watchdog_sec is None
    manager.ready("x")


@pytest.mark.parametrize(("watchdog", "pause"), [(None, 5.0), (4.0, 2.0), (60.0, 5.0)])
def test_a_watchdog_is_spoken_to_twice_in_its_time(
    watchdog: float | None, pause: float
) -> None:
    assert ServiceManager("@here", watchdog_sec=watchdog).pause_sec == pause
