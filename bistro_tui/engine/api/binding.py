"""Which doors are to be opened, whether they may be, and opening them.

Loopback is open to every user of this host. What reaches further needs TLS and a token.
"""

import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.api.gate import Gate
from bistro_tui.engine.api.tokens import Token, given_token
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.sockets import unix_address
from bistro_tui.engine.tcp_binding import (
    DoorFlags,
    TcpPlace,
    bind_place,
    server_tls,
    tcp_place,
)

_BACKLOG = 1_024
_FLAGS = DoorFlags(
    port="--http-server-port",
    address="--http-server-address",
    tls_cert="--http-tls-cert",
    tls_key="--http-tls-key",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpPlan:
    """A TCP door that may be opened."""

    place: TcpPlace
    tls: ssl.SSLContext | None = None
    token: Token | None = None
    """Of ``--http-token-file``; None: our own is to be used."""
    warnings: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Return it as it was asked for; ``localhost`` where nothing was."""
        return self.place.host

    @property
    def is_loopback(self) -> bool:
        """Whether only this host reaches it."""
        return self.place.is_loopback

    @property
    def scheme(self) -> str:
        """Return ``http`` or ``https``."""
        return "http" if self.tls is None else "https"

    def gate(self, port: int) -> Gate:
        """Return what the door lets in, once its port is known."""
        names = {
            self.host.lower(),
            *(address[0] for _, address in self.place.addresses),
        }
        if not self.is_loopback:
            names.add(socket.gethostname().lower())
        return Gate(
            scheme=self.scheme,
            port=port,
            names=frozenset(names),
            is_loopback=self.is_loopback,
        )

    def url(self, port: int) -> str:
        """Return what a client on this host can be given."""
        return f"{self.scheme}://{self.place.host_and_port(port)}"


def plan_tcp(options: EngineOptions) -> TcpPlan | None:
    """Return the TCP door that is asked for, None where none is.

    Looks up a host name, reads certificate, key and token file. Raises DoorUnusable.
    """
    if options.http_server_port is None:
        return None
    place = tcp_place(options.http_server_address, options.http_server_port, _FLAGS)
    if not place.is_loopback:
        _refuse_without_protection(place.host, options)
    tls = server_tls(options.http_tls_cert, options.http_tls_key, _FLAGS)
    token, warning = None, ""
    if options.http_token_file is not None:
        token, warning = given_token(options.http_token_file)
    return TcpPlan(
        place=place,
        tls=tls,
        token=token,
        warnings=(warning,) if warning else (),
    )


def loopback_plan(port: int) -> TcpPlan:
    """Return a door that only this host reaches, by both families; 0: any port."""
    return TcpPlan(place=tcp_place(None, port, _FLAGS))


def bind_tcp(plan: TcpPlan) -> tuple[list[socket.socket], int]:
    """Return listening sockets, one an address, and the one port of all of them.

    Of localhost, a family that this host does not have is left out. Raises
    DoorUnusable.
    """
    return bind_place(plan.place)


def bind_unix(path: Path) -> socket.socket:
    """Return a listening unix socket which only its owner can reach.

    Whatever has the name is replaced: it belongs to whoever holds the data directory.
    Raises OSError.
    """
    path.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with unix_address(path) as name:
            # From its first moment; a mode that is set later would come too late.
            before = os.umask(0o177)
            try:
                found.bind(name)
            finally:
                os.umask(before)
        found.listen(_BACKLOG)
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    return found


def _refuse_without_protection(host: str, options: EngineOptions) -> None:
    needed: Sequence[tuple[str, Path | None]] = (
        ("--http-tls-cert FILE", options.http_tls_cert),
        ("--http-tls-key FILE", options.http_tls_key),
        ("--http-token-file FILE", options.http_token_file),
    )
    missing = [flag for flag, path in needed if path is None]
    if missing:
        raise DoorUnusable(
            f"--http-server-address {host}: other hosts could reach it.\n"
            f"  To allow that give also {' and '.join(missing)};\n"
            "  without --http-server-address only this host reaches the port"
        )
