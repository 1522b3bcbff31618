"""The rows of the log table ``statuses``: what happened to an attempt, as JSON. Pure.

Put together from pieces, for an attempt has at least four; ``json`` itself is asked
only for what a task wrote.

Source: Bistro, processes/TaskSubprocessQueue (its event log).
"""

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as _quote

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.statuses.status import TaskStatus


class EventRows:
    """Makes the event rows of attempts on one host."""

    def __init__(self, worker_host: str) -> None:
        self._host = (
            f'", "worker_host": {_quote(worker_host)}, "invocation_start_time": '
        )

    def running(self, invocation: InvocationId, words: Sequence[str]) -> bytes:
        """The process is about to be started with these words."""
        command = ", ".join(map(_quote, words))
        return self._row("running", invocation, f', "command": [{command}]')

    def failed_to_start(self, invocation: InvocationId, status: TaskStatus) -> bytes:
        """It could not be; nothing follows."""
        return self._row("task_failed_to_start", invocation, _status(status))

    def process_exited(self, invocation: InvocationId, message: str) -> bytes:
        """The main process has ended."""
        return self._row(
            "process_exited", invocation, f', "message": {_quote(message)}'
        )

    def pipes_closed(self, invocation: InvocationId) -> bytes:
        """There is no more output to come."""
        return self._row("task_pipes_closed", invocation, "")

    def got_status(
        self, invocation: InvocationId, status: TaskStatus, raw: bytes | None
    ) -> bytes:
        """The attempt is over; ``raw`` is what its status file held."""
        written = ""
        if raw:
            text = raw.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
            written = f', "raw_status": {_quote(text)}'
        return self._row("got_status", invocation, written + _status(status))

    def _row(self, event: str, invocation: InvocationId, more: str) -> bytes:
        start_time, rand = invocation
        text = (
            f'{{"event": "{event}{self._host}{start_time},'
            f' "invocation_rand": {rand}{more}}}'
        )
        return text.encode()


def _status(status: TaskStatus) -> str:
    bits = int(status.bits)
    if not status.data:
        return f', "status": {{"result_bits": {bits}}}'
    data = json.dumps(dict(status.data))
    return f', "status": {{"result_bits": {bits}, "data": {data}}}'
