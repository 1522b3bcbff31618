"""What the disk may hold after a power cut at any moment of a recorded run.

Whatever was synced by then is there. Each other write is there or not, one as likely as
the other, and of some only a part of their sectors; each name that was made or removed
since the last sync of its directory is so or not. That is harsher than most disks.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.statuses.store import StatusStore
from tests.engine.logs.builders import ManualClock
from tests.faults.disk_log import FLAGS, Change, DiskLog, read_log
from tests.faults.oracle import Task
from tests.faults.scripted import Scripted, Stored, lost, rows_of
from tests.faults.watching import Stalls, Watch

SECTOR = 512
TORN = 0.25
"""Of the writes that are there although nobody synced them."""
STATUSES = "statuses.sql3"
LOGS = "task_logs.sql3"
SYNCED_AFTER = 2.0
"""Seconds after which a line is on the disk."""
TABLES = ("stdout", "stderr", "statuses")

Rows = dict[str, dict[int, tuple[object, ...]]]
"""The rows of the log's tables, by table and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run with crashes, and what was in its log store in the end."""

    text: str
    data: Path
    stderr: Path
    lines: Rows
    stalls: Stalls
    """Time in which nobody could have synced anything."""

    def read(self, *, skip: str = "") -> DiskLog:
        """Return what it asked of the disk, as if syncs of some files were none."""
        return read_log(self.text, self.data, (STATUSES, LOGS), self.stderr, skip)


def record(
    directory: Path, runs: Sequence[tuple[int, str]], *, longer: float = 0
) -> Recording:
    """Record runs of one data directory, each with so many hosts and with a fault.

    Each takes so many seconds longer than it has to.
    """
    run = Scripted(directory, longer=longer)
    text, code, stalls = "", 0, Stalls()
    try:
        with Watch(stalls.look, stalls.LOOK_SEC):
            for hosts, injection in runs:
                run.grow(hosts)
                more = ["-e", f"inject={injection}"] if injection else []
                # A start that is not recorded would change the files behind the record.
                code, log = run.trace_with([*FLAGS, *more], is_resumed=False)
                text += log if log.endswith("\n") else f"{log}\n"
        assert code == 0, run.tail()
        run.finish()
        with closing(sqlite3.connect(run.place.data / LOGS)) as connection:
            lines = lines_of(connection)
    finally:
        run.clean_up()
    return Recording(
        text=text, data=run.place.data, stderr=run.log, lines=lines, stalls=stalls
    )


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What a number of images came to."""

    images: int = 0
    opened: int = 0
    """By the program too."""
    corrupt: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Statuses that had been shown."""
    log_gaps: list[str] = field(default_factory=list)
    """Lines that are missing before others, or that nobody wrote."""
    refused: list[str] = field(default_factory=list)
    """By the program."""
    missing_lines: int = 0
    """At the end of the log, the most of all images."""
    late: list[str] = field(default_factory=list)
    """Lines that are missing although they were older than ``SYNCED_AFTER``."""
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        return not self.first()

    def first(self) -> list[str]:
        """Return some of what is wrong."""
        found = (self.corrupt, self.lost, self.log_gaps, self.refused)
        return [one for some in found for one in some[:3]]


