"""What a task is told: its words, its JSON and its environment. Pure.

Source: Bistro, processes/TaskSubprocessQueue and runners/TaskRunner; placeholders and
the environment variables are ours.
"""

import json
import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bistro_tui.engine.scheduling.actions import StartTask

LONGEST_ARGUMENT = 131_071
"""Bytes of one argument that Linux accepts (MAX_ARG_STRLEN without its NUL)."""
LONGEST_CONFIG_VARIABLE = LONGEST_ARGUMENT - len("BISTRO_CONFIG=")

_PLACEHOLDER = re.compile(r"\{(node|job|status_file|config)\}")
_PIECE = re.compile(r"\{\{|\}\}|\{(node|job|status_file|config)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskArguments:
    """Everything that goes into one ``execve``, and what must lie ready for it."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    config: str
    """The task's JSON."""
    config_file_needed: bool
    """Whether some argument names the config file instead of holding the JSON."""


def task_json(start: StartTask, *, worker_node: str, worker_host: str) -> str:
    """Return the JSON a task gets: compact, one line, always encodable as UTF-8.

    Raises ValueError for a config that JSON cannot hold (NaN, endless nesting).
    Source: Bistro, TaskRunner (id, path_to_node, config, resources_by_node,
    prev_status only if there is one, worker_node, worker_host).
    """
    content: dict[str, object] = {
        "id": start.task.job,
        "path_to_node": list(start.path_to_node),
        "config": dict(start.job.config),
        "resources_by_node": {
            node: dict(resources) for node, resources in start.resources_by_node.items()
        },
    }
    if start.prev_status is not None:
        content["prev_status"] = start.prev_status.export()
    content["worker_node"] = worker_node
    content["worker_host"] = worker_host
    try:
        text = _compact(content, ensure_ascii=False)
        if is_encodable(text):
            return text
        return _compact(content, ensure_ascii=True)
    except RecursionError:
        raise ValueError("its config is nested too deeply") from None


def build_arguments(
    start: StartTask,
    *,
    command: tuple[str, ...],
    fill_placeholders: bool,
    status_file: str,
    config: str,
    config_file: str,
    base_environment: Mapping[str, str],
) -> TaskArguments:
    """Return what to execute for an attempt.

    ``command`` is the job's own (``fill_placeholders``) or the worker command; its
    first word is ready to be executed. A JSON too long for an argument is replaced
    by ``@config_file``, which the caller must then write.
    """
    in_file = f"@{config_file}"
    values = {
        "node": start.task.node,
        "job": start.task.job,
        "status_file": status_file,
    }
    argv = _words(command, values, config, fill_placeholders)
    argv_in_file = max(map(_size, argv)) > LONGEST_ARGUMENT
    if argv_in_file:
        argv = _words(command, values, in_file, fill_placeholders)
    variable_in_file = _size(config) > LONGEST_CONFIG_VARIABLE
    environment = {
        **base_environment,
        **start.job.env,
        "BISTRO_JOB": start.task.job,
        "BISTRO_NODE": start.task.node,
        "BISTRO_STATUS_FILE": status_file,
        "BISTRO_CONFIG": in_file if variable_in_file else config,
        "BISTRO_INVOCATION": str(start.invocation),
    }
    return TaskArguments(
        argv=argv,
        environment=environment,
        config=config,
        config_file_needed=argv_in_file or variable_in_file,
    )


def resolve_program(word: str, *, directory: str) -> str:
    """Return the program to execute: a word with ``/`` counts from ``directory``.

    A bare word is returned as it is, to be looked up in the task's PATH.
    """
    return os.path.normpath(os.path.join(directory, word)) if "/" in word else word


def is_encodable(text: str) -> bool:
    """Whether ``text`` has a UTF-8 form (no lone surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(
    command: tuple[str, ...], values: Mapping[str, str], config: str, fill: bool
) -> tuple[str, ...]:
    trailing = (values["node"], values["status_file"], config)
    if not fill:
        return command + trailing
    filled = [_fill(word, {**values, "config": config}) for word in command]
    words = tuple(word for word, _ in filled)
    return words if any(used for _, used in filled) else words + trailing


def _fill(word: str, values: Mapping[str, str]) -> tuple[str, bool]:
    """Return the word with its placeholders filled in, and whether it had any.

    One pass from left to right, so a value is never looked into for placeholders and
    ``{{node}}`` is how a person writes a literal ``{node}``.
    """
    if not _PLACEHOLDER.search(word):
        return word, False
    used = False

    def replacement(match: re.Match[str]) -> str:
        nonlocal used
        if name := match[1]:
            used = True
            return values[name]
        return match[0][0]

    return _PIECE.sub(replacement, word), used


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _compact(content: object, *, ensure_ascii: bool) -> str:
    return json.dumps(
        content, ensure_ascii=ensure_ascii, separators=(",", ":"), allow_nan=False
    )
