"""The token that whoever changes something over TCP has to show.

It is kept in a file that nobody else may read, and never in a log, an error or argv.
"""

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path

from bistro_tui.engine.datadir import PRIVATE_FILE
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.private_file import read_private, write_private

NAME = "api.token"
BYTES = 32
SHORTEST = 16
"""Characters of a token that somebody else made."""


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
        text, mode = _content(path, follow=False)
        if mode & 0o077:
            path.chmod(PRIVATE_FILE)
            warning = f"{path}: others could read it; remove it and start again"
        if text is not None and len(text) >= SHORTEST:
            return Token(text), warning
    text = secrets.token_urlsafe(BYTES)
    write_private(path, text)
    return Token(text), ""


def given_token(path: Path) -> tuple[Token, str]:
    """Return the token in a file that a person named, and a warning.

    The warning is empty where nothing is to be said. Raises DoorUnusable.
    """
    try:
        text, mode = _content(path, follow=True)
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


def _content(path: Path, *, follow: bool) -> tuple[str | None, int]:
    """Return the token in a file, None if there is none, and the file's mode."""
    text, mode = read_private(path, follow=follow)
    is_token = text is not None and all("!" <= one <= "~" for one in text)
    return (text if is_token else None), mode
