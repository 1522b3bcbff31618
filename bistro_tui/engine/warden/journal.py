"""What a warden has started and nobody has settled yet, in a file that outlives it.

Lines of text, appended and never synced: they must survive processes, not the host.

    B <boot id> <pid>            the warden's own, first of all
    C <path>                     the control group below which it makes all others
    S <number> <record>          about to start; the record is one line of JSON
    P <number> <pid> <ns> <ns>   started; boot time before and after
    N <number>                   could not be started
    F <number>                   settled: its status is in the store
    L                            the scheduler is gone: nothing more begins, this is all

Whoever holds the lock of the file (flock) is the warden that writes it.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable
from typing import NamedTuple

ROOM = 2 << 20
"""Bytes after which settled attempts are left out of a fresh file."""


class JournalEntry(NamedTuple):
    """An attempt that was not settled."""

    number: int
    record: bytes
    pid: int | None
    """None: it was about to start, and may have done so."""
    before: int
    """Nanoseconds since boot: the main process began between these two."""
    after: int


class JournalContent(NamedTuple):
    """What a journal says."""

    boot_id: str
    pid: int | None
    """The warden's."""
    cgroup: bytes
    """The control group above those of its attempts; empty: there is none."""
    unsettled: tuple[JournalEntry, ...]
    is_final: bool
    """Whether no attempt begins after these, although its warden may live."""
    damaged: int
    """Lines that could not be understood; a last one without its end is none."""


class Journal:
    """Writes one; the descriptor is open for appending and holds the lock."""

    def __init__(self, descriptor: int, path: str) -> None:
        """Its file is new and empty."""
        self._descriptor = descriptor
        self._first_path = self._path = path
        self._fresh = 0
        self._size = 0
        self._room = ROOM
        self._is_torn = False
        self._head = b""
        self._live: dict[int, bytes] = {}
        self._waiting: list[bytes] = []

    def begin(self, boot_id: str, pid: int) -> None:
        """Write the first line."""
        self._add_to_head(f"B {boot_id} {pid}\n".encode())

    def encloses(self, path: bytes) -> None:
        """Write where the control groups of its attempts are."""
        self._add_to_head(b"C %s\n" % path)

    def starting(self, number: int, record: bytes) -> None:
        """Write that an attempt is about to start; OSError, and it must not."""
        line = b"S %d %s\n" % (number, record)
        self._write(b"".join((*self._waiting, line)))
        self._waiting.clear()
        self._live[number] = line

    def started(self, number: int, pid: int, before: int, after: int) -> None:
        """Note that it has; written with the next lines."""
        line = b"P %d %d %d %d\n" % (number, pid, before, after)
        self._live[number] += line
        self._waiting.append(line)

    def not_started(self, number: int) -> None:
        """Note that it could not be."""
        self._forget(b"N %d\n", number)

    def settled(self, numbers: Iterable[int]) -> None:
        """Note that nobody has to ask for these any more."""
        for number in numbers:
            self._forget(b"F %d\n", number)

    def last(self) -> None:
        """Write that no attempt begins any more; OSError, and nobody knows."""
        # No fresh file: whoever reads that line in this one need not look for another.
        line = b"L\n"
        self._write(b"".join((*self._waiting, line)))
        self._waiting.clear()

    def flush(self) -> None:
        """Write what is noted. OSError: it is tried again with the next."""
        if not self._waiting:
            return
        self._write(b"".join(self._waiting))
        self._waiting.clear()
        if self._size > self._room:
            self._room = self._size + ROOM
            content = self._head + b"".join(self._live.values())
            if 2 * len(content) < self._size:
                # On a full disk the one that is there has to do.
                with contextlib.suppress(OSError):
                    self._begin_afresh(content)

    def close(self) -> None:
        """Remove the file if nothing in it is unsettled, and give the lock back."""
        if self._live:
            self.flush()
        else:
            os.unlink(self._path)
        os.close(self._descriptor)

    def _add_to_head(self, line: bytes) -> None:
        self._head += line
        self._waiting.append(line)
        self.flush()

    def _forget(self, form: bytes, number: int) -> None:
        if self._live.pop(number, None) is not None:
            self._waiting.append(form % number)

    def _write(self, lines: bytes) -> None:
        """Write all of it, or nothing and raise OSError."""
        if self._is_torn:
            self._mend()
        written = os.write(self._descriptor, lines)
        if written < len(lines):
            # Most likely a full disk.
            self._is_torn = True
            try:
                written += os.write(self._descriptor, lines[written:])
            except OSError:
                self._mend()
                raise
            if written < len(lines):
                self._mend()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
            self._is_torn = False
        self._size += written

    def _mend(self) -> None:
        """Take back the part of what could not be written as a whole.

        Half a line may say something else: ``F 12`` without its end settles another.
        """
        os.ftruncate(self._descriptor, self._size)
        self._is_torn = False

    def _begin_afresh(self, content: bytes) -> None:
        """Go on in a new file. Both are there for a moment, which harms nobody."""
        self._fresh += 1
        path = f"{self._first_path}.{self._fresh}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(descriptor, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            os.unlink(self._path)
        except OSError:
            os.unlink(path)
            os.close(descriptor)
            raise
        os.close(self._descriptor)
        self._descriptor, self._path, self._size = descriptor, path, len(content)
        self._room = ROOM + len(content)


def read_journal(path: str | os.PathLike[str]) -> JournalContent:
    """Return what the journal at ``path`` says. OSError if it cannot be read."""
    with open(path, "rb") as file:
        return parse_journal(file.read())


def parse_journal(content: bytes) -> JournalContent:
    """Return what a journal with that content says."""
    lines = content.split(b"\n")
    boot_id, pid, cgroup, is_final, damaged = "", None, b"", False, 0
    found: dict[int, JournalEntry] = {}
    # What follows the last newline was being written when the warden was killed.
    for line in lines[:-1]:
        kind, _, rest = line.partition(b" ")
        try:
            if kind == b"B":
                word, _, number = rest.partition(b" ")
                boot_id, pid = word.decode(), int(number)
            elif kind == b"C":
                cgroup = rest
            elif kind == b"S":
                number, _, record = rest.partition(b" ")
                entry = JournalEntry(int(number), record, None, 0, 0)
                found[entry.number] = entry
            elif kind == b"P":
                at, started, before, after = map(int, rest.split())
                found[at] = found[at]._replace(pid=started, before=before, after=after)
            elif kind in (b"N", b"F"):
                found.pop(int(rest), None)
            elif line == b"L":
                is_final = True
            else:
                damaged += 1
        except (ValueError, KeyError):
            damaged += 1
    unsettled = tuple(found.values())
    return JournalContent(boot_id, pid, cgroup, unsettled, is_final, damaged)
