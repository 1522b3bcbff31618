"""What a person wants of the screen: their settings file, and flags before it."""

import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bistro_tui.cli.talk import say
from bistro_tui.present.ascii import wants_ascii
from bistro_tui.present.ui_settings import UiSettings, parse_settings

_LARGEST = 1 << 20
"""Bytes of a settings file that are looked at."""


def settings_path() -> Path:
    """Return where the settings file lies, or would."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(base) if os.path.isabs(base) else Path.home() / ".config"
    return config / "bistro-tui" / "ui.toml"


def read_settings() -> UiSettings:
    """Return the settings of the file; what is wrong with it is in ``problems``."""
    try:
        path = settings_path()
    except RuntimeError:
        # Nobody's home is known: there is no file.
        return UiSettings()
    try:
        text = _text_of(path)
    except FileNotFoundError:
        return UiSettings()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        problem = f"{path}: cannot be read: {reason}; no setting of it is used"
        return UiSettings(path=str(path), problems=(problem,))
    return parse_settings(text, str(path))


def screen_settings(flags: dict[str, Any]) -> UiSettings:
    """Return what the screen should be like; the screen knows what of it cannot be.

    ``flags`` holds those of ``flags.SCREEN``, which come before the file.
    """
    settings = read_settings()
    if flags["theme"] is not None:
        settings = replace(settings, theme=flags["theme"], is_theme_of_flag=True)
    if flags["ascii"] is not None:
        settings = replace(settings, ascii=flags["ascii"])
    if flags["no_mouse"]:
        settings = replace(settings, mouse=False)
    if settings.ascii is None:
        encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
        settings = replace(settings, ascii=wants_ascii(os.environ, encoding))
    return settings


def tell_problems(problems: Iterable[str]) -> None:
    """Say on stderr what is wrong with the settings."""
    for problem in problems:
        say(f"bistro-tui: {problem}")


def _text_of(path: Path) -> str:
    """Return the text of a file. Raises OSError, ValueError."""
    # Opening a pipe would wait for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no file")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("it is larger than 1 MiB")
    return data.decode("utf-8-sig")
