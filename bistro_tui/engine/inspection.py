"""Databases that may be anybody's: looked at, and refused untouched if not ours."""

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import quote

from bistro_tui.engine.emptied import emptied
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.soundness import damage
from bistro_tui.engine.sqlite import BUSY_SEC, damaged, decode_text, unusable

APPLICATION_ID = 0x62545549
"""``bTUI``: marks the databases that we made."""

_HEADER = b"SQLite format 3\0"
_EMPTY_PAGE = 4_096
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NOT_OURS = "it was not touched; move it away to begin anew, or name another --data-dir"


class Foreign(Exception):
    """A look at a database shows that it is not one of ours; the text says why."""


Inspector: TypeAlias = Callable[[sqlite3.Connection], None]
"""Looks at an existing database, read-only; raises Foreign."""

Schema: TypeAlias = Callable[[sqlite3.Connection], Iterable[str]]
"""Gives the statements that an existing or empty database still needs."""

T = TypeVar("T")


def look(
    path: Path,
    *,
    version: int,
    inspect: Inspector,
    ask: Callable[[sqlite3.Connection], T],
) -> T | None:
    """Return what ``ask`` finds in a database that others may be writing to.

    None: there is no file, or an empty one. Nothing is written, nor made beside the
    file. Raises DataDirUnusable for a file that is not ours.
    """
    try:
        _refuse_odd(path)
        with _without_broken_off(path) as found:
            if problem := _wrong_beginning(path, found):
                raise damaged(path, problem)
            if not _beginning_of(found):
                return None
            with seen(found) as connection:
                connection.text_factory = decode_text
                _refuse_strange(path, connection, version)
                inspect(connection)
                return ask(connection)
    except FileNotFoundError:
        return None
    except Foreign as foreign:
        raise DataDirUnusable(path, str(foreign), _NOT_OURS) from None
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error


def wrong_beginning(path: Path) -> str:
    """Return why a start would refuse how the file begins; empty: it would not.

    SQLite itself looks at neither of it where there is a WAL. Raises OSError.
    """
    with _without_broken_off(path) as found:
        return _wrong_beginning(path, found)


@contextlib.contextmanager
def seen(path: Path) -> Iterator[sqlite3.Connection]:
    """Open read-only what may be open elsewhere, as it is at this moment."""
    with contextlib.ExitStack() as resources:
        path = resources.enter_context(_without_broken_off(path))
        wal, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
        is_empty = not path.stat().st_size
        if shared.exists() and not is_empty:
            uri = f"file:{quote(os.fsencode(path))}?mode=ro"
        elif wal.exists() and wal.stat().st_size:
            # SQLite would make the missing file, so it may do that to a copy.
            aside = Path(resources.enter_context(tempfile.TemporaryDirectory()))
            for one in (path, wal):
                shutil.copyfile(one, aside / one.name)
            if is_empty:
                # Beside an empty file SQLite would not look at a WAL.
                os.truncate(aside / path.name, _EMPTY_PAGE)
            uri = f"file:{quote(os.fsencode(aside / path.name))}?mode=ro"
        else:
            uri = f"file:{quote(os.fsencode(path))}?immutable=1"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SEC)
        yield resources.enter_context(contextlib.closing(connection))


def examine(
    path: Path,
    version: int,
    inspect: Inspector,
    schema: Schema,
    *,
    is_synced: bool,
) -> list[str]:
    """Return the statements that the database at ``path`` needs; it is made (0600).

    ``is_synced``: each commit of ours was on disk before the next one began.
    Raises DataDirUnusable for a file that is not ours, which stays as it was.
    """
    _refuse_odd(path)
    is_new = not path.exists()
    flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o600))
    with _without_broken_off(path) as found:
        if not is_new and (wrong := _wrong_beginning(path, found)):
            raise damaged(path, wrong)
        if not _beginning_of(found):
            with contextlib.closing(sqlite3.connect(":memory:")) as empty:
                return [f"PRAGMA application_id = {APPLICATION_ID}", *schema(empty)]
        with contextlib.closing(_connect_to_look(found)) as connection:
            connection.text_factory = decode_text
            is_ours = _refuse_strange(path, connection, version)
            if problem := damage(connection, is_synced=is_synced and is_ours):
                raise damaged(path, f"is damaged: {problem}")
            try:
                inspect(connection)
            except Foreign as foreign:
                raise DataDirUnusable(path, str(foreign), _NOT_OURS) from None
            return list(schema(connection))


@contextlib.contextmanager
def _without_broken_off(path: Path) -> Iterator[Path]:
    """Give a database as it is without the transaction that a crash broke off.

    SQLite takes that back when it opens the file, which here it does to a copy. We
    write with a rollback journal only until the file is one with a WAL.
    """
    journal = Path(f"{path}-journal")
    if not (journal.exists() and journal.stat().st_size):
        yield path
        return
    with tempfile.TemporaryDirectory() as aside:
        copy = Path(aside) / path.name
        # The journal first: if it is gone by now, the file is whole.
        for end in ("-journal", "", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{end}", f"{copy}{end}")
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
        yield copy


def _wrong_beginning(path: Path, found: Path) -> str:
    header = _beginning_of(found)
    if not header:
        return emptied(path)
    return "" if header == _HEADER else "is not an SQLite database"


def _beginning_of(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(len(_HEADER))


def _refuse_odd(path: Path) -> None:
    """Refuse what is no file, before an open could block on it or wake a device."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise DataDirUnusable(
            path,
            f"is {kind}, not a database",
            "it was not touched; move it away to begin anew",
        )


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """Open read-only, leaving no trace: not even a WAL file beside the database."""
    wal = Path(f"{path}-wal")
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    return sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?{mode}", uri=True, timeout=BUSY_SEC
    )


def _refuse_strange(path: Path, connection: sqlite3.Connection, version: int) -> bool:
    """Return whether the database is ours; an unmarked one may be of Bistro."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in {0, APPLICATION_ID}:
        raise DataDirUnusable(path, "is a database of another program", _NOT_OURS)
    if found > version:
        raise DataDirUnusable(
            path,
            f"was written by a newer bistro-tui (version {found}, this one knows"
            f" {version})",
            "it was not touched; use that newer program, or another --data-dir",
        )
    return bool(application == APPLICATION_ID)
