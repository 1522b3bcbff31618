"""A scheduler as one-shot commands see it: a socket with canned answers."""

import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from bistro_tui.engine.sockets import unix_address

Answer = Callable[[Mapping[str, Any]], Any]


class Error(Exception):
    """Raised by an answer: the subquery's ``error``."""


@dataclass
class FakeScheduler:
    """What it answers, and what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    """By handler: ``data``, an Error, or what gives one of them for a subquery."""
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    """The subqueries."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    status: int = 200
    body: bytes | None = None
    """Sent instead of an answer."""

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._one(query) for name, query in request.items()}

    def _one(self, query: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(query)
        name = query["handler"]
        found = self.answers.get(name, Error(f"Unknown handler: {name}"))
        try:
            data = found(query) if callable(found) else found
            if isinstance(data, Error):
                raise data
        except Error as error:
            return {"error": str(error)}
        return {"data": data}

    @contextmanager
    def on(self, data_dir: Path) -> Iterator["FakeScheduler"]:
        """Serve on the socket of a data directory."""
        (data_dir / "run").mkdir(parents=True, exist_ok=True)
        path = data_dir / "run" / "api.sock"
        with unix_address(path) as address:
            server = _UnixServer(address, self._handler())
        with _serving(server):
            yield self
        path.unlink()

    @contextmanager
    def on_a_port(self, tls: ssl.SSLContext | None = None) -> Iterator[int]:
        """Serve on a free port of this host, which is given."""
        server = _TcpServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        with _serving(server):
            yield server.server_address[1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scheduler = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                scheduler.headers.append(dict(self.headers.items()))
                content = self.rfile.read(int(self.headers["Content-Length"]))
                found = scheduler.body
                if found is None:
                    found = json.dumps(scheduler.answer(json.loads(content))).encode()
                self.send_response(scheduler.status)
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
                """Say nothing."""

            def address_string(self) -> str:
                return "somebody"

        return Handler


class _Quiet(socketserver.ThreadingMixIn, socketserver.BaseServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client goes away: it trusts no certificate, or was interrupted."""


class _UnixServer(_Quiet, socketserver.UnixStreamServer):
    pass


class _TcpServer(_Quiet, socketserver.TCPServer):
    pass


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
