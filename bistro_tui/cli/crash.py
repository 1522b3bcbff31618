"""Where the details of an internal error go: a private file, never the terminal."""

import os
import tempfile
import traceback
from pathlib import Path

import platformdirs


def write_crash_file(error: BaseException) -> Path:
    """Write the traceback where only this user can read it, and return the place."""
    directory = platformdirs.user_state_path("bistro-tui", appauthor=False)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        directory = Path(tempfile.gettempdir())
    descriptor, name = tempfile.mkstemp(".txt", "crash-", directory)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        traceback.print_exception(error, file=file)
    return Path(name)
