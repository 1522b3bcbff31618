"""What is copied goes to the terminal's clipboard, and into a file beside it.

Not every terminal takes a clipboard from a program (OSC 52), and none says so.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from textual.app import App

from bistro_tui.engine.datadir import state_dir
from bistro_tui.present.words import plural
from bistro_tui.screens.stage import Stage


def copy_file() -> Path:
    """Return the file that always has what was copied last."""
    return state_dir() / "copied.txt"


async def copy_lines(stage: Stage, app: App[object], lines: Sequence[str]) -> None:
    """Copy lines, safe ones, and say where they are."""
    text = "\n".join(lines)
    app.copy_to_clipboard(text)
    copied = f"copied {plural(len(lines), 'line')}"
    path = copy_file()
    try:
        await asyncio.to_thread(_write, path, text + "\n")
    except OSError as error:
        stage.say(f"{copied} to the clipboard alone: {path}: {error.strerror}")
    else:
        stage.say(f"{copied} · also in {path}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A new file each time: what stands there may be a link that leads elsewhere.
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
