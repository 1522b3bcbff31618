"""A first word that is neither a command nor a file: what was it meant to be?"""

import os
from collections.abc import Collection, Sequence

from bistro_tui.cli.flags import ENV_PREFIX
from bistro_tui.cli.talk import WrongUse
from bistro_tui.engine.near import nearest

LATER = frozenset(
    (
        "web",
        "worker",
    )
)


def refuse_unknown_command(argv: Sequence[str], commands: Collection[str]) -> None:
    """Raise WrongUse if argv, which begins with no command, was meant to.

    That is so for a command of later versions, and for a word that is nearly a
    command, unless a file has that name.
    """
    word = argv[0] if argv else ""
    if not word.isalpha() or os.path.lexists(word) or _names_a_loader(argv):
        return
    if word in LATER:
        raise WrongUse(
            f"the command {word} is not in this version; there are "
            f"{', '.join(commands)}"
        )
    near = nearest(word, commands)
    if near is not None:
        raise WrongUse(
            f"{word}: no such file, and no command; did you mean bistro-tui {near}?"
        )


def _names_a_loader(argv: Sequence[str]) -> bool:
    """Return whether CONFIG need not be a file."""
    is_flagged = any(each.startswith("--config-loader") for each in argv)
    return is_flagged or f"{ENV_PREFIX}CONFIG_LOADER" in os.environ
