"""The door to the operating system: one process a task, in a session of its own.

``Spawner`` and ``TaskProcess`` are all that the rest of the runner knows of processes,
so something else than this program may start and watch them.
"""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bistro_tui.engine.statuses.report import Exit

POLL_SEC = 0.02
"""How often a process is looked at where the kernel gives no descriptor for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnPlan:
    """What to execute, and where."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a task's main process ended."""

    exit: Exit
    core_dumped: bool = False

    @property
    def text(self) -> str:
        """``exited with status 0``, ``killed by signal 6 (core dumped)``, …."""
        return self.exit.text + (" (core dumped)" if self.core_dumped else "")


class TaskProcess(Protocol):
    """A started main process. It stays ours, alive or zombie, until ``reap``.

    Until then its pid, process group and session cannot mean anything else.
    """

    pid: int
    stdout: int
    """Read end of its pipe, not blocking; belongs to whoever reads it."""
    stderr: int

    def on_exit(self, callback: Callable[[ProcessEnd], None]) -> None:
        """Have ``callback`` called once, on the loop, when the process has ended."""
        ...

    def signal_group(self, number: int) -> None:
        """Send a signal to its whole process group; harmless when that is empty."""
        ...

    def reap(self) -> None:
        """Give the ended process back to the kernel."""
        ...


class Spawner(Protocol):
    """Starts processes."""

    def spawn(
        self,
        plan: SpawnPlan,
        on_spawned: Callable[[TaskProcess], None],
        on_failed: Callable[[str], None],
    ) -> None:
        """Start one process; exactly one callback is called, now or later.

        ``on_failed`` gets the reason in words.
        """
        ...


class LocalSpawner:
    """Starts children of this very process, without a shell and without fork().

    ``subprocess`` uses vfork as long as there is no ``preexec_fn``; a fork of a big
    scheduler would take tens of milliseconds a task.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def spawn(
        self,
        plan: SpawnPlan,
        on_spawned: Callable[[TaskProcess], None],
        on_failed: Callable[[str], None],
    ) -> None:
        """Start one process; the callback is called before this returns."""
        try:
            process = self._start(plan)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            on_failed(start_failure(error, plan))
        else:
            on_spawned(process)

    def _start(self, plan: SpawnPlan) -> "_LocalProcess":
        with contextlib.ExitStack() as stack:
            stdout, stdout_end = _pipe(stack)
            stderr, stderr_end = _pipe(stack)
            with _no_blocked_signals():
                child = subprocess.Popen(
                    plan.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout_end,
                    stderr=stderr_end,
                    cwd=plan.directory,
                    env=plan.environment,
                    start_new_session=True,
                )
            stack.pop_all()
        os.close(stdout_end)
        os.close(stderr_end)
        return _LocalProcess(self._loop, child, stdout, stderr)


class _LocalProcess:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        child: subprocess.Popen[bytes],
        stdout: int,
        stderr: int,
    ) -> None:
        self.pid = child.pid
        self.stdout = stdout
        self.stderr = stderr
        self._loop = loop
        self._child = child
        self._is_reaped = False

    def on_exit(self, callback: Callable[[ProcessEnd], None]) -> None:
        try:
            pidfd = os.pidfd_open(self.pid)
        except (OSError, AttributeError):
            self._poll(callback)
        else:
            self._loop.add_reader(pidfd, self._ended, pidfd, callback)

    def signal_group(self, number: int) -> None:
        if not self._is_reaped:
            # EPERM: nothing of the group is left that we may signal (setuid programs).
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def reap(self) -> None:
        self._is_reaped = True
        self._child.poll()

    def _ended(self, pidfd: int, callback: Callable[[ProcessEnd], None]) -> None:
        found = self._look()
        if found is not None:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
            callback(found)

    def _poll(self, callback: Callable[[ProcessEnd], None]) -> None:
        found = self._look()
        if found is None:
            self._loop.call_later(POLL_SEC, self._poll, callback)
        else:
            self._loop.call_soon(callback, found)

    def _look(self) -> ProcessEnd | None:
        """Return how the process ended, leaving it a zombie; None while it lives."""
        try:
            found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            return ProcessEnd(exit=Exit())
        if found is None:
            return None
        if found.si_code == os.CLD_EXITED:
            return ProcessEnd(exit=Exit(code=found.si_status))
        return ProcessEnd(
            exit=Exit(signal=found.si_status),
            core_dumped=found.si_code == os.CLD_DUMPED,
        )


def start_failure(error: Exception, plan: SpawnPlan) -> str:
    """Return why ``plan`` could not be executed, for the person who wrote it."""
    program = plan.argv[0]
    if not isinstance(error, OSError):
        return f"{program}: {error}"
    if error.filename is not None and error.filename == plan.directory:
        return f"working directory {plan.directory}: {error.strerror}"
    match error.errno:
        case errno.ENOENT if "/" not in program:
            return f"{program}: not found in PATH"
        case errno.ENOENT if os.path.lexists(program):
            return f"{program}: the interpreter of its #! line does not exist"
        case errno.ENOEXEC:
            return f"{program}: {error.strerror} (a script needs a #! line)"
        case errno.E2BIG:
            return f"{program}: {error.strerror} (arguments and environment together)"
        case errno.EMFILE | errno.ENFILE | errno.EAGAIN | errno.ENOMEM:
            return f"this host has no room for another process: {error.strerror}"
        case _:
            return f"{program}: {error.strerror or error}"


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    stack.callback(os.close, read_end)
    stack.callback(os.close, write_end)
    os.set_blocking(read_end, False)
    return read_end, write_end


@contextlib.contextmanager
def _no_blocked_signals() -> Iterator[None]:
    """Have children start with nothing blocked, whatever this thread blocks."""
    before = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
