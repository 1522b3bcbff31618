"""Starting a process: its own session, default signals, three descriptors."""

import contextlib
import errno
import os
import resource
import signal
from collections.abc import Mapping
from typing import NamedTuple

from bistro_tui.engine.warden import tags
from bistro_tui.engine.warden.native import Environment, NativeSpawn

_IGNORED = (signal.SIGKILL, signal.SIGSTOP)
_SIGNALS = [one for one in signal.valid_signals() if one not in _IGNORED]


class Child(NamedTuple):
    """A started process, and the read ends of its output."""

    pid: int
    stdout: int
    stderr: int


class Spawner:
    """Starts the children of this process.

    A vfork-class spawn: its cost does not depend on anybody's size. All descriptors of
    this process are closed on exec, and its standard ones are /dev/null.
    """

    def __init__(self, environment: Mapping[bytes, bytes]) -> None:
        """``environment``: the user's; the soft limit of descriptors is, too."""
        self._environment = Environment(environment)
        self._soft, self._hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._native: NativeSpawn | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._native = NativeSpawn()

    def raise_limit(self) -> None:
        """Let this process, and not its children, have what the hard limit allows."""
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._hard, self._hard))

    def spawn(
        self,
        argv: tuple[bytes, ...],
        more: tuple[bytes, ...],
        tag: int,
    ) -> Child:
        """Start one process, in the directory that was entered; OSError if it fails.

        ``more``: entries for its environment beside the user's, or in their place.
        """
        program = argv[0]
        if b"/" not in program:
            path = self._environment.merged(more).get(b"PATH", os.fsencode(os.defpath))
            program = _find(program, path)
        stdout, stdout_end = os.pipe()
        opened = [stdout, stdout_end]
        try:
            stderr, stderr_end = os.pipe()
            opened += (stderr, stderr_end)
            os.set_blocking(stdout, False)
            os.set_blocking(stderr, False)
            tags.set_own_tag(tag)
            pid = self._spawn(program, argv, more, stdout_end, stderr_end)
        except BaseException:
            for descriptor in opened:
                os.close(descriptor)
            raise
        os.close(stdout_end)
        os.close(stderr_end)
        return Child(pid, stdout, stderr)

    def _spawn(
        self,
        program: bytes,
        argv: tuple[bytes, ...],
        more: tuple[bytes, ...],
        stdout: int,
        stderr: int,
    ) -> int:
        is_raised = self._soft != self._hard
        if is_raised:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._soft, self._hard))
        try:
            if self._native is not None:
                environment = self._environment.with_more(more)
                return self._native(program, argv, environment, stdout, stderr)
            return os.posix_spawn(
                program,
                argv,
                self._environment.merged(more),
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, stdout, 1),
                    (os.POSIX_SPAWN_DUP2, stderr, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=_SIGNALS,
            )
        finally:
            if is_raised:
                self.raise_limit()


def enter(directory: bytes) -> None:
    """Go to a directory, made when missing; OSError when that fails."""
    try:
        os.chdir(directory)
    except FileNotFoundError:
        # Someone tidied up under us; the tasks should not suffer for it. The data
        # directory itself is not made: it may be somewhere else, and come back.
        for path in (os.path.dirname(directory), directory):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        os.chdir(directory)


def _find(word: bytes, path: bytes) -> bytes:
    """Return the program that a bare word means; OSError if ``path`` has none."""
    found = errno.ENOENT
    for directory in path.split(b":"):
        candidate = os.path.join(directory or b".", word)
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
        if os.path.isfile(candidate):
            found = errno.EACCES
    raise OSError(found, os.strerror(found), word)
