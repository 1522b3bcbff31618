"""The rows of the log table ``statuses``: what happened to an attempt, as JSON.

Source: Bistro, processes/TaskSubprocessQueue (its event log).
"""

import json
from typing import Any

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.statuses.status import TaskStatus


class EventRows:
    """Writes the event rows of one attempt."""

    def __init__(
        self, sink: LogSink, task: TaskId, invocation: InvocationId, worker_host: str
    ) -> None:
        self._sink = sink
        self._task = task
        self._common: dict[str, Any] = {
            "worker_host": worker_host,
            "invocation_start_time": invocation.start_time,
            "invocation_rand": invocation.rand,
        }

    def running(self, argv: tuple[str, ...]) -> None:
        """The process is about to be started."""
        self._write("running", command=list(argv))

    def failed_to_start(self, status: TaskStatus) -> None:
        """It could not be; nothing follows."""
        self._write("task_failed_to_start", status=_no_time(status))

    def process_exited(self, message: str) -> None:
        """The main process has ended."""
        self._write("process_exited", message=message)

    def pipe_error(self, message: str) -> None:
        """An output pipe cannot be read."""
        self._write("task_pipe_error", message=message)

    def pipes_closed(self) -> None:
        """There is no more output to come; may precede ``process_exited``."""
        self._write("task_pipes_closed")

    def got_status(self, status: TaskStatus, raw: bytes | None) -> None:
        """The attempt is over; ``raw`` is what its status file held."""
        if raw:
            text = raw.decode("utf-8", "replace").removesuffix("\n")
            self._common["raw_status"] = text.removesuffix("\r")
        self._write("got_status", status=_no_time(status))

    def _write(self, event: str, **more: object) -> None:
        row = json.dumps({"event": event, **self._common, **more})
        self._sink.write(self._task, Stream.STATUSES, [row.encode()])


def _no_time(status: TaskStatus) -> dict[str, Any]:
    exported: dict[str, Any] = {"result_bits": int(status.bits)}
    if status.data:
        exported["data"] = dict(status.data)
    return exported
