"""Where the schedulers of this user run, also those with a data directory elsewhere.

Each has a link to its data directory in ``live/`` of the user's state directory while
it serves. A link proves nothing: whoever finds one asks ``owner.owner_of`` about it.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bistro_tui.engine.datadir import make_with_parents, state_dir

_MOST = 1000
"""Links that are looked at."""


@contextmanager
def announced(data_dir: Path) -> Iterator[None]:
    """Have the scheduler of ``data_dir`` be found inside the block.

    Where nothing can be written it is not found, which is no error.
    """
    link = _directory() / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    with contextlib.suppress(OSError):
        make_with_parents(link.parent)
        if _is_ours(link.parent):
            # What a scheduler that was killed has left has the same target.
            with contextlib.suppress(FileExistsError):
                link.symlink_to(data_dir)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if os.readlink(link) == str(data_dir):
                link.unlink()


def known_data_dirs() -> list[Path]:
    """Return the data directories of yours that schedulers have announced.

    Those that were killed may be among them. Takes away links that lead nowhere.
    """
    found: list[Path] = []
    directory = _directory()
    if not _is_ours(directory):
        return found
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for _, entry in zip(range(_MOST), entries, strict=False):
            target = _target(entry)
            if target is not None:
                found.append(target)
    return sorted(found)


def _directory() -> Path:
    return state_dir() / "live"


def _is_ours(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _target(entry: "os.DirEntry[str]") -> Path | None:
    try:
        target = os.readlink(entry)
        found = os.stat(target)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            os.unlink(entry)
        return None
    except OSError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return Path(target) if is_ours and os.path.isabs(target) else None
