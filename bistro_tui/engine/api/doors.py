"""The doors of one scheduler: their sockets, their names in ``run/``, their token."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bistro_tui.engine.api.binding import TcpPlan, bind_tcp, bind_unix, plan_tcp
from bistro_tui.engine.api.gate import Gate
from bistro_tui.engine.api.tokens import Token, own_token
from bistro_tui.engine.datadir import PRIVATE_FILE, DataDir
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.private_file import words_of

log = logging.getLogger("bistro_tui")

SOCKET_NAME = "api.sock"
PORT_NAME = "http.port"


class Doors:
    """A unix socket always, a TCP port where one was asked for.

    Nobody answers at them yet: who knocks waits until a server accepts.
    """

    def __init__(self, options: EngineOptions) -> None:
        """Look whether the doors that ``options`` ask for may be opened.

        Raises DoorUnusable.
        """
        self.plan: TcpPlan | None = plan_tcp(options)
        self.unix: socket.socket | None = None
        self.tcp: list[socket.socket] = []
        self.gate: Gate | None = None
        """Of the TCP door; None without one."""
        self.token: Token | None = None
        """None where it could not be kept: then nobody can show it."""
        self.trouble = ""
        """Why there is no unix socket; empty if there is one."""
        self._port_file: Path | None = None

    @property
    def url(self) -> str:
        """Where the TCP door is reached; empty without one."""
        if self.plan is None or self.gate is None:
            return ""
        return self.plan.url(self.gate.port)

    @contextmanager
    def opened(self, data_dir: DataDir) -> Iterator[None]:
        """Bind all sockets; their names are removed at the end of the block.

        Raises DoorUnusable or DataDirUnusable.
        """
        self._port_file = data_dir.run / PORT_NAME
        names = [data_dir.run / SOCKET_NAME, self._port_file]
        try:
            # What a scheduler that was killed has left would lead to somebody else.
            _remove(names)
            self._take_token(data_dir)
            if self.plan is not None:
                for warning in self.plan.warnings:
                    log.warning("%s", warning)
                self.tcp, port = bind_tcp(self.plan)
                self.gate = self.plan.gate(port)
            self._bind_unix(names[0])
            yield
        finally:
            _remove(names)

    def publish_port(self) -> None:
        """Write the TCP port where scripts find it. Raises OSError."""
        if self._port_file is None or self.gate is None:
            return
        fresh = self._port_file.with_name(f"{PORT_NAME}.new")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(fresh, flags, PRIVATE_FILE)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{self.gate.port}\n")
        fresh.replace(self._port_file)

    def close(self) -> None:
        """Close all sockets; harmless when repeated."""
        for one in (self.unix, *self.tcp):
            if one is not None:
                one.close()
        self.unix, self.tcp = None, []

    def _take_token(self, data_dir: DataDir) -> None:
        if self.plan is not None and self.plan.token is not None:
            self.token = self.plan.token
            return
        try:
            self.token, warning = own_token(data_dir.secrets_dir())
        except (OSError, DataDirUnusable) as error:
            if self.plan is not None:
                raise _no_token(data_dir, error) from error
            # Nobody needs it on the unix socket.
            log.warning("no token could be kept for REST over TCP: %s", error)
            return
        if warning:
            log.warning("%s", warning)

    def _bind_unix(self, path: Path) -> None:
        try:
            self.unix = bind_unix(path)
        except OSError as error:
            self.trouble = (
                f"{path}: no socket can be made there ({error.strerror or error});"
                " commands and attach cannot reach this scheduler"
            )
            log.warning("%s", self.trouble)


def _no_token(data_dir: DataDir, error: Exception) -> DataDirUnusable:
    if isinstance(error, DataDirUnusable):
        return error
    why = words_of(error) if isinstance(error, OSError) else error
    return DataDirUnusable(
        data_dir.path / "secrets",
        f"the token for REST cannot be kept there: {why}",
        "make that directory writable for you, or give --http-token-file",
    )


def _remove(names: list[Path]) -> None:
    for path in names:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
