"""One question, one answer: for commands that ask and end. Loads little."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bistro_tui.client.address import Address
from bistro_tui.client.errors import NoAnswer, Refused
from bistro_tui.engine.sockets import unix_address

__all__ = ["Asking", "NoAnswer", "Refused"]

TIMEOUT_SEC = 30.0
"""How long the other side may be silent."""
_COMING_SEC, _LOOK_SEC = 3.0, 0.02
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
        timeout: float = TIMEOUT_SEC,
        is_coming: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make it; nothing is asked yet.

        ``timeout`` is how many seconds the other side may be silent. Where nobody
        listens, ``is_coming`` tells whether somebody soon might.
        """
        self.address = address
        self._timeout = timeout
        self._is_coming = is_coming

    def ask(self, handler: str, **values: object) -> Any:  # noqa: ANN401 - JSON
        """Return ``data`` of one handler. Raises NoAnswer or Refused."""
        answer = self.ask_raw({"it": {"handler": handler, **values}}).get("it")
        if isinstance(answer, dict) and "data" in answer:
            return answer["data"]
        if not isinstance(answer, dict) or not isinstance(answer.get("error"), str):
            raise self._no_scheduler()
        text: str = answer["error"]
        if text == f"Unknown handler: {handler}":
            text = (
                f"{self.address}: that scheduler is of another version and knows no"
                f" {handler}; start it again with this one"
            )
        raise Refused(text)

    def ask_raw(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answers to a request by name. Raises NoAnswer or Refused."""
        return self.ask_text(json.dumps(request).encode())

    def ask_text(self, body: bytes) -> dict[str, Any]:
        """Return the answers to a request that is JSON already.

        Raises NoAnswer or Refused.
        """
        try:
            status, content = self._exchange_when_there(body)
            found = json.loads(content)
        except TimeoutError:
            raise NoAnswer(
                f"{self.address}: no answer within {self._timeout:.0f} s"
            ) from None
        except OSError as error:
            raise NoAnswer(self._words(error)) from None
        except (http.client.HTTPException, ValueError, RecursionError):
            raise self._no_scheduler() from None
        if status == http.client.OK and isinstance(found, dict):
            return found
        if not isinstance(found, str) or status in _BUSY:
            text = found if isinstance(found, str) else f"HTTP status {status}"
            raise NoAnswer(f"{self.address}: cannot answer now: {text}")
        raise Refused(_HELP.get(status, "") + found)

    def _exchange_when_there(self, body: bytes) -> tuple[int, bytes]:
        for _ in range(round(_COMING_SEC / _LOOK_SEC)):
            try:
                return self._exchange(body)
            except (FileNotFoundError, ConnectionRefusedError):
                if not self._is_coming():
                    break
                time.sleep(_LOOK_SEC)
        return self._exchange(body)

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
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

    def _connection(self) -> http.client.HTTPConnection:
        if self.address.socket is not None:
            return _UnixConnection(self.address, self._timeout)
        parts = urlsplit(self.address.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        ca_file = self.address.ca_file
        trusted = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        return http.client.HTTPSConnection(
            host, port, timeout=self._timeout, context=trusted
        )

    def _no_scheduler(self) -> NoAnswer:
        return NoAnswer(f"{self.address}: what answers there is no scheduler")

    def _words(self, error: OSError) -> str:
        """Return what to tell of a connection that came to nothing."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"{self.address}: its certificate is not trusted"
                f" ({error.verify_message}); name whose it is with --tls-ca FILE"
            )
        if isinstance(error, ssl.SSLError):
            return f"{self.address}: speaks no TLS ({error.reason}); http://?"
        if self.address.socket is None:
            return f"{self.address}: no scheduler answers ({error.strerror or error})"
        data_dir = self.address.socket.parent.parent
        if self._is_coming():
            return f"the scheduler on {data_dir} does not answer: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            return f"no scheduler runs on {data_dir}"
        if isinstance(error, ConnectionRefusedError):
            return f"no scheduler runs on {data_dir}: nobody listens there any more"
        return f"no scheduler answers on {data_dir}: {error.strerror or error}"


_HELP = {
    401: "it wants its token: name the file with --token-file FILE"
    " or BISTRO_TUI_TOKEN_FILE. It says: ",
    403: "it does not serve by this name: ",
}
