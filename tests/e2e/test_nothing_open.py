"""A fresh start opens no door."""

import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.program import Place, config_of, shell
from tests.faults.watching import children_of, wait_until

pytestmark = pytest.mark.slow

LISTENS = "0A"


def listening(pid: int) -> set[str]:
    """Return the TCP sockets on which a process listens, as their addresses."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            link = os.readlink(f"/proc/{pid}/fd/{name}")
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in inodes:
                found.add(fields[1])
    return found


def test_a_fresh_start_listens_nowhere(place: Place) -> None:
    job = {"command": shell("echo >>began; sleep 60")}
    config = place.write_config(config_of(("job", job)))
    flags = (config, "--no-ui", "--data-dir", place.data)
    with place.start(*flags, stderr=subprocess.DEVNULL) as scheduler:
        try:
            began = place.data / "jobs" / "job" / "began"
            wait_until(began.exists, "a task runs")
            time.sleep(0.2)  # whatever would open a door has had its time
            family = [scheduler.pid, *children_of(scheduler.pid)]
            assert len(family) > 1
            assert [listening(pid) for pid in family] == [set()] * len(family)
        finally:
            scheduler.kill()


def test_who_listens_would_be_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        assert f"0100007F:{port:04X}" in listening(os.getpid())
