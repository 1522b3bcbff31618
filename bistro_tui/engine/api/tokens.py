"""The token that whoever changes something over TCP has to show.

It is kept in a file that nobody else may read, and never in a log, an error or argv.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from bistro_tui.engine.datadir import PRIVATE_FILE
from bistro_tui.engine.errors import DoorUnusable

NAME = "api.token"
BYTES = 32
SHORTEST = 16
"""Characters of a token that somebody else made."""
_LONGEST = 4096
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class Token:
    """One token, of which only a digest is kept."""

    __slots__ = ("_digest",)

    def __init__(self, text: str) -> None:
        self._digest = _digest(text)

    def is_shown_by(self, authorizations: Sequence[str]) -> bool:
        """Return whether the values of a request's Authorization headers show it.

        Takes the same time however much of it is right.
        """
        if len(authorizations) != 1:
            return False
        scheme, _, shown = authorizations[0].partition(" ")
        is_right = hmac.compare_digest(_digest(shown.strip(" ")), self._digest)
        return is_right and scheme.lower() == "bearer"


def own_token(directory: Path) -> tuple[Token, str]:
    """Return the token kept in ``directory``, made if there is none, and a warning.

    The warning is empty where nothing is to be said. Raises OSError.
    """
    path = directory / NAME
    warning = ""
    with contextlib.suppress(FileNotFoundError):
        text, mode = _content(path, _READ | os.O_NOFOLLOW)
        if mode & 0o077:
            path.chmod(PRIVATE_FILE)
            warning = f"{path}: others could read it; remove it and start again"
        if text is not None and len(text) >= SHORTEST:
            return Token(text), warning
    text = secrets.token_urlsafe(BYTES)
    _write(path, text)
    return Token(text), warning


def given_token(path: Path) -> tuple[Token, str]:
    """Return the token in a file that a person named, and a warning.

    The warning is empty where nothing is to be said. Raises DoorUnusable.
    """
    try:
        text, mode = _content(path, _READ)
    except OSError as error:
        raise DoorUnusable(
            f"--http-token-file {path}: {error.strerror}\n"
            "  name a file with a token in it:"
            " python3 -c 'import secrets; print(secrets.token_urlsafe())' >FILE"
        ) from error
    if text is None:
        problem = "holds no token: one line of letters, digits and signs"
    elif len(text) < SHORTEST:
        problem = f"its token is shorter than {SHORTEST} characters"
    else:
        others = f"{path}: others may read this token; `chmod 600` keeps them out"
        return Token(text), others if mode & 0o077 else ""
    raise DoorUnusable(f"--http-token-file {path}: {problem}")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _content(path: Path, flags: int) -> tuple[str | None, int]:
    """Return the token in a file, None if there is none, and the file's mode."""
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(None, "is no file", str(path))
        raw = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    text = raw.decode("ascii", "replace").strip()
    is_token = len(raw) <= _LONGEST and all("!" <= one <= "~" for one in text)
    return (text if text and is_token else None), stat.S_IMODE(found.st_mode)


def _write(path: Path, text: str) -> None:
    """Make the file whole at once; it is nobody else's from its first moment."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, PRIVATE_FILE)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
