"""The data directory: made private, owned by one scheduler at a time.

Holds ``run/`` (lock, name of the directory for status files), ``jobs/`` (working
directories of tasks) and the databases.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import string
import time
from pathlib import Path
from urllib.parse import quote_from_bytes

import platformdirs

from bistro_tui.engine.database_files import LONGEST_DIRECTORY
from bistro_tui.engine.errors import DataDirHeld, DataDirUnusable, DiskFull
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.owner import (
    LONGEST_NOTE,
    NO_NOTE,
    Owner,
    in_words,
    is_gone,
    note_of,
)
from bistro_tui.engine.sqlite import is_out_of_space

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
MEMORY_ROOT = Path("/dev/shm")

_PASSING_SEC, _LOOK_SEC = 0.3, 0.01
"""How long somebody who is no scheduler may have a lock, and how often we look."""
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)

_LONGEST_NAME = 200
"""Bytes; file systems allow 255."""
_SAFE_IN_ENCODED = string.ascii_letters + string.digits + "._-~ "


def default_data_dir(config_path: Path) -> Path:
    """Return the data directory of a config: one for each absolute path.

    ``<state dir of the user>/bistro-tui/NAME-HASH``; a symlink to a config has a
    directory of its own.
    """
    absolute = Path(os.path.abspath(config_path))
    digest = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9._-]", "_", absolute.stem)[:60].lstrip(".-")
    return state_dir() / f"{name or 'config'}-{digest}"


def state_dir() -> Path:
    """Return where this user's data directories lie unless another place is named."""
    return platformdirs.user_state_path("bistro-tui", appauthor=False)


def job_dir_name(job: JobName) -> str:
    """Return the file name that stands for a job; two jobs never share one.

    A name that is safe stands for itself. Others begin with ``%``: percent-encoded,
    or ``%#`` and a SHA-256 when too long for a file name.
    """
    raw = job.encode("utf-8", "surrogatepass")
    is_plain = (
        0 < len(raw) <= _LONGEST_NAME
        and job.isprintable()
        and "/" not in job
        and job[0] not in "%-"
        and job not in {".", ".."}
    )
    if is_plain:
        return job
    encoded = "%" + quote_from_bytes(raw, safe=_SAFE_IN_ENCODED)
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    return "%#" + hashlib.sha256(raw).hexdigest()