class PowerCuts:
    """Makes images of a recorded run and looks into them."""

    def __init__(
        self,
        log: DiskLog,
        recording: Recording,
        directory: Path,
        rng: random.Random,
        databases: Sequence[str],
    ) -> None:
        """``directory``: an empty one, best in memory."""
        self._databases = databases
        self._log = log
        self._lines, self._stalls = recording.lines, recording.stalls
        self._ids = {table: sorted(rows) for table, rows in self._lines.items()}
        self._directory = directory
        self._rng = rng
        self.verdict = Verdict()

    def cut(self, *, open_it: bool) -> None:
        """Make one image, of a random moment, and judge it."""
        at = self._rng.choice(self._log.moments)
        files = {
            name: content
            for name, content in image(self._log, at, self._rng).items()
            if name.startswith(tuple(self._databases))
        }
        self._write(files)
        self.verdict.images += 1
        where = f"line {at} ({', '.join(sorted(files)) or 'no file'})"
        if open_it:
            # First, so that it is the one that repairs what is to be repaired.
            self.verdict.opened += 1
            asyncio.run(self._open(where))
        for name in self._databases:
            if name in files:
                try:
                    self._look(name, at, where)
                except sqlite3.Error as error:
                    self.verdict.corrupt.append(f"{where}: {name}: {error}")
        if STATUSES not in files:
            self._judge_statuses({}, at, where)
        if LOGS not in files:
            self._judge_lines({}, at, where)

    def _write(self, files: dict[str, bytes]) -> None:
        for path in self._directory.iterdir():
            path.unlink()
        for name, content in files.items():
            (self._directory / name).write_bytes(content)

    def _look(self, name: str, at: int, where: str) -> None:
        with closing(sqlite3.connect(self._directory / name)) as connection:
            connection.execute("pragma synchronous = off")
            (verdict,) = connection.execute("pragma integrity_check").fetchone()
            if verdict != "ok":
                self.verdict.corrupt.append(f"{where}: {name}: {verdict}")
            elif name == STATUSES:
                self._judge_statuses(rows_of(connection), at, where)
            else:
                self._judge_lines(lines_of(connection), at, where)

    def _judge_statuses(self, stored: dict[Task, Stored], at: int, where: str) -> None:
        shown = [(word, task) for when, word, task in self._log.shown if when <= at]
        told = lost(shown, stored)
        self.verdict.lost += [f"{where}: {one}" for one in told[:1]]
        self.verdict.seen["with statuses"] += bool(stored)

    def _judge_lines(self, lines: Rows, at: int, where: str) -> None:
        missing = 0
        for table, ids in self._ids.items():
            there = lines.get(table, {})
            missing += len(ids) - len(there)
            old = {one for one in ids if self._age(one, at) >= SYNCED_AFTER}
            self.verdict.seen["old lines"] += len(old)
            if lost_ones := old - there.keys():
                self.verdict.late.append(f"{where}: {len(lost_ones)} of {table}")
            if sorted(there) != ids[: len(there)] or any(
                self._lines[table][one] != row for one, row in there.items()
            ):
                self.verdict.log_gaps.append(f"{where}: {table}")
        self.verdict.missing_lines = max(self.verdict.missing_lines, missing)
        self.verdict.seen["with log lines"] += any(lines.values())

    def _age(self, line_id: int, at: int) -> float:
        """Return how many seconds there were at least to sync a line."""
        # The id has whole seconds.
        since, now = (line_id >> 32) + 1, self._log.times[at]
        return now - since - self._stalls.between(since, now)

    async def _open(self, where: str) -> None:
        """Let the program open both, as it does at a start."""
        try:
            statuses = await StatusStore.open(
                self._directory / STATUSES, "task_statuses"
            )
            await statuses.load()
            await statuses.close()
            logs = await LogStore.open(self._directory / LOGS, clock=ManualClock())
            await logs.last_id()
            await logs.close()
        except DataDirUnusable as error:
            self.verdict.refused.append(f"{where}: {error}")


def image(log: DiskLog, at: int, rng: random.Random) -> dict[str, bytes]:
    """Return the files by name, as a power cut at that line may leave them."""
    names: dict[str, int] = {}
    for one in log.names:
        if one.at > at:
            break
        if _is_safe(one.safe_at, at) or rng.random() < 0.5:
            if one.file is None:
                names.pop(one.name, None)
            else:
                names[one.name] = one.file
    return {name: _content(log.files[file], at, rng) for name, file in names.items()}


def _is_safe(safe_at: int | None, at: int) -> bool:
    return safe_at is not None and safe_at <= at


def _content(changes: list[Change], at: int, rng: random.Random) -> bytes:
    content = bytearray()
    for one in changes:
        if one.at > at:
            break
        is_safe = _is_safe(one.safe_at, at)
        if not is_safe and rng.random() < 0.5:
            continue
        if one.content is None:
            content.extend(bytes(max(0, one.offset - len(content))))
            del content[one.offset :]
        elif is_safe or rng.random() >= TORN:
            _put(content, one.offset, one.content)
        else:
            _put_torn(content, one.offset, one.content, rng)
    return bytes(content)


def _put(content: bytearray, offset: int, part: bytes) -> None:
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(part)] = part


def _put_torn(content: bytearray, offset: int, part: bytes, rng: random.Random) -> None:
    """Put some of its sectors there."""
    end = offset + len(part)
    begin = offset
    while begin < end:
        stop = min(end, begin - begin % SECTOR + SECTOR)
        if rng.random() < 0.5:
            _put(content, begin, part[begin - offset : stop - offset])
        begin = stop


def lines_of(connection: sqlite3.Connection) -> Rows:
    """Return all rows of the log store's tables."""
    query = "select name from sqlite_master where type = 'table'"
    tables = {name for (name,) in connection.execute(query)}
    return {
        table: {
            line_id: tuple(row)
            for line_id, *row in connection.execute(
                f"select time_and_count, job_id, node_id, line from {table}"
            )
        }
        for table in TABLES
        if table in tables
    }
