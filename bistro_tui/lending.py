"""Another program on our terminal for a while: an editor, a pager.

It stays in our process group, so that the terminal is its own too; the signals that
the terminal then sends to the group are meant for it, not for us.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

_PATIENCE_SEC = 2.0


class Lending:
    """Runs at most one program on the terminal."""

    def __init__(self) -> None:
        self._program: asyncio.subprocess.Process | None = None

    async def run(self, command: Sequence[str]) -> str:
        """Run it to its end; return what went wrong in a few words, raw, or nothing.

        Given up, it is asked to end, which editors take as a reason to save.
        """
        name = Path(command[0]).name
        terminal = _terminal()
        try:
            self._program = program = await asyncio.create_subprocess_exec(
                *command, stdin=terminal, stdout=terminal, stderr=terminal
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            return f"{command[0]}: {str(reason).lower()}"
        finally:
            os.close(terminal)
        try:
            status = await program.wait()
        except asyncio.CancelledError:
            await _end(program)
            raise
        finally:
            self._program = None
        if status < 0:
            return f"{name} was killed by signal {-status}"
        return f"{name} exited with status {status}" if status else ""

    def takes(self, number: int) -> bool:
        """Return whether a signal to us was meant for the program."""
        program = self._program
        if program is None or number not in (signal.SIGINT, signal.SIGTSTP):
            return False
        if number == signal.SIGTSTP:
            # It stopped itself by it, and no shell is there to let it go on.
            with contextlib.suppress(ProcessLookupError):
                program.send_signal(signal.SIGCONT)
        return True


def _terminal() -> int:
    """Return a descriptor of the terminal, also where stdout is a pipe."""
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return os.dup(0)


async def _end(program: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        program.terminate()
        try:
            await asyncio.wait_for(program.wait(), _PATIENCE_SEC)
        except TimeoutError:
            program.kill()
