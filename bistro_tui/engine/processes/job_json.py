"""The JSON that each task of a job is given. Pure.

Source: Bistro, runners/TaskRunner.
"""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring as _quote

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.processes.path_json import PathJson, compact_json
from bistro_tui.engine.scheduling.actions import StartTask


class JobJson:
    """What the tasks of one job have in common is worked out once."""

    def __init__(self, job: Job) -> None:
        """Raise ValueError for a config that JSON cannot hold: NaN, endless nesting."""
        self.job = job
        try:
            config = compact_json(dict(job.config))
        except RecursionError:
            raise ValueError("its config is nested too deeply") from None
        self._head = f'{{"id":{_quote(job.name)},"path_to_node":['
        self._config = f'],"config":{config},"resources_by_node":'
        self._paths = PathJson()

    def text(self, start: StartTask, worker: "WorkerWords") -> str:
        """Return the JSON a task gets: compact, one line, always encodable as UTF-8.

        ``id``, ``path_to_node``, ``config``, ``resources_by_node``, ``prev_status``
        only if there is one, ``worker_node``, ``worker_host``.
        """
        path, resources = self._paths.of(start)
        previous, before = start.prev_status, ""
        if previous is not None:
            before = f',"prev_status":{compact_json(previous.export())}'
        text = f"{self._head}{path}{self._config}{resources}{before}{worker.tail}"
        if text.isascii() or is_encodable(text):
            return text
        return self._ascii(start, worker.keys)

    def _ascii(self, start: StartTask, worker: Mapping[str, str]) -> str:
        """Return the same with escapes only, for halves of surrogate pairs."""
        content: dict[str, object] = {
            "id": start.task.job,
            "path_to_node": list(start.path_to_node),
            "config": dict(start.job.config),
            "resources_by_node": _plain_resources(start),
        }
        if start.prev_status is not None:
            content["prev_status"] = start.prev_status.export()
        return _ASCII({**content, **worker})


class WorkerWords:
    """What a task is told of where it runs."""

    __slots__ = ("keys", "tail")

    def __init__(self, *, node: str, host: str) -> None:
        self.keys = {"worker_node": node, "worker_host": host}
        self.tail = "," + compact_json(self.keys)[1:]
        """The end of the JSON."""


def is_encodable(text: str) -> bool:
    """Whether ``text`` has a UTF-8 form (no lone surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain_resources(start: StartTask) -> dict[str, dict[str, int]]:
    return {
        str(node): {str(name): amount for name, amount in resources.items()}
        for node, resources in start.resources_by_node.items()
    }


_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
