"""What a task is told: its words, its JSON and its environment. Pure.

What all tasks of a job have in common is worked out once, for this is done thousands
of times a second.

Source: Bistro, processes/TaskSubprocessQueue and runners/TaskRunner; placeholders and
the environment variables are ours.
"""

import os.path
import re
import sys
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.processes.job_json import JobJson, WorkerWords
from bistro_tui.engine.processes.starts import AnyStart
from bistro_tui.engine.scheduling.actions import StartTask

LONGEST_ARGUMENT = 131_071
"""Bytes of one argument that Linux accepts (MAX_ARG_STRLEN without its NUL)."""
LONGEST_CONFIG_VARIABLE = LONGEST_ARGUMENT - len("BISTRO_CONFIG=")

_PLACEHOLDER = re.compile(r"\{(node|job|status_file|config)\}")
_PIECE = re.compile(r"\{\{|\}\}|\{(node|job|status_file|config)\}")
_OURS = frozenset(
    (
        "BISTRO_JOB",
        "BISTRO_NODE",
        "BISTRO_STATUS_FILE",
        "BISTRO_CONFIG",
        "BISTRO_INVOCATION",
    )
)
_ENCODING = sys.getfilesystemencoding()

_Template: TypeAlias = tuple[str, ...]
"""Text, the name of a value, text, …: an odd number of them."""


class _Word(NamedTuple):
    """A word of a command; the rest counts where the template is only text."""

    template: _Template
    text: str
    encoded: bytes


class TaskArguments(NamedTuple):
    """Everything that goes into one ``execve``, and what must lie ready for it."""

    words: tuple[str, ...]
    """The same as ``argv``, for people."""
    argv: tuple[bytes, ...]
    environment: tuple[bytes, ...]
    """Entries that come on top of the user's."""
    config_file_needed: bool
    """Whether some argument names the config file instead of holding the JSON."""
    status_file: bytes
    """Its path as the kernel takes it."""


class JobArguments:
    """What the tasks of one job are told."""

    def __init__(
        self,
        job: Job,
        *,
        command: tuple[str, ...],
        fill_placeholders: bool,
        worker_node: str,
        worker_host: str,
    ) -> None:
        """Take the job and a command: its own (``fill_placeholders``), or the worker's.

        The first word of the command is ready to be executed. Raises ValueError for
        what no task can be told: a config that JSON cannot hold (NaN, endless
        nesting), a variable with an impossible name.
        """
        self.job = job
        self._worker = WorkerWords(node=worker_node, host=worker_host)
        self._json = JobJson(job)
        program = command[0]
        templates = [
            _template(word) if fill_placeholders else (word,) for word in command
        ]
        self._is_filled = any(len(one) > 1 for one in templates)
        self._words = tuple(
            _Word(one, one[0], _encode(one[0], program)) for one in templates
        )
        self._fixed_words = tuple(one.text for one in self._words)
        self._fixed_argv = tuple(one.encoded for one in self._words)
        self._variables = (
            *(
                _name(name, program) + b"=" + _encode(value, program)
                for name, value in job.env.items()
                if name not in _OURS
            ),
            b"BISTRO_JOB=" + _encode(job.name, program),
        )

    def task_json(self, start: StartTask) -> str:
        """Return the JSON a task gets; see ``JobJson.text``."""
        return self._json.text(start, self._worker)

    def arguments(
        self,
        start: AnyStart,
        invocation: str,
        *,
        status_file: str,
        config: str,
        config_file: str,
    ) -> TaskArguments:
        """Return what to execute for an attempt; ``invocation``: its id as text.

        A JSON too long for an argument is replaced by ``@config_file``, which the
        caller must then write. Raises ValueError for words that no program can be
        given.
        """
        program = self._fixed_words[0]
        node = _encode(start.task.node, program)
        # Our own: it exists, so it can be encoded and has no NUL.
        file = status_file.encode(_ENCODING, "surrogateescape")
        variable = json = _encode(config, program)
        if self._is_filled:
            words, argv = self._filled(start, status_file, config)
        else:
            words = (*self._fixed_words, start.task.node, status_file, config)
            argv = (*self._fixed_argv, node, file, json)
        argv_in_file = max(map(len, argv)) > LONGEST_ARGUMENT
        variable_in_file = len(json) > LONGEST_CONFIG_VARIABLE
        if argv_in_file or variable_in_file:
            named = f"@{config_file}"
            variable = _encode(named, program) if variable_in_file else json
            if argv_in_file and self._is_filled:
                words, argv = self._filled(start, status_file, named)
            elif argv_in_file:
                words = (*words[:-1], named)
                argv = (*argv[:-1], _encode(named, program))
        environment = (
            *self._variables,
            b"BISTRO_NODE=" + node,
            b"BISTRO_STATUS_FILE=" + file,
            b"BISTRO_CONFIG=" + variable,
            b"BISTRO_INVOCATION=" + invocation.encode(),
        )
        in_file = argv_in_file or variable_in_file
        return TaskArguments(words, argv, environment, in_file, file)

    def _filled(
        self, start: AnyStart, status_file: str, config: str
    ) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        values = {
            "node": start.task.node,
            "job": start.task.job,
            "status_file": status_file,
            "config": config,
        }
        words: list[str] = []
        argv: list[bytes] = []
        for template, text, encoded in self._words:
            if len(template) == 1:
                words.append(text)
                argv.append(encoded)
            else:
                word = "".join(
                    [values[p] if i % 2 else p for i, p in enumerate(template)]
                )
                words.append(word)
                argv.append(_encode(word, self._fixed_words[0]))
        return tuple(words), tuple(argv)


def resolve_program(word: str, *, directory: str) -> str:
    """Return the program to execute: a word with ``/`` counts from ``directory``.

    A bare word is returned as it is, to be looked up in the task's PATH.
    """
    return os.path.normpath(os.path.join(directory, word)) if "/" in word else word


def _template(word: str) -> _Template:
    """Return a word of a command, cut where its placeholders are.

    One pass from left to right, so a value is never looked into for placeholders and
    ``{{node}}`` is how a person writes a literal ``{node}``.
    """
    if not _PLACEHOLDER.search(word):
        return (word,)
    pieces = [""]
    end = 0
    for match in _PIECE.finditer(word):
        pieces[-1] += word[end : match.start()]
        if name := match[1]:
            pieces += [name, ""]
        else:
            pieces[-1] += match[0][0]
        end = match.end()
    pieces[-1] += word[end:]
    return tuple(pieces)


def _name(name: str, program: str) -> bytes:
    encoded = _encode(name, program)
    if b"=" in encoded:
        raise ValueError(f"{program}: illegal environment variable name")
    return encoded


def _encode(text: str, program: str) -> bytes:
    try:
        encoded = text.encode(_ENCODING, "surrogateescape")
    except UnicodeEncodeError as error:
        raise ValueError(f"{program}: {error}") from None
    if b"\0" in encoded:
        raise ValueError(f"{program}: embedded null byte")
    return encoded
