"""Whether a request over TCP may come in at all, by what it says of where it is from.

A web page that was loaded from elsewhere can send requests to a port of this host: by
a name that it makes point here, or straight across origins. Both show in the headers,
which a page cannot choose. All of this is pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::([0-9]{1,5}))?")
_TARGET = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_ORIGIN = re.compile(r"(https?)://(.{1,300})")
_DEFAULT_PORTS = {"http": 80, "https": 443}
NOT_ONE_HOST = "a request needs one Host header"
_OWN_SITES = ("none", "same-origin")
_LOOPBACK_6 = (IPv6Address("::1"), IPv6Address("::"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one TCP door lets in."""

    scheme: str
    """``http`` or ``https``."""
    port: int
    names: frozenset[str]
    """What it was bound by, in lower case; addresses without brackets."""
    is_loopback: bool
    """Whether only this host reaches it: then reading needs no token."""

    def refusal(
        self,
        *,
        hosts: Sequence[str],
        origins: Sequence[str] = (),
        sites: Sequence[str] = (),
        came_in_by: str = "",
        authority: str | None = None,
    ) -> str:
        """Return why the request is refused, empty if it is not.

        The arguments are all values of the headers Host, Origin and Sec-Fetch-Site,
        this end's address of the connection, and the host that the request's first
        line names, if it does.
        """
        if len(hosts) != 1:
            return NOT_ONE_HOST
        if not self._is_ours(hosts[0], came_in_by):
            return "the Host header names another host"
        if authority is not None and not self._is_ours(authority, came_in_by):
            return "the request names another host"
        if origins and not (len(origins) == 1 and self._is_own(origins[0], came_in_by)):
            return "requests of web pages from elsewhere are refused (Origin)"
        if sites and not (len(sites) == 1 and sites[0] in _OWN_SITES):
            return "requests of web pages from elsewhere are refused (Sec-Fetch-Site)"
        return ""

    def _is_ours(self, host: str, came_in_by: str) -> bool:
        found = _authority(host)
        if found is None:
            return False
        name, port = found
        return port in (None, self.port) and self._is_our_name(name, came_in_by)

    def _is_own(self, origin: str, came_in_by: str) -> bool:
        parts = _ORIGIN.fullmatch(origin.lower())
        found = _authority(parts[2]) if parts is not None else None
        if parts is None or found is None or parts[1] != self.scheme:
            return False
        name, port = found
        return (port or _DEFAULT_PORTS[self.scheme]) == self.port and self._is_our_name(
            name, came_in_by
        )

    def _is_our_name(self, name: str, came_in_by: str) -> bool:
        if name == "localhost" or name in self.names:
            return True
        address = _address(name)
        if isinstance(address, IPv4Address) and address.is_loopback:
            return True
        if address in _LOOPBACK_6:
            return True
        # No name is asked for when an address is spelled out, so none can mislead.
        is_address = address is not None
        return is_address and str(address) in (came_in_by, *self.names)


def split_target(target: str) -> tuple[str | None, str]:
    """Return host and port, None if there are none, and the path with what follows.

    ``target`` is what a request's first line names.
    Source: RFC 9112, 3.2.2.
    """
    found = _TARGET.fullmatch(target)
    if found is None:
        return None, target
    rest = found[2]
    return found[1], rest if rest.startswith("/") else f"/{rest}"


def _authority(text: str) -> tuple[str, int | None] | None:
    """Return host and port of ``HOST[:PORT]``, None if it is anything else."""
    found = _AUTHORITY.fullmatch(text.lower()) if text.isascii() else None
    if found is None:
        return None
    return found[1], int(found[2]) if found[2] else None


def _address(name: str) -> IPv4Address | IPv6Address | None:
    """Return the address that is spelled out: IPv6 in brackets, IPv4 without."""
    is_6 = name.startswith("[")
    try:
        found = ip_address(name[1:-1] if is_6 else name)
    except ValueError:
        return None
    return found if isinstance(found, IPv6Address) == is_6 else None
