"""Names of unix sockets in directories whose path is longer than a socket's may be."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 107
"""Bytes of a socket's path; the kernel has no room for more."""


@contextmanager
def unix_address(path: Path) -> Iterator[str]:
    """Give a name under which ``path`` can be bound and connected to inside the block.

    The path itself where it is short enough, else one through its directory, which
    stays open so long. Raises OSError where that directory cannot be opened.
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(path.parent, flags)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
