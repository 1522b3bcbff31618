"""The files that the page about plug-ins shows, each under its name."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "plugins.md").read_text(encoding="utf-8")


def shown_files() -> dict[str, str]:
    """Return the text of every block that has the name of a file above it."""
    found = re.findall(
        r"^`(\S+)`:\n\n```\w+\n(.*?)```$", PAGE, re.DOTALL | re.MULTILINE
    )
    files = dict(found)
    assert len(files) == len(found)
    return files


def write_shown_files(directory: Path) -> None:
    """Do what the page says: copy each block into its file."""
    for name, text in shown_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
