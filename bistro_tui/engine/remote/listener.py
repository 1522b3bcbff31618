"""The scheduler's port for workers."""

import asyncio
import contextlib
import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bistro_tui.engine.errors import DataDirUnusable, DoorUnusable
from bistro_tui.engine.private_file import words_of, write_private
from bistro_tui.engine.remote.certificate import (
    can_be_made,
    fingerprint_of,
    own_certificate,
    unusable,
)
from bistro_tui.engine.remote.link import Handlers
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.worker_token import (
    NAME,
    PORT_NAME,
    WorkerToken,
    kept_worker_token,
)
from bistro_tui.engine.tcp_binding import (
    DoorFlags,
    TcpPlace,
    bind_place,
    server_tls,
    tcp_place,
)

if TYPE_CHECKING:
    from bistro_tui.engine.remote.doorstep import Doorstep

log = logging.getLogger("bistro_tui")

_FLAGS = DoorFlags(
    port="--server-port",
    address="--server-address",
    tls_cert="--server-tls-cert",
    tls_key="--server-tls-key",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningPlan:
    """A port for workers that may be opened."""

    place: TcpPlace
    cert: Path | None = None
    """A certificate that a person named."""
    key: Path | None = None
    makes_certificate: bool = False
    """Whether TLS is needed, and our own certificate has to do."""


def plan_listening(
    *,
    port: int,
    address: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> ListeningPlan:
    """Return where workers are to be listened for, if that may be.

    Looks up a host name, reads certificate and key. Raises DoorUnusable.
    """
    place = tcp_place(address, port, _FLAGS)
    has_own = server_tls(tls_cert, tls_key, _FLAGS) is not None
    is_for_others = not place.is_loopback
    if is_for_others and not has_own and not can_be_made():
        raise DoorUnusable(
            f"--server-address {place.host}: other hosts could reach it, so it needs"
            " TLS.\n  `pip install 'bistro-tui[tls]'` lets the scheduler make its own"
            " certificate;\n  or give --server-tls-cert FILE and --server-tls-key FILE;"
            "\n  without --server-address only this host reaches the port"
        )
    return ListeningPlan(
        place=place,
        cert=tls_cert,
        key=tls_key,
        makes_certificate=is_for_others and not has_own,
    )


class Listener:
    """Lets workers in that have the secret of this data directory."""

    def __init__(
        self,
        plan: ListeningPlan,
        handlers: Handlers,
        *,
        limits: LinkLimits | None = None,
    ) -> None:
        self._plan, self._handlers = plan, handlers
        self._limits = limits or LinkLimits()
        self._sockets: list[socket.socket] = []
        self._token: WorkerToken | None = None
        self._tls: ssl.SSLContext | None = None
        self._port_file: Path | None = None
        self._accepting: asyncio.Task[None] | None = None
        self.port = 0
        """0 until it is open."""

    @property
    def address(self) -> str:
        """Return ``HOST:PORT``, once it is open."""
        return self._plan.place.host_and_port(self.port)

    def open(self, secrets: Path, run: Path) -> None:
        """Take the token and the certificate from ``secrets``, and bind the port.

        Whoever knocks waits until ``start``. ``run`` gets the file with the port then.
        Raises DoorUnusable or DataDirUnusable.
        """
        self._port_file = run / PORT_NAME
        # What a scheduler that was killed has left would lead to somebody else.
        self._remove_port()
        try:
            self._take_secrets(secrets)
        except OSError as error:
            raise DataDirUnusable(
                secrets,
                f"the token for workers cannot be kept there: {words_of(error)}",
                f"make that directory writable for you, and {NAME} in it a plain file",
            ) from error
        self._sockets, self.port = bind_place(self._plan.place)

    async def start(self) -> None:
        """Begin to let workers in. Raises OSError if the port cannot be published."""
        # Loaded here: a scheduler without workers need not wait for it.
        from bistro_tui.engine.remote.doorstep import Doorstep

        assert self._token is not None
        doorstep = Doorstep(
            self._token.secret, self._handlers, tls=self._tls, limits=self._limits
        )
        self._accepting = asyncio.get_running_loop().create_task(
            self._accept(doorstep), name="accept workers"
        )
        if self._port_file is not None:
            write_private(self._port_file, str(self.port))

    async def close(self) -> None:
        """End all links and close the port; harmless when repeated."""
        accepting, self._accepting = self._accepting, None
        if accepting is not None:
            accepting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await accepting
        while self._sockets:
            self._sockets.pop().close()
        self._remove_port()

    async def _accept(self, doorstep: "Doorstep") -> None:
        try:
            async with asyncio.TaskGroup() as all_of_them:
                for one in self._sockets:
                    all_of_them.create_task(
                        doorstep.accept_from(one), name="accept workers"
                    )
        finally:
            await doorstep.close()

    def _take_secrets(self, secrets: Path) -> None:
        cert: Path | None = None
        if self._plan.makes_certificate:
            cert = own_certificate(secrets)
            self._tls = _own_tls(cert)
        elif self._plan.cert is not None:
            cert = self._plan.cert
            self._tls = server_tls(cert, self._plan.key, _FLAGS)
        fingerprint = None if cert is None else fingerprint_of(cert)
        self._token, warning = kept_worker_token(secrets, fingerprint)
        if warning:
            log.warning("%s", warning)

    def _remove_port(self) -> None:
        if self._port_file is not None:
            with contextlib.suppress(OSError):
                self._port_file.unlink(missing_ok=True)


def _own_tls(path: Path) -> ssl.SSLContext | None:
    try:
        return server_tls(path, path, _FLAGS)
    except DoorUnusable as error:
        raise unusable(path) from error
