"""What a host is short of, in the words of who can raise the limit."""

import errno
import os
import resource


def lack(number: int) -> str:
    """Return ``Too many open files (ulimit -n 64)`` for an errno."""
    limit = _limit(number)
    return f"{os.strerror(number)} ({limit})" if limit else os.strerror(number)


def _limit(number: int) -> str:
    match number:
        case errno.EAGAIN:
            return "ulimit -u, or pids.max of a control group"
        case errno.EMFILE:
            return f"ulimit -n {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
        case errno.ENOSPC | errno.EDQUOT:
            return "disk full: starts paused until there is room again"
        case errno.ENFILE:
            return "all of the system: ulimit -n of others, or fs.file-max"
        case _:
            return ""
