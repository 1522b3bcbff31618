"""What the word before the cursor may become, for a shell that asks.

A line that is not finished is no program: nothing that stands in it is run, and what is
put into it is quoted, so that a name cannot become a command when Enter is pressed.
"""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import click

from bistro_tui.cli.spelling import spelled_plainly
from bistro_tui.cli.talk import print_data

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

ASKED = "_BISTRO_TUI_COMPLETE"
"""Set by the scripts: which shell asks."""

_SUFFIXES = (".json", ".toml", ".yaml", ".yml")
_MOST_FILES = 1_000
_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"
)
"""Characters that no shell takes for anything but themselves."""
_LIVE_IN_DOUBLE_QUOTES = frozenset('$`"\\!')


class Line(NamedTuple):
    """A command line up to the cursor."""

    words: tuple[str, ...]
    """Whole words behind the program's name, without quotes."""
    last: str
    """What there is of the last one, without quotes."""
    raw: str
    """The same as it was typed."""
    quote: str
    """The quote that is still open in it, or ""."""


def read_line(text: str) -> Line:
    """Return what was typed, quotes and backslashes understood, nothing expanded."""
    words: list[str] = []
    word, begin, quote = "", None, ""
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and quote != "'" and position + 1 < len(text):
            begin = position if begin is None else begin
            position += 1
            word += text[position]
        elif quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "\"'":
            begin = position if begin is None else begin
            quote = char
        elif char.isspace():
            if begin is not None:
                words.append(word)
            word, begin = "", None
        else:
            begin = position if begin is None else begin
            word += char
        position += 1
    raw = text[begin:] if begin is not None else ""
    return Line(tuple(words[1:]), word, raw, quote)


def complete(commands: Mapping[str, click.Command]) -> int:
    """Answer the shell that asked by the environment; return the exit code."""
    line = read_line(os.environ.get("COMP_LINE", ""))
    shell = os.environ.get(ASKED, "")
    # What bash puts the answer in place of; the other shells, of the whole word.
    replaced = os.environ.get("COMP_CUR") if shell == "bash" else None
    flag, equals, value = line.last.partition("=")
    lead = flag + equals if flag.startswith("--") and equals else ""
    typed = value if lead else line.last
    found = list(items(commands, list(line.words), line.last))
    kinds = {item.type for item in found} & {"file", "dir"}
    answers = [f"{kind}\t{typed}" for kind in sorted(kinds)]
    for item in found:
        if item.type != "plain":
            continue
        answer = _put(lead + item.value, line, shell, replaced)
        if answer is not None:
            kind = "open" if item.value.endswith(("/", "=")) else "plain"
            answers.append(f"{kind}\t{answer}")
    if answers:
        print_data("\n".join(answers))
    return 0


def items(
    commands: Mapping[str, click.Command], words: list[str], last: str
) -> "Iterator[CompletionItem]":
    """Yield what the last word may become, behind these words."""
    from click.shell_completion import CompletionItem, ShellComplete

    is_first = not words
    command, rest = commands["run"], words
    if words and words[0] in commands:
        command, rest = commands[words[0]], words[1:]
    completing = ShellComplete(command, {}, "bistro-tui", ASKED)
    if is_first and not last.startswith("-"):
        for name in commands:
            if name.startswith(last):
                yield CompletionItem(name)
    yield from completing.get_completions(spelled_plainly(rest), last)


def complete_configs(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Return config files, and directories on the way to some."""
    from click.shell_completion import CompletionItem

    directory, _, begin = incomplete.rpartition("/")
    directory = directory + "/" if "/" in incomplete else ""
    found: list[str] = []
    try:
        with os.scandir(directory or ".") as entries:
            for entry in entries:
                name = entry.name
                is_hidden = name.startswith(".") and not begin.startswith(".")
                if not name.startswith(begin) or is_hidden or not name.isprintable():
                    continue
                if entry.is_dir():
                    found.append(f"{directory}{name}/")
                elif name.endswith(_SUFFIXES):
                    found.append(directory + name)
                if len(found) >= _MOST_FILES:
                    break
    except OSError:
        pass
    if not found:
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(name) for name in sorted(found)]


def _put(word: str, line: Line, shell: str, replaced: str | None) -> str | None:
    """Return what is put in place, quoted where the shell does not; None: nothing."""
    if shell != "bash":
        # They quote what they are given.
        return word
    if line.quote:
        live = "'" if line.quote == "'" else _LIVE_IN_DOUBLE_QUOTES
        if any(char in live for char in word):
            return None
        start = len(line.last) - len(replaced or "")
        return word[start:] if word.startswith(line.last) and start >= 0 else None
    quoted = "".join(one if one in _PLAIN else _escaped(one) for one in word)
    start = len(line.raw) - len(line.raw if replaced is None else replaced)
    if start == 0:
        return quoted
    # Bash takes what follows a : or = for a word of its own.
    is_same = start > 0 and quoted.startswith(line.raw[:start])
    return quoted[start:] if is_same else None


def _escaped(char: str) -> str:
    return char if char.isalnum() else "\\" + char
