"""Saves what is damaged of a data directory, and says how to put it in place."""

import shlex
from pathlib import Path

from bistro_tui.engine.salvage.lines import salvage_lines
from bistro_tui.engine.salvage.reading import problem_of
from bistro_tui.engine.salvage.saved import Saved, beside
from bistro_tui.engine.salvage.statuses import salvage_statuses


def salvage(path: Path, status_table: str) -> Saved | None:
    """Write what can be read of a database into a new file; None if it is whole.

    The database is only looked at. One whose name begins with ``task_logs`` has output
    lines, any other has statuses. Raises OSError, sqlite3.Error or DataDirUnusable.
    """
    has_lines = path.name.startswith("task_logs")
    if not problem_of(path, is_synced=not has_lines):
        return None
    return salvage_lines(path) if has_lines else salvage_statuses(path, status_table)


def into_place(saved: Saved) -> tuple[str, ...]:
    """Return the two commands that put what was saved in place; none: nothing was.

    Makes the directory (0700) into which the first one moves the damaged files. Raises
    OSError.
    """
    if saved.fresh is None:
        return ()
    path = saved.damaged
    # What is left beside the new file would be taken for a part of it.
    beside_it = (Path(f"{path}-{end}") for end in ("wal", "shm", "journal"))
    old = [path, *(one for one in beside_it if one.exists())]
    aside = _make_aside(path)
    return (
        shlex.join(["mv", *map(str, old), f"{aside}/"]),
        shlex.join(["mv", str(saved.fresh), str(path)]),
    )


def _make_aside(path: Path) -> Path:
    for directory in beside(path.with_suffix(""), "damaged"):
        try:
            directory.mkdir(0o700)
        except FileExistsError:
            if any(directory.iterdir()):
                continue
        return directory
    raise FileExistsError(f"{path.parent} is full of damaged files")
