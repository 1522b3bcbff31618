"""What a recorded run asked of the disk, and when it showed which status.

A record is strace's, with all bytes of all writes. Its order is the order of the calls;
one that took long is two lines, and counts from the first and is through at the second.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.oracle import Task
from tests.faults.scripted import shown_in

RECORDED = "openat,pwrite64,write,fdatasync,fsync,ftruncate,unlink,unlinkat,rename"
FLAGS = ["-xx", "-ttt", "-s", "100000000", "-e", f"trace={RECORDED}"]

_BEGUN = re.compile(r"(\d+) +([\d.]+) (\w+)\((.*)")
_RESUMED = re.compile(r"(\d+) +([\d.]+) <\.\.\. \w+ resumed>.*?\) += (-?\d+|\?)")
_UNFINISHED = " <unfinished ...>"
_RESULT = re.compile(r"\) += (-?\d+|\?)[^=]*$")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_ON_FILE = re.compile(r'\d+<([^>]*)>(?:, "([^"]*)")?(.*)')
_NAMED = re.compile(r'(?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"(.*)')


@dataclass(slots=True, kw_only=True)
class Change:
    """A write into a file, or its new length."""

    at: int
    """The line of the record."""
    offset: int
    """With no bytes: the length."""
    content: bytes | None
    safe_at: int | None = None
    """The line at which a sync of it was through."""
    is_doubtful: bool = False
    """A sync of it has failed; what a later one says of it is worth nothing."""


@dataclass(slots=True, kw_only=True)
class Named:
    """A file was made under a name, or a name was removed."""

    at: int
    name: str
    file: int | None
    """None: removed."""
    safe_at: int | None = None


@dataclass(slots=True, kw_only=True)
class DiskLog:
    """All that a power cut can take or leave, of the files whose names begin so."""

    names: list[Named] = field(default_factory=list)
    files: list[list[Change]] = field(default_factory=list)
    shown: list[tuple[int, str, Task]] = field(default_factory=list)
    """The line at which a status was shown, its word and its task."""
    moments: list[int] = field(default_factory=list)
    """The lines after which something else is on the disk or was shown."""
    times: dict[int, float] = field(default_factory=dict)
    """The wall second of each of these lines."""
    syncs: int = 0
    failed_syncs: int = 0

    @property
    def changes(self) -> int:
        return sum(map(len, self.files))


def read_log(
    text: str, data: Path, prefixes: Sequence[str], stderr: Path, skip: str = ""
) -> DiskLog:
    """Return what the record says of files in ``data``.

    ``skip``: the end of a file's name whose syncs are taken to do nothing.
    """
    return _Reader(data, prefixes, stderr, skip).read(text.splitlines())


@dataclass(slots=True)
class _Pending:
    name: str
    rest: str
    at: int


class _Reader:
    def __init__(
        self, data: Path, prefixes: Sequence[str], stderr: Path, skip: str
    ) -> None:
        self._data = str(data)
        self._starts = tuple(f"{data}/{prefix}" for prefix in prefixes)
        self._stderr = str(stderr)
        self._skip = skip
        self._log = DiskLog()
        self._live: dict[str, int] = {}
        """The file that a name means now."""
        self._sync_lines: list[int] = []

    def read(self, lines: Iterable[str]) -> DiskLog:
        pending: dict[str, _Pending] = {}
        times: dict[int, float] = {}
        for at, line in enumerate(lines):
            if found := _RESUMED.match(line):
                times[at] = float(found[2])
                if begun := pending.pop(found[1], None):
                    self._through(begun, at, found[3])
                continue
            if not (found := _BEGUN.match(line)):
                continue
            thread, time, name, rest = found.groups()
            times[at] = float(time)
            if rest.endswith(_UNFINISHED):
                begun = _Pending(name, rest.removesuffix(_UNFINISHED), at)
                pending[thread] = begun
                self._begun(begun)
            elif result := _RESULT.search(rest):
                begun = _Pending(name, rest[: result.start()], at)
                self._begun(begun)
                self._through(begun, at, result[1])
        log = self._log
        log.moments = [
            *(when for when, _, _ in log.shown),
            *(one.at for one in log.names),
            *(one.at for file in log.files for one in file),
            *self._sync_lines,
        ]
        log.times = {at: times[at] for at in log.moments}
        return log

    def _begun(self, call: _Pending) -> None:
        """Take in what may be on the disk as soon as it is asked for."""
        if call.name not in ("pwrite64", "write"):
            return
        found = _ON_FILE.match(call.rest)
        if found is None:
            return
        path = _text(found[1])
        if call.name == "write" and path == self._stderr:
            said = _bytes(found[2] or "").decode(errors="replace")
            for word, task in shown_in(said):
                self._log.shown.append((call.at, word, task))
        elif path in self._live:
            content = _bytes(found[2] or "")
            length, offset = (int(word) for word in found[3].split(",")[1:])
            assert len(content) == length, f"line {call.at}: not all is recorded"
            change = Change(at=call.at, offset=offset, content=content)
            self._log.files[self._live[path]].append(change)

    def _through(self, call: _Pending, at: int, result: str) -> None:
        """Take in what is known when the call returns."""
        if call.name in ("fdatasync", "fsync"):
            found = _ON_FILE.match(call.rest)
            # Nobody knows of one during which its process was killed.
            if found is not None and result != "?":
                self._synced(_text(found[1]), call.at, at, result == "0")
        elif result.startswith("-") or result == "?":
            return
        elif call.name == "ftruncate":
            found = _ON_FILE.match(call.rest)
            if found and (path := _text(found[1])) in self._live:
                size = int(found[3].rpartition(",")[2])
                change = Change(at=call.at, offset=size, content=None)
                self._log.files[self._live[path]].append(change)
        elif found := _NAMED.match(call.rest):
            path = _text(found[1])
            if not path.startswith(self._starts) or path.endswith("-shm"):
                return
            assert call.name != "rename", f"line {at}: a rename of a database"
            if call.name == "openat":
                if path not in self._live and "O_CREAT" in found[2]:
                    self._live[path] = len(self._log.files)
                    self._log.files.append([])
                    self._name(path, at)
            elif self._live.pop(path, None) is not None:
                self._name(path, at)

    def _name(self, path: str, at: int) -> None:
        file = self._live.get(path)
        name = path.rpartition("/")[2]
        self._log.names.append(Named(at=at, name=name, file=file))

    def _synced(self, path: str, began: int, at: int, is_good: bool) -> None:
        entries: Sequence[Change | Named] = ()
        if path == self._data:
            # SQLite does not look at the result of this one, so neither do we.
            entries, is_good = self._log.names, True
        elif path in self._live:
            entries = self._log.files[self._live[path]]
        else:
            return
        if self._skip and path.endswith(self._skip):
            return
        self._sync_lines.append(at)
        self._log.syncs += 1
        self._log.failed_syncs += not is_good
        for one in entries:
            if one.safe_at is not None or one.at >= began:
                continue
            if not is_good:
                if isinstance(one, Change):
                    one.is_doubtful = True
            elif not (isinstance(one, Change) and one.is_doubtful):
                one.safe_at = at


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _text(escaped: str) -> str:
    return _bytes(escaped).decode(errors="replace")
