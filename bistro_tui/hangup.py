"""What becomes of the terminal when its other end is closed.

Imported also by those that never draw: it needs nothing of a UI.
"""

import os
import select


def terminal_is_gone(fd: int = 0) -> bool:
    """Return whether the other end of the terminal was closed."""
    poller = select.poll()
    poller.register(fd, 0)
    try:
        return any(
            event & (select.POLLHUP | select.POLLERR | select.POLLNVAL)
            for _, event in poller.poll(0)
        )
    except OSError:
        return True


def let_go_of_terminal() -> None:
    """Put the null device in the place of fds 0 to 2, if they are a terminal.

    Whatever is read or written afterwards, by whomever, neither fails nor spins.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        for fd in (0, 1, 2):
            if _was_terminal(fd):
                os.dup2(null, fd)
    finally:
        os.close(null)


def _was_terminal(fd: int) -> bool:
    try:
        os.ttyname(fd)
    except OSError:
        # A closed master makes isatty fail, but the device is still a terminal's.
        try:
            return os.major(os.fstat(fd).st_rdev) in range(136, 144)
        except OSError:
            return False
    return True