class DataDir:
    """An open data directory; nobody else can open it until ``close``.

    The lock is the kernel's: it ends with the process, however that ends.
    """

    def __init__(
        self, path: Path, *, host: str, now: float, config: Path | None = None
    ) -> None:
        """Make or check the directory at ``path`` and take its lock.

        ``host``, ``now`` (wall seconds) and ``config`` are what others are told of
        this scheduler. Raises DataDirUnusable or DataDirHeld; a directory that is
        refused is left as it was found.
        """
        self.path = Path(os.path.abspath(path))
        self.run = self.path / "run"
        self.jobs = self.path / "jobs"
        self.status_files = self.run
        """Where status files lie: a directory in memory, else ``run``."""
        self.is_new = False
        """Whether no program has used it before this one."""
        self.warnings: list[str] = []
        """What a person should be told of a directory that is used nevertheless."""
        self._held: list[int] = []
        self._has_memory = False
        try:
            self._check_top()
            _make_private(self.run)
            self._lock(host, now, config)
            with contextlib.suppress(FileExistsError):
                self.jobs.mkdir(PRIVATE_DIR)
                self.is_new = True
            self._choose_status_files()
        except (OSError, ValueError) as error:
            self.close()
            if is_out_of_space(error):
                raise DiskFull(self.path, _reason(error)) from error
            raise DataDirUnusable(
                self.path,
                f"cannot be used as data directory: {_reason(error)}",
                "make it writable for you, or name another one with --data-dir",
            ) from error
        except BaseException:
            self.close()
            raise

    def job_dir(self, job: JobName) -> Path:
        """Return the working directory of a job's tasks, made when missing.

        Raises OSError when it cannot be made.
        """
        path = self.jobs / job_dir_name(job)
        try:
            path.mkdir(PRIVATE_DIR)
        except FileExistsError:
            if not path.is_dir():
                raise
        except FileNotFoundError:
            # Someone tidied up under us; the tasks should not suffer for it.
            with contextlib.suppress(FileExistsError):
                self.jobs.mkdir(PRIVATE_DIR)
            path.mkdir(PRIVATE_DIR)
        return path

    def secrets_dir(self) -> Path:
        """Return the directory for what nobody else may read, made when missing.

        Raises OSError or DataDirUnusable.
        """
        path = self.path / "secrets"
        _make_private(path)
        return path

    def status_files_dir(self) -> Path:
        """Return ``status_files``, made again when something cleaned it away.

        Raises OSError when it cannot be made, or is not ours any more.
        """
        with contextlib.suppress(FileExistsError):
            self.status_files.mkdir(PRIVATE_DIR)
        found = self.status_files.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{self.status_files}: is not a directory of yours")
        return self.status_files

    def close(self) -> None:
        """Let another scheduler have the directory; harmless when repeated."""
        if self._held and self._has_memory:
            # Only this very directory, only while it is ours, and only if no status
            # is left in it; a restart makes it again under the recorded name.
            with contextlib.suppress(OSError):
                self.status_files.rmdir()
        while self._held:
            os.close(self._held.pop())

    def _check_top(self) -> None:
        self._check_length()
        make_with_parents(self.path)
        found = self.path.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise DataDirUnusable(
                self.path,
                "is not a directory",
                "move that file away, or name another place with --data-dir",
            )
        if found.st_uid != os.geteuid():
            raise DataDirUnusable(
                self.path,
                f"belongs to another user (uid {found.st_uid}, you are {os.geteuid()})",
                "name a directory of your own with --data-dir",
            )
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            self.warnings.append(
                f"{self.path}: other users may write here; "
                f"`chmod go-w {self.path}` keeps them out"
            )

    def _check_length(self) -> None:
        """Raise DataDirUnusable for a path that no database can be in."""
        # SQLite takes a path as it is, then as it is without symlinks.
        paths = (os.fsencode(self.path), os.path.realpath(os.fsencode(self.path)))
        length = max(map(len, paths))
        if length > LONGEST_DIRECTORY:
            raise DataDirUnusable(
                self.path,
                f"this path has {length} bytes, and SQLite, which keeps the databases"
                f" there, can do with {LONGEST_DIRECTORY} at most",
                "name a place with a shorter path with --data-dir",
            )

    def _lock(self, host: str, now: float, config: Path | None) -> None:
        path = self.run / "lock"
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, PRIVATE_FILE)
        self._held.append(descriptor)
        try:
            is_ours = _try_lock(descriptor, note=descriptor)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise DataDirUnusable(
                self.path,
                f"its file system has no locks: {error.strerror}",
                "nothing could keep a second scheduler out; name a directory on a"
                " local disk with --data-dir",
            ) from error
        if not is_ours or self._is_top_held(note=descriptor):
            owner = _owner(descriptor)
            who = "" if is_gone(owner) else in_words(owner)
            raise DataDirHeld(self.path, who or f"it {NO_NOTE}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _note(host, now, config), 0)

    def _is_top_held(self, note: int) -> bool:
        """Take the directory's own lock too, for the file may be removed while we run.

        True if somebody else has it.
        """
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        descriptor = os.open(self.path, flags)
        self._held.append(descriptor)
        try:
            return not _try_lock(descriptor, note)
        except OSError:
            # NFS locks no directory; the file's lock has to do there.
            return False

    def _choose_status_files(self) -> None:
        """Settle on the directory for status files, in memory where that is safe.

        The name is kept in ``run/``, for a task of a scheduler that was killed may
        have left its status there.
        """
        record = self.run / "status_files"
        recorded = _read_record(record)
        path = recorded or self._memory_name()
        is_ours = path.name.startswith(f"bistro-tui-{os.geteuid()}-")
        self._has_memory = is_ours and path.parent == MEMORY_ROOT and self._take(path)
        if not self._has_memory:
            path = self.run
        self.status_files = path
        if path != recorded:
            _replace(record, f"{path}\n")

    def _memory_name(self) -> Path:
        found = self.path.stat()
        identity = f"{self.path}\0{found.st_dev}\0{found.st_ino}"
        digest = hashlib.sha256(os.fsencode(identity)).hexdigest()[:16]
        return MEMORY_ROOT / f"bistro-tui-{os.geteuid()}-{digest}"

    def _take(self, path: Path) -> bool:
        """Make ``path`` ours alone; false when it is missing a property we need."""
        try:
            with contextlib.suppress(FileExistsError):
                path.mkdir(PRIVATE_DIR)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(path, flags)
        except OSError:
            return False
        self._held.append(descriptor)
        found = os.fstat(descriptor)
        try:
            # A copied data directory names the same directory; the lock keeps two
            # schedulers from sharing it.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if found.st_uid == os.geteuid():
                os.fchmod(descriptor, PRIVATE_DIR)
                return True
        except OSError:
            pass
        os.close(self._held.pop())
        return False


def make_with_parents(path: Path) -> None:
    """Make a directory, and those above it, each for its owner alone.

    Raises OSError.
    """
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        with contextlib.suppress(FileExistsError):
            directory.mkdir(PRIVATE_DIR)
        _sync_names(directory.parent)


def _sync_names(directory: Path) -> None:
    """Have the disk take what was made in a directory, if it can: some have no sync."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _make_private(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        path.mkdir(PRIVATE_DIR)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise DataDirUnusable(
            path,
            "is not a directory of yours",
            "move it away; the scheduler makes its own",
        )
    if stat.S_IMODE(found.st_mode) != PRIVATE_DIR:
        path.chmod(PRIVATE_DIR)


def _try_lock(descriptor: int, note: int) -> bool:
    """Take the lock; False if a scheduler has it, of which ``note`` tells.

    A lock without the note of a living one may pass: who looks whether it is held has
    it for a moment, and so has what a scheduler was starting when it was killed.
    """
    for _ in range(round(_PASSING_SEC / _LOOK_SEC)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(note)
            if owner.pid is not None and not is_gone(owner):
                return False
            time.sleep(_LOOK_SEC)
        else:
            return True
    return False


def _note(host: str, now: float, config: Path | None) -> bytes:
    """Return what the lock file says, in no more bytes than are read of it."""
    holder = {"pid": os.getpid(), "host": host, "started": now}
    path = {} if config is None else {"config": os.path.abspath(config)}
    whole = json.dumps(holder | path).encode()
    return whole if len(whole) <= LONGEST_NOTE else json.dumps(holder).encode()


def _owner(note: int) -> Owner:
    return note_of(os.pread(note, LONGEST_NOTE, 0))


def _read_record(path: Path) -> Path | None:
    try:
        text = path.read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return None
    return Path(text) if text and "\0" not in text else None


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(fresh, flags, PRIVATE_FILE)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    fresh.replace(path)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return error.strerror + place
    return str(error)
