"""The file that a salvage made."""

from pathlib import Path

from bistro_tui.engine.salvage.saved import Saved


def made_by(saved: Saved) -> Path:
    """Return the new file, of something that was saved."""
    assert saved.fresh is not None
    return saved.fresh
