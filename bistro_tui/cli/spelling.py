"""Flags as people spell them, in the one spelling that is parsed."""

from collections.abc import Sequence

from bistro_tui.cli.flag import Flag
from bistro_tui.cli.flags import all_flags

_TRUE = {"true", "1", "yes", "on", "t", "y"}
_FALSE = {"false", "0", "no", "off", "f", "n"}


def spelled_plainly(argv: Sequence[str]) -> list[str]:
    """Return argv with every flag in its one canonical spelling.

    ``--data_dir`` becomes ``--data-dir``, ``--noclean_statuses`` becomes
    ``--no-clean-statuses``, ``--dry_run=false`` becomes ``--no-dry-run``. Values and
    everything behind a bare ``--`` stay as they are.
    """
    by_name = {flag.name.lower(): flag for flag in all_flags()}
    plain: list[str] = []
    for position, word in enumerate(argv):
        if word == "--":
            return [*plain, *argv[position:]]
        plain.append(_one_word(word, by_name) if word.startswith("--") else word)
    return plain


def _one_word(word: str, by_name: dict[str, Flag]) -> str:
    name, equals, value = word[2:].partition("=")
    name = name.replace("_", "-")
    flag, wanted = by_name.get(name.lower()), True
    if flag is None:
        positive = name.lower().removeprefix("no-").removeprefix("no")
        flag, wanted = by_name.get(positive), False
        if flag is None or not flag.is_switch:
            return f"--{name}{equals}{value}"
    if not flag.is_switch:
        return f"--{flag.name}{equals}{value}"
    if equals:
        if value.lower() not in _TRUE | _FALSE:
            return f"--{flag.name}={value}"
        wanted = wanted == (value.lower() in _TRUE)
    return f"--{flag.name}" if wanted else f"--no-{flag.name}"
