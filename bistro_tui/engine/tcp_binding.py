"""Where a TCP door is, and opening it: loopback by default, by both families."""

import errno
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias

from bistro_tui.engine.errors import DoorUnusable

_BACKLOG = 1_024
"""With fewer, a burst makes others wait for a second until they try again."""
_TRIES = 20
"""How often a port is picked that the other family should have, too."""
_NO_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
_Address: TypeAlias = tuple[Any, ...]
"""Of a socket: the host first, then the port."""
_LOCALHOST: tuple[tuple[int, _Address], ...] = (
    (socket.AF_INET, ("127.0.0.1", 0)),
    (socket.AF_INET6, ("::1", 0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFlags:
    """What a person sets a door with, as errors name it."""

    port: str
    address: str
    tls_cert: str
    tls_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpPlace:
    """Where a door shall be."""

    host: str
    """As it was asked for; ``localhost`` where nothing was."""
    port: int
    """0: any."""
    addresses: tuple[tuple[int, _Address], ...]
    """Family and socket address without the port, of each address to listen on."""
    flags: DoorFlags

    @property
    def is_loopback(self) -> bool:
        """Whether only this host reaches it."""
        return all(_is_loopback(address[0]) for _, address in self.addresses)

    def host_and_port(self, port: int) -> str:
        """Return ``HOST:PORT`` once the port is known."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{port}"


def tcp_place(address: str | None, port: int, flags: DoorFlags) -> TcpPlace:
    """Return the place of a door; None: loopback. Looks up a host name.

    Raises DoorUnusable.
    """
    host = (address or "").strip().strip("[]") or "localhost"
    addresses = _LOCALHOST if host == "localhost" else _resolved(host, flags)
    return TcpPlace(host=host, port=port, addresses=addresses, flags=flags)


def bind_place(place: TcpPlace) -> tuple[list[socket.socket], int]:
    """Return listening sockets, one an address, and the one port of all of them.

    Of localhost, a family that this host does not have is left out. Raises
    DoorUnusable.
    """
    for _ in range(_TRIES):
        try:
            with ExitStack() as until_all:
                found = _bound(place, until_all)
                until_all.pop_all()
                return found
        except OSError as error:
            if not (place.port == 0 and error.errno == errno.EADDRINUSE):
                raise DoorUnusable(_why_not(place, error)) from error
    raise DoorUnusable(
        f"no port of {place.host} is free for IPv4 and IPv6 together;"
        f" name one with {place.flags.port}, or an address with {place.flags.address}"
    )


def server_tls(
    cert: Path | None, key: Path | None, flags: DoorFlags
) -> ssl.SSLContext | None:
    """Return what a door speaks TLS with, None where no certificate is named.

    Raises DoorUnusable.
    """
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        given, missing = flags.tls_cert, flags.tls_key
        if cert is None:
            given, missing = missing, given
        raise DoorUnusable(f"{given} needs {missing}, too")
    for flag, path in ((flags.tls_cert, cert), (flags.tls_key, key)):
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
            f"{flags.tls_cert} {cert}, {flags.tls_key} {key}: no certificate in PEM"
            f" with its key{f': {reason}' if reason else ''}"
        ) from error
    return context


def _bound(place: TcpPlace, until_all: ExitStack) -> tuple[list[socket.socket], int]:
    found: list[socket.socket] = []
    port, lacking = place.port, None
    for family, address in place.addresses:
        try:
            one = _listening(family, address, port)
        except OSError as error:
            if place.host != "localhost" or error.errno not in _NO_FAMILY:
                raise
            lacking = error
            continue
        until_all.enter_context(one)
        port = one.getsockname()[1]
        found.append(one)
    if not found and lacking is not None:
        raise lacking
    return found, port


def _listening(family: int, address: _Address, port: int) -> socket.socket:
    with ExitStack() as until_bound:
        one = until_bound.enter_context(socket.socket(family, socket.SOCK_STREAM))
        _prepare(one, family, address)
        one.bind((address[0], port, *address[2:]))
        one.listen(_BACKLOG)
        one.setblocking(False)
        until_bound.pop_all()
    return one


def _prepare(one: socket.socket, family: int, address: _Address) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # `::` is all of this host, as it was for Bistro; each other address is itself.
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")


def _resolved(host: str, flags: DoorFlags) -> tuple[tuple[int, _Address], ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no host name"
        raise DoorUnusable(f"{flags.address} {host}: {why}") from error
    inet = (socket.AF_INET, socket.AF_INET6)
    each = ((int(family), at) for family, _, _, _, at in found if family in inet)
    return tuple(dict.fromkeys(each))


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def _no_password() -> str:
    # Else OpenSSL asks the terminal for it.
    raise ValueError("the key is encrypted; name one without a password")


def _why_not(place: TcpPlace, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{place.flags.port} {place.port}: another program listens there on"
            f" {place.host}\n  give another port, or 0 for any that is free"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{place.flags.address} {place.host}: this host has no such address"
    return f"{place.flags.port} {place.port} on {place.host}: {error.strerror or error}"
