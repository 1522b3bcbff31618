"""Whether a database without a byte is one that has lost everything."""

import os
from pathlib import Path

from bistro_tui.engine.database_files import STATUSES, TASK_LOGS


def emptied(path: Path) -> str:
    """Return why an empty file cannot be a new one; empty: it can.

    What a start that was killed leaves is one that has nothing beside it yet, or the
    rollback journal with which it was being made.
    """
    if _has_bytes(f"{path}-journal"):
        return ""
    if _has_bytes(f"{path}-wal"):
        return "is empty although its -wal file is not"
    logs = path.with_name(TASK_LOGS)
    if path.name == STATUSES and (_has_bytes(logs) or _has_bytes(f"{logs}-wal")):
        return f"is empty although {TASK_LOGS} beside it remembers runs"
    return ""


def _has_bytes(path: Path | str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False
