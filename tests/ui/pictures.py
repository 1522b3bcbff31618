"""Screens as text grids and as SVG files."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console
from textual.app import App


def grid(app: App[Any]) -> list[str]:
    """Return what the terminal would show, one string a row."""
    width, height = app.size
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    console.print(app.screen._compositor.render_update(full=True))
    return console.export_text(styles=False).splitlines()[:height]


def text(app: App[Any]) -> str:
    """Return the whole grid as one text."""
    return "\n".join(grid(app))


def save_svg(app: App[Any], path: Path) -> None:
    """Write a picture of the screen."""
    path.write_text(app.export_screenshot(title="bistro-tui"), encoding="utf-8")
