"""In which running system this process is."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from bistro_tui.engine.remote.identity import Home
from bistro_tui.engine.warden.program import boot_id

_INITIAL = 0xEFFFFFFC
"""The inode of the space of process numbers that a kernel begins with."""
_PERMANENT = "0"
"""Of how a network card has its address: from its maker, or what takes its place."""


def home_of_this_process(root: Path = Path("/")) -> Home:
    """Return where this process runs, as far as that can be seen."""
    boot = boot_id()
    space = 0
    with suppress(OSError):
        space = os.stat(root / "proc/self/ns/pid").st_ino
    return Home(
        boot=_short(boot) if boot not in ("", "-") else "",
        processes=str(space or ""),
        machine=_machine(root) if space == _INITIAL else "",
    )


def _machine(root: Path) -> str:
    """Return what tells the machine from others, empty if nothing does.

    The id of its installation is copied with a disk, the address of a card with nothing
    but a whole virtual machine.
    """
    installed = _text(root / "etc/machine-id")
    cards = set()
    with suppress(OSError):
        for card in (root / "sys/class/net").iterdir():
            is_real = os.path.exists(card / "device")
            if is_real and _text(card / "addr_assign_type") == _PERMANENT:
                cards.add(_text(card / "address"))
    cards.discard("")
    return _short("\n".join([installed, *sorted(cards)])) if installed and cards else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
