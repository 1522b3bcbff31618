"""One question, one answer: for commands that ask and end. Loads little."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bistro_tui.client.address import Address
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, Refused, WentAway
from bistro_tui.client.words import of_other_version, refusal, untrusted
from bistro_tui.engine.sockets import unix_address

__all__ = ["Asking", "NoAnswer", "Refused"]

LOOK_SEC = 5.0
"""How long a scheduler may be silent that is asked for what it has at hand."""
_ACT_SEC, _SEARCH_SEC = 15.0, 30.0
"""The same for an edit, which waits for the config to be read again, and for what may
have to be looked for in all of the log."""
_PATIENCE_SEC = {
    **dict.fromkeys(("enable_job", "disable_job", "save_job", "delete_job"), _ACT_SEC),
    **dict.fromkeys(("set_job_priority", "set_limit"), _ACT_SEC),
    **dict.fromkeys(("forgive_jobs", "forgive_tasks", "kill_task", "stop"), _ACT_SEC),
    **dict.fromkeys(("history", "log_lines"), _SEARCH_SEC),
}
"""By handler."""
_COMING_SEC, _AGAIN_SEC = 3.0, 0.02
"""How long a scheduler that is just starting is waited for, and how often we look."""
_LARGEST = 512 * 2**20
"""Bytes of an answer; a scheduler with a million tasks gives less."""
_BUSY = (http.client.SERVICE_UNAVAILABLE, http.client.BAD_GATEWAY)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._address = address

    def connect(self) -> None:
        assert self._address.socket is not None
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with unix_address(self._address.socket) as path:
            self.sock.connect(path)


class Asking:
    """Asks one scheduler, each question over a connection of its own."""

    def __init__(
        self,
        address: Address,
        *,
        timeout: float | None = None,
        is_coming: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make it; nothing is asked yet.

        ``timeout`` is how many seconds the other side may be silent; without, what is
        asked decides. Where nobody listens, ``is_coming`` tells whether somebody soon
        might.
        """
        self.address = address
        self._timeout = timeout
        self._is_coming = is_coming

    def ask(self, handler: str, **values: object) -> Any:  # noqa: ANN401 - JSON
        """Return ``data`` of one handler. Raises NoAnswer or Refused."""
        return self.ask_within(self._patience((handler,)), handler, **values)

    def ask_within(self, timeout: float, handler: str, **values: object) -> Any:  # noqa: ANN401 - JSON
        """Return ``data`` of one handler that may be silent for so many seconds.

        Raises NoAnswer or Refused.
        """
        request = {"it": {"handler": handler, **values}}
        answer = self._ask(json.dumps(request).encode(), timeout).get("it")
        if isinstance(answer, dict) and "data" in answer:
            return answer["data"]
        if not isinstance(answer, dict) or not isinstance(answer.get("error"), str):
            raise self._no_scheduler()
        raise Refused(of_other_version(self.address, handler, answer["error"]))

    def ask_raw(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answers to a request by name. Raises NoAnswer or Refused."""
        handlers = (str(one.get("handler")) for one in request.values())
        return self._ask(json.dumps(request).encode(), self._patience(handlers))

    def ask_text(self, body: bytes) -> dict[str, Any]:
        """Return the answers to a request that is JSON already.

        Raises NoAnswer or Refused.
        """
        return self._ask(body, self._timeout or _ACT_SEC)

    def _patience(self, handlers: Iterable[str]) -> float:
        if self._timeout is not None:
            return self._timeout
        return max(_PATIENCE_SEC.get(handler, LOOK_SEC) for handler in handlers)

    def _ask(self, body: bytes, timeout: float) -> dict[str, Any]:
        try:
            status, content = self._exchange_when_there(body, timeout)
            found = json.loads(content)
        except TimeoutError:
            raise NoAnswerInTime(
                f"{self.address}: no answer within {timeout:.2g} s"
            ) from None
        except (ConnectionResetError, BrokenPipeError):
            raise WentAway(self._words_of_one_gone()) from None
        except OSError as error:
            raise NoAnswer(self._words(error)) from None
        except (http.client.HTTPException, ValueError, RecursionError) as error:
            raise self._no_scheduler(error) from None
        if status == http.client.OK and isinstance(found, dict):
            return found
        if not isinstance(found, str) or status in _BUSY:
            text = found if isinstance(found, str) else f"HTTP status {status}"
            raise NoAnswer(f"{self.address}: cannot answer now: {text}")
        raise Refused(refusal(self.address, status, found))

    def _exchange_when_there(self, body: bytes, timeout: float) -> tuple[int, bytes]:
        for _ in range(round(_COMING_SEC / _AGAIN_SEC)):
            try:
                return self._exchange(body, timeout)
            except (FileNotFoundError, ConnectionRefusedError):
                if not self._is_coming():
                    break
                time.sleep(_AGAIN_SEC)
        return self._exchange(body, timeout)

    def _exchange(self, body: bytes, timeout: float) -> tuple[int, bytes]:
        connection = self._connection(timeout)
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if self.address.token:
            headers["Authorization"] = f"Bearer {self.address.token}"
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            content = response.read(_LARGEST + 1)
        finally:
            connection.close()
        if len(content) > _LARGEST:
            raise http.client.IncompleteRead(b"")
        return response.status, content

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.address.socket is not None:
            return _UnixConnection(self.address, timeout)
        parts = urlsplit(self.address.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout)
        ca_file = self.address.ca_file
        try:
            trusted = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            reason = error.strerror or "it holds no certificate"
            raise NoAnswer(f"--tls-ca: {ca_file}: {reason}") from None
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=trusted)

    def _no_scheduler(self, error: Exception | None = None) -> NoAnswer:
        # What a port that wants TLS says to somebody who speaks none is no HTTP.
        is_strange = isinstance(error, http.client.BadStatusLine)
        meant = self._https() if is_strange else ""
        return NoAnswer(f"{self.address}: what answers there is no scheduler{meant}")

    def _words_of_one_gone(self) -> str:
        if self.address.socket is None:
            return f"{self.address}: closed the connection, unanswered{self._https()}"
        data_dir = self.address.socket.parent.parent
        return (
            f"the scheduler on {data_dir} went away before it answered: it was stopped,"
            " or killed"
        )

    def _https(self) -> str:
        return "; https://?" if self.address.url.startswith("http:") else ""

    def _words(self, error: OSError) -> str:
        """Return what to tell of a connection that came to nothing."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return untrusted(self.address, error)
        if isinstance(error, ssl.SSLError):
            return f"{self.address}: speaks no TLS ({error.reason}); http://?"
        if self.address.socket is None:
            return f"{self.address}: no scheduler answers ({error.strerror or error})"
        data_dir = self.address.socket.parent.parent
        if self._is_coming():
            reason = error.strerror or error
            return f"the scheduler on {data_dir} does not answer: {reason}"
        if isinstance(error, FileNotFoundError):
            return f"no scheduler runs on {data_dir}"
        if isinstance(error, ConnectionRefusedError):
            return f"no scheduler runs on {data_dir}: nobody listens there any more"
        return f"no scheduler answers on {data_dir}: {error.strerror or error}"
