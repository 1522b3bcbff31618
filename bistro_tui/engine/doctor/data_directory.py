"""A data directory, looked at without opening it."""

import os
import stat
from dataclasses import replace
from pathlib import Path

from bistro_tui.engine.doctor.facts import DataDirectory
from bistro_tui.engine.doctor.host import look_at_space
from bistro_tui.engine.owner import NO_NOTE, in_words, noted_in

_LOCKS = Path("/proc/locks")


def look_at_data_directory(path: Path) -> DataDirectory:
    """Return what a scheduler would find there. Takes no lock, makes nothing."""
    path = Path(os.path.abspath(path))
    place = path
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    space, user = look_at_space(place), os.geteuid()
    if place != path:
        return DataDirectory(
            space=replace(space, path=str(path)), exists=False, user=user
        )
    try:
        found = path.stat()
    except OSError:
        # A dangling link, say; the problem is told already.
        return DataDirectory(space=space, exists=True, owner=user, user=user)
    return DataDirectory(
        space=space,
        exists=True,
        is_directory=stat.S_ISDIR(found.st_mode),
        owner=found.st_uid,
        user=user,
        mode=stat.S_IMODE(found.st_mode),
        holder=_holder(path),
    )


def _holder(data_dir: Path) -> str:
    """Return which scheduler holds its lock, in words; empty: none that is seen.

    Trying the lock would be surer, and could make a scheduler that starts at this very
    moment believe that another one serves there.
    """
    noted = noted_in(data_dir)
    if noted is None:
        return ""
    owner, inode = noted
    try:
        held = _LOCKS.read_text(errors="replace")
    except OSError:
        return ""
    if not any(_is_on(line, inode) for line in held.splitlines()):
        return ""
    return in_words(owner) or f"a scheduler that {NO_NOTE}"


def _is_on(line: str, inode: int) -> bool:
    """Return whether a line of /proc/locks is a held whole-file lock on that inode."""
    words = line.split()
    if len(words) < 6 or words[1] != "FLOCK":
        return False
    return words[5].rpartition(":")[2] == str(inode)
