"""posix_spawn of the C library, called so that a child starts with clean signals.

The library keeps signals 32 and 33 for itself and leaves them ignored in a child,
unless the set of those to be reset holds them; ``os.posix_spawn`` cannot name them.
"""

import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80
"""The same numbers in glibc and musl."""
_ROOM = 1_024
"""More bytes than any of the library's structures has."""
_SIGNAL_SET = 128

Strings: TypeAlias = "ctypes.Array[ctypes.c_char_p]"
"""Pointers to texts, a null pointer at the end; it keeps the texts alive."""


OURS = (
    b"BISTRO_JOB",
    b"BISTRO_NODE",
    b"BISTRO_STATUS_FILE",
    b"BISTRO_CONFIG",
    b"BISTRO_INVOCATION",
)
"""What every task gets a value of its own for."""


class Environment:
    """A list of entries, most of which are the same for every child."""

    def __init__(self, entries: Mapping[bytes, bytes]) -> None:
        self.entries = {
            name: value for name, value in entries.items() if name not in OURS
        }
        self._texts = [b"%s=%s" % entry for entry in self.entries.items()]
        number = self._number = len(self._texts)
        self._common = _strings(self._texts)
        self._size = number * ctypes.sizeof(ctypes.c_char_p)
        self._type = ctypes.c_char_p * (number + len(OURS) + 1)
        self._ours = slice(number, number + len(OURS))

    def merged(self, more: tuple[bytes, ...]) -> dict[bytes, bytes]:
        """Return names and values; ``more`` are entries that replace and add."""
        own = dict(entry.split(b"=", 1) for entry in more)
        return {**self.entries, **own}

    def with_more(self, more: tuple[bytes, ...]) -> Strings:
        """Return the same as the kernel takes it."""
        if len(more) != len(OURS):
            return _strings([b"%s=%s" % entry for entry in self.merged(more).items()])
        found = self._type()
        ctypes.memmove(found, self._common, self._size)
        found[self._ours] = list(more)
        return found


class NativeSpawn:
    """Starts a process in a session of its own. Not for more than one thread."""

    def __init__(self) -> None:
        """OSError or AttributeError where the library has nothing of the kind."""
        if not sys.platform.startswith("linux"):
            raise OSError("known on Linux only")
        library = ctypes.CDLL(None)
        self._spawn = library.posix_spawn
        self._begin = library.posix_spawn_file_actions_init
        self._add = library.posix_spawn_file_actions_adddup2
        self._end = library.posix_spawn_file_actions_destroy
        self._actions = ctypes.create_string_buffer(_ROOM)
        self._pid = ctypes.c_int()
        self._attributes = ctypes.create_string_buffer(_ROOM)
        every = ctypes.create_string_buffer(b"\xff" * _SIGNAL_SET, _SIGNAL_SET)
        none = ctypes.create_string_buffer(_SIGNAL_SET)
        library.posix_spawnattr_init(self._attributes)
        library.posix_spawnattr_setsigdefault(self._attributes, every)
        library.posix_spawnattr_setsigmask(self._attributes, none)
        flags = ctypes.c_short(_SETSIGDEF | _SETSIGMASK | _SETSID)
        if library.posix_spawnattr_setflags(self._attributes, flags):
            raise OSError("sessions are not known to posix_spawn here")

    def __call__(
        self,
        program: bytes,
        argv: tuple[bytes, ...],
        environment: Strings,
        stdout: int,
        stderr: int,
    ) -> int:
        """Return the pid; OSError if the program could not be executed."""
        if b"\0" in b"".join(argv):
            raise ValueError("embedded null byte")
        actions = self._actions
        self._begin(actions)
        try:
            self._add(actions, stdout, 1)
            self._add(actions, stderr, 2)
            error = self._spawn(
                ctypes.byref(self._pid),
                program,
                actions,
                self._attributes,
                _strings(argv),
                environment,
            )
        finally:
            self._end(actions)
        if error:
            raise OSError(error, os.strerror(error), program)
        return self._pid.value


def _strings(texts: Sequence[bytes]) -> Strings:
    return (ctypes.c_char_p * (len(texts) + 1))(*texts)
