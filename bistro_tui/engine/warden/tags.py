"""A mark that every descendant of a task carries and nobody sees: a resource limit.

Linux keeps a limit on file locks (number 10) that it has not looked at since 2.4.25.
Its soft value is inherited over fork, exec, setsid and a cleared environment, so a
number in it that is unique to the attempt finds a daemon that has cut all other ties.
"""

import resource

_LOCKS = 10
_FIRST = 1 << 61
"""No limit that a person sets is as high."""


def tag_of(rand: int) -> int:
    """Return the tag of an attempt from the random part of its invocation id."""
    return _FIRST | (rand & (_FIRST - 1))


def set_own_tag(tag: int) -> bool:
    """Give ``tag`` to this process, and so to its next children; False if refused."""
    try:
        resource.setrlimit(_LOCKS, (tag, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return False
    return True


def tag_at(pid: int) -> int | None:
    """Return the tag of a process; None if it is gone, not ours, or has none."""
    try:
        soft, _ = resource.prlimit(pid, _LOCKS)
    except (OSError, ValueError, AttributeError):
        return None
    return soft if soft >= _FIRST else None
