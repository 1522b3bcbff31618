"""Which doors are to be opened, whether they may be, and opening them.

Loopback is open to every user of this host. What reaches further needs TLS and a token.
"""

import errno
import os
import socket
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from bistro_tui.engine.api.gate import Gate
from bistro_tui.engine.api.tokens import Token, given_token
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.sockets import unix_address

_BACKLOG = 1_024
"""With fewer, a burst makes others wait for a second until they try again."""
_TRIES = 20
"""How often a port is picked that the other family should have, too."""
_NO_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
_LOCALHOST: tuple[tuple[int, Any], ...] = (
    (socket.AF_INET, ("127.0.0.1", 0)),
    (socket.AF_INET6, ("::1", 0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpPlan:
    """A TCP door that may be opened."""

    host: str
    """As it was asked for; ``localhost`` where nothing was."""
    port: int
    """0: any."""
    addresses: tuple[tuple[int, Any], ...]
    """Family and socket address without the port, of each address to listen on."""
    is_loopback: bool
    tls: ssl.SSLContext | None = None
    token: Token | None = None
    """Of ``--http-token-file``; None: our own is to be used."""
    warnings: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        """Return ``http`` or ``https``."""
        return "http" if self.tls is None else "https"

    def gate(self, port: int) -> Gate:
        """Return what the door lets in, once its port is known."""
        names = {self.host.lower(), *(address[0] for _, address in self.addresses)}
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
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{port}"


def plan_tcp(options: EngineOptions) -> TcpPlan | None:
    """Return the TCP door that is asked for, None where none is.

    Looks up a host name, reads certificate, key and token file. Raises DoorUnusable.
    """
    if options.http_server_port is None:
        return None
    host = (options.http_server_address or "").strip().strip("[]")
    addresses = _resolved(host) if host else _LOCALHOST
    is_loopback = all(_is_loopback(address[0]) for _, address in addresses)
    if not is_loopback:
        _refuse_without_protection(host, options)
    tls = _tls(options.http_tls_cert, options.http_tls_key)
    token, warning = None, ""
    if options.http_token_file is not None:
        token, warning = given_token(options.http_token_file)
    return TcpPlan(
        host=host or "localhost",
        port=options.http_server_port,
        addresses=addresses,
        is_loopback=is_loopback,
        tls=tls,
        token=token,
        warnings=(warning,) if warning else (),
    )


def loopback_plan(port: int) -> TcpPlan:
    """Return a door that only this host reaches, by both families; 0: any port."""
    return TcpPlan(host="localhost", port=port, addresses=_LOCALHOST, is_loopback=True)


def bind_tcp(plan: TcpPlan) -> tuple[list[socket.socket], int]:
    """Return listening sockets, one an address, and the one port of all of them.

    Of localhost, a family that this host does not have is left out. Raises
    DoorUnusable.
    """
    for _ in range(_TRIES):
        try:
            with ExitStack() as until_all:
                found = _bound(plan, until_all)
                until_all.pop_all()
                return found
        except OSError as error:
            if not (plan.port == 0 and error.errno == errno.EADDRINUSE):
                raise DoorUnusable(_why_not(plan, error)) from error
    raise DoorUnusable(
        f"no port of {plan.host} is free for IPv4 and IPv6 together;"
        " name one with --http-server-port, or an address with --http-server-address"
    )


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


def _bound(plan: TcpPlan, until_all: ExitStack) -> tuple[list[socket.socket], int]:
    found: list[socket.socket] = []
    port, lacking = plan.port, None
    for family, address in plan.addresses:
        try:
            one = _listening(family, address, port)
        except OSError as error:
            if plan.host != "localhost" or error.errno not in _NO_FAMILY:
                raise
            lacking = error
            continue
        until_all.enter_context(one)
        port = one.getsockname()[1]
        found.append(one)
    if not found and lacking is not None:
        raise lacking
    return found, port


def _listening(family: int, address: Any, port: int) -> socket.socket:  # noqa: ANN401
    with ExitStack() as until_bound:
        one = until_bound.enter_context(socket.socket(family, socket.SOCK_STREAM))
        _prepare(one, family, address)
        one.bind((address[0], port, *address[2:]))
        one.listen(_BACKLOG)
        one.setblocking(False)
        until_bound.pop_all()
    return one


def _prepare(one: socket.socket, family: int, address: Any) -> None:  # noqa: ANN401
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # `::` is all of this host, as it was for Bistro; each other address is itself.
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")


def _resolved(host: str) -> tuple[tuple[int, Any], ...]:
    if host == "localhost":
        return _LOCALHOST
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no host name"
        raise DoorUnusable(f"--http-server-address {host}: {why}") from error
    inet = (socket.AF_INET, socket.AF_INET6)
    each = ((int(family), at) for family, _, _, _, at in found if family in inet)
    return tuple(dict.fromkeys(each))


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


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


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        given, missing = ("key", "cert") if cert is None else ("cert", "key")
        raise DoorUnusable(f"--http-tls-{given} needs --http-tls-{missing}, too")
    for flag, path in (("--http-tls-cert", cert), ("--http-tls-key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise DoorUnusable(f"{flag} {path}: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
        raise DoorUnusable(
            f"--http-tls-cert {cert}, --http-tls-key {key}: no certificate in PEM with"
            f" its key{f': {reason}' if reason else ''}"
        ) from error
    return context


def _no_password() -> str:
    # Else OpenSSL asks the terminal for it.
    raise ValueError("the key is encrypted; name one without a password")


def _why_not(plan: TcpPlan, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"--http-server-port {plan.port}: another program listens there on"
            f" {plan.host}\n  give another port, or 0 for any that is free"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--http-server-address {plan.host}: this host has no such address"
    return f"--http-server-port {plan.port} on {plan.host}: {error.strerror or error}"
