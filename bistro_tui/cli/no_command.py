"""A first word that is neither a command nor a file: what was it meant to be?"""

import os
from collections.abc import Collection, Sequence
from itertools import islice

from bistro_tui.cli.flag import ENV_PREFIX
from bistro_tui.cli.talk import WrongUse
from bistro_tui.engine.near import nearest


def refuse_unknown_command(argv: Sequence[str], commands: Collection[str]) -> None:
    """Raise WrongUse if argv, which begins with no command, was meant to.

    That is so for a word that looks like no path, unless a file has that name.
    """
    word = argv[0] if argv else ""
    if not _is_bare(word) or os.path.lexists(word) or _names_a_loader(argv):
        return
    near = nearest(word, commands) or nearest(word, _files())
    meant = f"; did you mean bistro-tui {near}?" if near is not None else ""
    raise WrongUse(
        f"{word}: no such file, and no such command{meant}\n"
        "  bistro-tui --help lists the commands; to run a config: bistro-tui CONFIG"
    )


def _files() -> list[str]:
    try:
        with os.scandir() as entries:
            return [one.name for one in islice(entries, 1000) if one.is_file()]
    except OSError:
        return []


def _is_bare(word: str) -> bool:
    return bool(word) and word[0] != "-" and not any(sign in word for sign in "./")


def _names_a_loader(argv: Sequence[str]) -> bool:
    """Return whether CONFIG need not be a file."""
    is_flagged = any(each.startswith("--config-loader") for each in argv)
    return is_flagged or f"{ENV_PREFIX}CONFIG_LOADER" in os.environ
