"""A control group that allows only so many processes, with version 1 or 2."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bistro_tui.engine.processes.own_group import own_group
from tests.faults.needs import need

VERSION_1 = Path("/sys/fs/cgroup/pids")


class ProcessLimit:
    """Such a group."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def enter(self) -> None:
        """Move this process in; its later children are born there."""
        (self._path / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def used(self) -> int:
        """Processes and threads in it."""
        return int((self._path / "pids.current").read_text())

    @property
    def refusals(self) -> int:
        """How often a fork has failed for this limit."""
        words = (self._path / "pids.events").read_text().split()
        return int(words[words.index("max") + 1])

    def allow(self, number: int | None) -> None:
        """Set the limit; None lifts it."""
        word = "max" if number is None else str(number)
        (self._path / "pids.max").write_text(word)


@contextlib.contextmanager
def process_limit() -> Iterator[ProcessLimit]:
    """Make one without a limit yet, and remove it when it is empty."""
    parent = _parent()
    need(parent is not None, "a control group with the pids controller")
    assert parent is not None
    path = Path(tempfile.mkdtemp(prefix="bistro-faults-", dir=parent))
    try:
        yield ProcessLimit(path)
    finally:
        deadline = time.monotonic() + 60
        while path.exists():
            for pid in (path / "cgroup.procs").read_text().split():
                # What a failed test has left.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            with contextlib.suppress(OSError):
                path.rmdir()
            assert time.monotonic() < deadline, f"{path} is not empty"
            time.sleep(0.02)


def _parent() -> Path | None:
    if os.access(VERSION_1 / "cgroup.procs", os.W_OK):
        return VERSION_1
    group = own_group()
    if group is None:
        return None
    with contextlib.suppress(OSError):
        # Only a root group may have processes and hand on a controller.
        (group / "cgroup.subtree_control").write_text("+pids")
        return group
    return None
