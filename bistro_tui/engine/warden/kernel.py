"""What is asked of Linux for this process, and Python has no name for."""

import ctypes
import sys

_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36


def become_subreaper() -> bool:
    """Have orphans among our descendants become our children; False if refused."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def be_called(name: bytes) -> None:
    """Have ``ps`` show this process under a name of up to 15 bytes."""
    _prctl(_PR_SET_NAME, name)


def _prctl(option: int, argument: int | bytes) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        found = ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return bool(found == 0)
