"""Real processes as a run before leaves them, ended by pid when a test is over."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bistro_tui.engine.warden.tags import set_own_tag
from bistro_tui.engine.warden.tree import look

SEC = 30.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEC
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.002)


def is_alive(pid: int) -> bool:
    found = look(pid)
    return found is not None and found.state not in "ZX"


class Household:
    """Starts processes and ends exactly those."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._children: list[subprocess.Popen[bytes]] = []
        self._others: list[tuple[int, int]] = []

    def start(self, *argv: str, tag: int | None = None, mark: str | None = None) -> int:
        """Start the leader of a session, as a task's main process is."""
        environment = {"PATH": os.environ["PATH"]}
        if mark is not None:
            environment["BISTRO_INVOCATION"] = mark
        child = subprocess.Popen(
            argv,
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=None if tag is None else lambda: _tag_own(tag),
        )
        self._children.append(child)
        return child.pid

    def shell(
        self,
        script: str,
        *,
        names: int = 0,
        tag: int | None = None,
        mark: str | None = None,
    ) -> list[int]:
        """Start ``sh -c script``, which writes so many pids to the file ``$0``.

        Returns its own pid and those.
        """
        note = self._directory / f"pids{len(self._children)}"
        pid = self.start("sh", "-c", script, str(note), tag=tag, mark=mark)
        until(lambda: names == 0 or _lines(note) >= names)
        others = [int(word) for word in note.read_text().split()] if names else []
        self._others += [(one, _started(one)) for one in others]
        return [pid, *others]

    def reap(self) -> None:
        """Forget the dead ones."""
        for child in self._children:
            child.poll()

    def end(self) -> None:
        for pid, started in self._others:
            if _started(pid) == started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for child in self._children:
            child.kill()
            child.wait()


def household(directory: Path) -> Iterator[Household]:
    home = Household(directory)
    try:
        yield home
    finally:
        home.end()


@contextlib.contextmanager
def locked_by_child(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Have a process hold the lock of a file, as a warden does, until told to exit."""
    script = (
        "import fcntl, os, sys;"
        "fd = os.open(sys.argv[1], os.O_RDWR);"
        "fcntl.flock(fd, fcntl.LOCK_EX);"
        "print('locked', flush=True);"
        "sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        try:
            yield child
        finally:
            child.kill()


def _tag_own(tag: int) -> None:
    assert set_own_tag(tag)


def _lines(note: Path) -> int:
    return note.read_text().count("\n") if note.exists() else 0


def _started(pid: int) -> int:
    found = look(pid)
    return found.started if found is not None else -1
