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
        """The process was started, or could not be, with these words."""
        command = ", ".join(map(_quote, words))
        about = self._about(invocation)
        return f'{{"event": "running{about}, "command": [{command}]}}'.encode()

    def failed_to_start(self, invocation: InvocationId, status: TaskStatus) -> bytes:
        """It could not be; nothing follows."""
        return self._row("task_failed_to_start", invocation, _status(status))

    def process_exited(self, invocation: InvocationId, message: str) -> bytes:
        """The main process has ended."""
        return self._row(
            "process_exited", invocation, f', "message": {_quote(message)}'
        )

    def got_status(
        self, invocation: InvocationId, status: TaskStatus, raw: bytes | None
    ) -> bytes:
        """The attempt is over; ``raw`` is what its status file held."""
        return self._row("got_status", invocation, _written(raw) + _status(status))

    def ended(
        self,
        invocation: InvocationId,
        message: str,
        status: TaskStatus,
        raw: bytes | None,
    ) -> list[bytes]:
        """The rows at its end: ``process_exited``, pipes closed, ``got_status``."""
        about = self._about(invocation)
        text = (
            f'{{"event": "process_exited{about}, "message": {_quote(message)}}}\n'
            f'{{"event": "task_pipes_closed{about}}}\n'
            f'{{"event": "got_status{about}{_written(raw)}{_status(status)}}}'
        )
        # A JSON text has no newlines of its own.
        return text.encode().split(b"\n")

    def _about(self, invocation: InvocationId) -> str:
        start_time, rand = invocation
        return f'{self._host}{start_time}, "invocation_rand": {rand}'

    def _row(self, event: str, invocation: InvocationId, more: str) -> bytes:
        return f'{{"event": "{event}{self._about(invocation)}{more}}}'.encode()


def _written(raw: bytes | None) -> str:
    if not raw:
        return ""
    text = raw.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    return f', "raw_status": {_quote(text)}'


def _status(status: TaskStatus) -> str:
    bits = int(status.bits)
    if not status.data:
        return f', "status": {{"result_bits": {bits}}}'
    data = json.dumps(dict(status.data))
    return f', "status": {{"result_bits": {bits}, "data": {data}}}'
