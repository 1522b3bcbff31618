"""The command line: which commands there are, what was meant, what could follow. Pure.

A name with blanks in it is written in quotes, as in a shell.
"""

import itertools
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bistro_tui.engine.near import nearest
from bistro_tui.engine.view import Snapshot
from bistro_tui.present.clean import clean
from bistro_tui.present.spans import Line, Span

_OFFERED = 200
"""So many completions are looked for; among 100,000 nodes nobody reads more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: the kinds of its words, and what it does."""

    name: str
    takes: tuple[str, ...] = ()
    """``job``, ``node``, ``level``, ``resource``, ``number``, ``theme``,
    ``worker``."""
    needs: int = 0
    """So many of these have to be given."""
    means: str


COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command(name="job", takes=("job",), needs=1, means="go to a job"),
        Command(name="node", takes=("node",), needs=1, means="go to a node"),
        Command(name="task", takes=("job", "node"), needs=2, means="go to a task"),
        Command(name="why", takes=("job", "node"), needs=0,
                means="why a job's tasks wait, or one task does"),
        Command(name="log", takes=("job", "node"), means="the log of a job or task"),
        Command(name="stop", takes=("job", "node"), means="stop running tasks"),
        Command(name="kill", takes=("job", "node"), means="kill running tasks at once"),
        Command(name="forgive", takes=("job", "node"),
                means="forgive failures: try again"),
        Command(name="enable", takes=("job",), means="enable a job"),
        Command(name="disable", takes=("job",), means="disable a job"),
        Command(name="priority", takes=("job", "number"), needs=2,
                means="set a job's priority"),
        Command(name="limit", takes=("level", "resource", "number"), needs=3,
                means="set the limit of a resource for each node of a level"),
        Command(name="edit", takes=("job",), means="open the config in $EDITOR"),
        Command(name="undo", means="take the last change back"),
        Command(name="redo", means="do again what was undone"),
        Command(name="theme", takes=("theme",), needs=1, means="change the colours"),
        Command(name="freeze", means="freeze the screen, or let it go on"),
        Command(name="problems", means="all problems in full"),
        Command(name="help", means="all commands; ? tells every key"),
        Command(name="overview", means="screen 1"),
        Command(name="jobs", means="screen 2"),
        Command(name="nodes", means="screen 3"),
        Command(name="resources", means="screen 4"),
        Command(name="tasks", means="screen 5"),
        Command(name="logs", means="screen 6"),
        Command(name="timeline", means="screen 7"),
        Command(name="config", means="screen 8: config and events"),
        Command(name="workers", means="screen 0, where there are remote workers"),
        Command(name="worker", takes=("worker",), needs=1, means="go to a worker"),
        Command(name="detach", means="close the screen; the scheduler goes on"),
        Command(name="quit", means="quit; asks first while tasks run"),
    )
}  # fmt: skip
"""All commands, by name."""

PAGES: Mapping[str, str] = {
    "overview": "1", "jobs": "2", "nodes": "3", "resources": "4", "tasks": "5",
    "logs": "6", "timeline": "7", "config": "8",
}  # fmt: skip
"""Commands that show a page, with its key."""

_SHORT = {"q": "quit", "wq": "quit", "x": "quit", "h": "help", "?": "help"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command with the words that were given."""

    command: str
    words: tuple[str, ...] = ()


def parsed(text: str) -> Order | str:
    """Return what is meant, or one sentence, raw, that says why nothing is."""
    try:
        words = shlex.split(text.strip().removeprefix(":"))
    except ValueError:
        return f"{text.strip()}: a quote is open"
    if not words:
        return ""
    name = _SHORT.get(words[0], words[0])
    command = COMMANDS.get(name)
    if command is None:
        near = nearest(words[0], COMMANDS)
        hint = f"; did you mean :{near}?" if near else ""
        hint += " · :help lists all commands"
        return f"there is no command :{words[0]}{hint}"
    given = words[1:]
    if len(given) < command.needs:
        return f":{form(command)} – {command.takes[len(given)]} is missing"
    if len(given) > len(command.takes):
        return f":{form(command)} – {given[len(command.takes)]} is one word too many"
    return Order(command=name, words=tuple(given))


def form(command: Command) -> str:
    """Return ``why JOB NODE``."""
    words = [
        kind.upper() if place < command.needs else f"[{kind.upper()}]"
        for place, kind in enumerate(command.takes)
    ]
    return " ".join([command.name, *words])


def command_lines() -> list[Line]:
    """Return all commands, one a line."""
    return [
        (Span(f":{form(command):<29} ", "key"), Span(command.means))
        for command in COMMANDS.values()
    ]


def usage(text: str) -> str:
    """Return how the command that begins the text is used; empty for none."""
    name = text.strip().split(" ")[0]
    command = COMMANDS.get(_SHORT.get(name, name))
    return "" if command is None else f"{form(command)} · {command.means}"


def completions(
    text: str, shown: Snapshot, themes: Sequence[str] = ()
) -> Sequence[str]:
    """Return whole lines that the text could become, the likeliest first."""
    head, last = _split(text)
    if not head:
        return [name for name in COMMANDS if name.startswith(last)]
    command = COMMANDS.get(_SHORT.get(head[0], head[0]))
    if command is None or len(head) > len(command.takes):
        return []
    kind = command.takes[len(head) - 1]
    sources: Mapping[str, Callable[[], Iterable[str]]] = {
        "job": lambda: (job.name for job in shown.jobs),
        "node": lambda: (node.name for node in shown.nodes),
        "worker": lambda: (worker.shard for worker in shown.workers),
        "level": lambda: dict.fromkeys(node.level for node in shown.nodes),
        "resource": lambda: _resources(shown, head[-1]),
        "theme": lambda: themes,
        "number": lambda: (),
    }
    start = " ".join(shlex.quote(word) for word in head)
    return [f"{start} {shlex.quote(name)}" for name in _fitting(sources[kind](), last)]


def _split(text: str) -> tuple[list[str], str]:
    """Return the words that are finished, and the one that is being typed."""
    try:
        words = shlex.split(text)
    except ValueError:
        try:
            words = shlex.split(text + ("'" if text.count("'") % 2 else '"'))
        except ValueError:
            return [], text
        return words[:-1], words[-1] if words else ""
    if not words or text.endswith(" "):
        return words, ""
    return words[:-1], words[-1]


def _fitting(names: Iterable[str], typed: str) -> Iterator[str]:
    """Yield names that begin with what is typed, then those that have it in them.

    A name that could not be shown as it is cannot be typed either: it is left out.
    """
    wanted = typed.lower()
    begin: list[str] = []
    within: list[str] = []
    for name in names:
        folded = name.lower()
        if wanted not in folded or clean(name) != name:
            continue
        if folded.startswith(wanted):
            begin.append(name)
            if len(begin) >= _OFFERED:
                break
        elif len(within) < _OFFERED:
            within.append(name)
    return itertools.islice(itertools.chain(begin, within), _OFFERED)


def _resources(shown: Snapshot, level: str) -> Iterable[str]:
    for node in shown.nodes:
        if node.level == level:
            return [usage.resource for usage in node.usage]
    return ()
