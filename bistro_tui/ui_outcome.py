"""How the UI ended, and what is left behind of an error in it."""

import enum
import os
import traceback
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.present.clean import clean_name


class UiEnd(enum.StrEnum):
    """Why the UI is no longer there."""

    QUIT = "quit"
    """A person quit."""
    DETACHED = "detached"
    """A person closed the screen alone; the engine goes on without one."""
    STOPPED = "stopped"
    """The engine stopped: a signal, or all work is done."""
    TERMINAL_GONE = "terminal_gone"
    """SIGHUP or a closed terminal; fds 0 to 2 are now the null device."""
    CRASHED = "crashed"
    """An error in the UI; the engine is as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UiOutcome:
    """How the UI ended."""

    end: UiEnd
    crash_file: Path | None = None
    """Where the traceback was written, if it could be."""
    error: str = ""
    """One line: what went wrong."""
    traceback: str = ""
    """The whole traceback."""
    stop_signal: int | None = None
    """The first SIGINT or SIGTERM that came while the UI was there."""


def crashed(
    error: BaseException | str,
    *,
    crash_dir: Path | None,
    now: float,
    stop_signal: int | None,
) -> UiOutcome:
    """Return the outcome for an error of the UI, and write its traceback to a file."""
    if isinstance(error, str):
        text = message = error
    else:
        text = "".join(traceback.format_exception(error))
        message = f"{type(error).__name__}: {error}"
    name = f"ui-crash-{int(now)}-{os.getpid()}.txt"
    return UiOutcome(
        end=UiEnd.CRASHED,
        crash_file=None if crash_dir is None else _write(crash_dir / name, text),
        error=clean_name(message),
        traceback=text,
        stop_signal=stop_signal,
    )


def _write(path: Path, text: str) -> Path | None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return None
    return path
