"""The files that say how the screen of each scheduler was left."""

import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path

import platformdirs

from bistro_tui.engine.view import EngineState
from bistro_tui.present.left_off import ScreenLeft, from_json, to_json

_MOST_BYTES = 256 * 1024


def _file_of(state: EngineState) -> Path:
    """Return the file of one scheduler: by its instance and data directory.

    So the screen that attaches finds what the one of the scheduler itself has left.
    """
    name = f"{state.instance}\n{state.data_dir}".encode("utf-8", "surrogatepass")
    directory = platformdirs.user_state_path("bistro-tui", appauthor=False) / "screens"
    return directory / f"{hashlib.sha256(name).hexdigest()[:24]}.json"


def take(state: EngineState) -> ScreenLeft | None:
    """Return how that scheduler's screen was left, None where nobody knows.

    It is told once: if coming back there fails, the next screen begins anew.
    """
    if not state.data_dir:
        return None
    path = _file_of(state)
    found = _read(path)
    with contextlib.suppress(OSError):
        path.unlink()
    return found


def _read(path: Path) -> ScreenLeft | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            return from_json(json.loads(file.read(_MOST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return None


def leave(state: EngineState, left: ScreenLeft) -> None:
    """Keep it for the next screen; where that cannot be, the next begins anew."""
    if not state.data_dir:
        return
    path = _file_of(state)
    data = json.dumps(to_json(left)).encode()
    if len(data) > _MOST_BYTES:
        return
    new = path.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
            file.write(data)
        new.replace(path)
