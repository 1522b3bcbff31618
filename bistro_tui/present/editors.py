"""How editors are told where to begin. Pure."""

import shlex
from collections.abc import Mapping
from pathlib import PurePath

_PLUS = {
    "vi", "vim", "nvim", "view", "vim.tiny", "vim.basic", "gvim", "nano", "pico",
    "emacs", "emacsclient", "mg", "jmacs", "joe", "jed", "ne", "micro", "kak", "mcedit",
    "gedit",
}  # fmt: skip
"""They take ``+LINE FILE``."""

_COLON = {"hx", "helix", "subl", "zed", "zeditor"}
"""They take ``FILE:LINE``."""

_GOTO = {"code", "code-insiders", "codium", "vscodium", "cursor"}
"""They take ``--goto FILE:LINE``, and return at once without ``--wait``."""


def editor_of(environment: Mapping[str, str]) -> str:
    """Return what a person edits with: ``$VISUAL``, ``$EDITOR``, else vi."""
    for name in ("VISUAL", "EDITOR"):
        if environment.get(name, "").strip():
            return environment[name]
    return "vi"


def editor_command(editor: str, path: str, line: int) -> list[str]:
    """Return the command that opens the file at that line, 0 for none.

    An editor that is not known opens the file where it likes. ValueError if ``editor``
    is no command: an open quote, nothing at all.
    """
    words = shlex.split(editor)
    if not words:
        raise ValueError("it is empty")
    name = PurePath(words[0]).name
    wait = ["--wait"] if name in _GOTO and "--wait" not in words else []
    words += [word for word in wait if "-w" not in words]
    if line < 1:
        return [*words, path]
    if name in _PLUS:
        return [*words, f"+{line}", path]
    if name in _COLON:
        return [*words, f"{path}:{line}"]
    if name in _GOTO:
        return [*words, "--goto", f"{path}:{line}"]
    return [*words, path]
