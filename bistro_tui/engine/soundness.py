"""Whether an SQLite file is whole, found out in a short time and without a trace."""

import contextlib
import os
import sqlite3
import struct
import threading
from pathlib import Path

from bistro_tui.engine.wal import Wal

CHECK_SEC = 1.0
"""How long a start looks; about 400 MB. What it did not come to shows when read."""

_SMALL_BYTES = 16 * 2**20
"""Looked at faster than a thread that limits it is made."""
CUT_OFF = "its last page is cut off"
_LAST_FRAME_AT = 16
"""In the WAL's index, in the order of bytes of this machine."""


def damage(
    connection: sqlite3.Connection,
    *,
    is_synced: bool,
    limit_sec: float = CHECK_SEC,
) -> str | None:
    """Return what is broken in a database that was opened to look; empty: nothing.

    None: nothing, as far as the time was enough to look.
    ``is_synced``: each of its commits was on disk before the next one began.
    """
    return unsaid_damage(connection, is_synced=is_synced) or check_pages(
        connection, limit_sec
    )


def check_pages(connection: sqlite3.Connection, limit_sec: float) -> str | None:
    """Return what SQLite finds broken; empty: nothing; None: the time was too short."""
    timer = threading.Timer(limit_sec, connection.interrupt)
    if _size(connection) > _SMALL_BYTES:
        timer.start()
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        if timer.is_alive():
            timer.cancel()
            timer.join()
    # The line before says in which of the attached databases it is.
    return "" if verdict == "ok" else str(verdict).splitlines()[-1]


def _size(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def unsaid_damage(connection: sqlite3.Connection, *, is_synced: bool) -> str:
    """Return what SQLite would not say; empty: nothing.

    It takes what follows damage in a WAL for unwritten, and what is missing of the last
    page for zeros.
    """
    # As bytes: the path need not be UTF-8.
    ((name,),) = connection.execute(
        "SELECT CAST(file AS BLOB) FROM pragma_database_list WHERE name = 'main'"
    ).fetchall()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    path = os.fsdecode(name)
    content = b""
    with contextlib.suppress(FileNotFoundError):
        content = Path(f"{path}-wal").read_bytes()
    wal = Wal(content, page_size)
    if path and _is_cut_off(path, page_size, wal):
        return CUT_OFF
    if not content:
        return ""
    if not wal.has_header and not wal.is_blank:
        return "the beginning of its -wal file is not as it was written"
    last = _last_frame(path, connection) if is_synced else None
    if last is not None and wal.transactions_beyond(last) > 1:
        return "its -wal file has commits after a broken place"
    return ""


def _is_cut_off(path: str, page_size: int, wal: Wal) -> bool:
    whole, rest = divmod(os.stat(path).st_size, page_size)
    # Where a checkpoint was broken off, the page counts as the WAL has it.
    return rest > 0 and all(frame.page != whole + 1 for frame in wal.committed())


def _last_frame(path: str, connection: sqlite3.Connection) -> int | None:
    """Return the number of the last frame that SQLite takes for written, if known."""
    # Whoever reads has had to find out, and keeps it in the index.
    connection.execute("BEGIN")
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with contextlib.suppress(OSError, struct.error):
            descriptor = _open_already(f"{path}-shm")
            if descriptor is not None:
                found = os.pread(descriptor, 4, _LAST_FRAME_AT)
                return int(struct.unpack("=I", found)[0])
    finally:
        connection.rollback()
    return None


def _open_already(path: str) -> int | None:
    """Return a descriptor of SQLite's own for that file; not to be closed.

    Whoever closes any descriptor of it ends all locks that this process has there. The
    next one to open the database then cuts the index off, and SIGBUS ends this process.
    """
    wanted = os.stat(path)
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(int(name)), wanted):
                return int(name)
    return None
