"""A real warden, driven over its socket as a scheduler would."""

import fcntl
import itertools
import os
import random
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bistro_tui.engine.warden.tags import tag_of
from bistro_tui.engine.warden.wire import (
    STDOUT,
    TERM_WAIT_KILL,
    Decoder,
    Ended,
    Message,
    Output,
    Ready,
    Request,
    Setup,
    Start,
    encode,
)

ROOT = Path(__file__).parents[3]
BOOT = """\
import os, sys
sys.path.append(sys.argv.pop(1))
from bistro_tui.engine.warden.program import main
{before}
main(sys.argv[1:])
"""
UNTIL_END = ("sh", "-c", '"$@" & read line', "sh")
"""Runs a program below itself, and ends when its own input does."""
DEADLINE = 30.0

Kind = TypeVar("Kind", bound=Message)


class Driven:
    """A warden, and everything that it has said."""

    def __init__(
        self,
        directory: Path,
        *,
        descriptors: int = 0,
        cgroup: bytes = b"",
        before: str = "",
        below: Sequence[str] = (),
    ) -> None:
        """``before``: what the warden runs first, to find a worse world than ours.

        ``below``: a program that starts the warden and is its parent.
        """
        self.directory = directory
        self.journal = directory / "warden.journal"
        self.heard: list[Message] = []
        self._numbers = itertools.count(1)
        self._decoder = Decoder()
        self.socket, other = socket.socketpair()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        journal = os.open(self.journal, flags, 0o600)
        fcntl.flock(journal, fcntl.LOCK_EX)
        boot = BOOT.format(before=before)
        words = [*below, sys.executable, "-I", "-S", "-c", boot, str(ROOT)]
        words += [str(other.fileno()), str(journal), str(self.journal)]
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if below else subprocess.DEVNULL,
            pass_fds=(other.fileno(), journal),
            start_new_session=True,
        )
        other.close()
        os.close(journal)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.send(Setup(self.environment(), descriptors or hard, cgroup))
        self.ready = self.wait_for(Ready)

    @staticmethod
    def environment() -> tuple[tuple[bytes, bytes], ...]:
        return ((b"PATH", os.fsencode(os.environ["PATH"])), (b"HOME", b"/"))

    def send(self, *messages: Request) -> None:
        # Listening leaves a timeout behind that is short.
        self.socket.settimeout(DEADLINE)
        self.socket.sendall(encode(messages))

    def start(self, *argv: str, **words: Any) -> Start:
        """Ask for an attempt, with the words of ``wish``."""
        start = self.wish(*argv, **words)
        self.send(start)
        return start

    def wish(
        self,
        *argv: str,
        kill_method: int = TERM_WAIT_KILL,
        kill_wait: float = 5.0,
        timeout: float = 0.0,
        memory_max: int = 0,
        config: bytes = b"",
        directory: Path | None = None,
        env: Sequence[tuple[bytes, bytes]] = (),
    ) -> Start:
        """Return the request for an attempt, which names its files and its tag."""
        number = next(self._numbers)
        rand = random.getrandbits(63)
        name = self.directory / "status" / f"{number}-{rand:016x}"
        mark = f"BISTRO_INVOCATION={number}-{rand:016x}".encode()
        status_file = os.fsencode(f"{name}.status")
        return Start(
            number=number,
            tag=tag_of(rand),
            record=b'{"n":%d}' % number,
            argv=tuple(map(os.fsencode, argv)),
            environment=(*map(b"=".join, env), mark, b"S=" + status_file),
            directory=os.fsencode(directory or self.directory / "job"),
            status_file=status_file,
            config_file=os.fsencode(f"{name}.json") if config else b"",
            config=config,
            kill_method=kill_method,
            kill_wait=kill_wait,
            timeout=timeout,
            memory_max=memory_max,
            cpu_weight=0,
        )

    def shell(
        self, script: str, *, kill_wait: float = 5.0, timeout: float = 0
    ) -> Start:
        return self.start("sh", "-c", script, kill_wait=kill_wait, timeout=timeout)

    def listen(self, seconds: float) -> bool:
        """Take in what has been said; False at the end of it."""
        self.socket.settimeout(max(0.001, seconds))
        try:
            chunk = self.socket.recv(1 << 20)
        except TimeoutError:
            return True
        except ConnectionError:
            return False
        self.heard += self._decoder.feed(chunk)
        return bool(chunk)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [one for one in self.heard if isinstance(one, kind)]

    def wait_for(
        self,
        kind: type[Kind],
        condition: Callable[[Kind], bool] = lambda _: True,
    ) -> Kind:
        """Return the first such message; it must come within the deadline."""
        deadline = time.monotonic() + DEADLINE
        while True:
            for one in self.of(kind):
                if condition(one):
                    return one
            assert time.monotonic() < deadline, f"no {kind.__name__} in {self.heard}"
            assert self.listen(0.2), f"the warden is gone: {self.heard}"

    def end_of(self, start: Start) -> Ended:
        return self.wait_for(Ended, lambda one: one.number == start.number)

    def written_by(self, start: Start, stream: int = STDOUT) -> bytes:
        """Return all that the attempt has written, once it is over."""
        end = self.end_of(start)
        sent = [one for one in self.of(Output) if one.number == start.number]
        return b"".join(one.data for one in sent if one.stream == stream) + (
            end.stdout if stream == STDOUT else end.stderr
        )

    def vanish(self) -> int:
        """End the socket, as the scheduler's death does; return the exit code."""
        self.socket.close()
        return self.process.wait(DEADLINE)

    def end_parent(self) -> None:
        """End ``UNTIL_END``, if that is what the warden is below."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def close(self) -> None:
        self.socket.close()
        try:
            self.end_parent()
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()


def driven(
    directory: Path,
    *,
    descriptors: int = 0,
    cgroup: bytes = b"",
    before: str = "",
    below: Sequence[str] = (),
) -> Iterator[Driven]:
    warden = Driven(
        directory, descriptors=descriptors, cgroup=cgroup, before=before, below=below
    )
    try:
        yield warden
    finally:
        warden.close()


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def pid_in(path: Path) -> int:
    """Return the number that a task writes into a file, once it has."""
    deadline = time.monotonic() + DEADLINE
    while True:
        text = path.read_text() if path.exists() else ""
        if text.endswith("\n"):
            return int(text)
        assert time.monotonic() < deadline, f"nothing in {path}"
        time.sleep(0.005)
