"""Where a scheduler is reached."""

from dataclasses import dataclass, field
from pathlib import Path

_EXAMPLE = "http://localhost:6790"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A unix socket, or a URL."""

    socket: Path | None = None
    url: str = ""
    """``http://HOST:PORT`` or ``https://…``; empty where there is a socket."""
    token: str = field(default="", repr=False)
    """For what changes something over TCP; never shown."""
    token_file: Path | None = None
    """Where the token was found."""
    ca_file: Path | None = None
    """Whose signatures are trusted with ``https``; None: those the system trusts."""

    def __str__(self) -> str:
        return self.url or str(self.socket)


def address_in(data_dir: Path) -> Address:
    """Return the address of the scheduler of a data directory."""
    return Address(socket=data_dir / "run" / "api.sock")


def address_of_url(
    url: str,
    *,
    token: str = "",
    token_file: Path | None = None,
    ca_file: Path | None = None,
) -> Address:
    """Return the address that a URL names, without a path.

    Raises ValueError, whose text never repeats what may be a secret: a URL with a user
    or a query in it is refused, and so is a token that would travel in clear.
    """
    # Imported late: most who ask are on the same host and name no URL.
    from urllib.parse import urlsplit

    if any(mark in url for mark in "@?#"):
        raise ValueError(
            "a URL with a user, a query or a fragment in it is refused: what is on a"
            " command line can be read by others. Give a token with --token-file FILE"
        )
    if not (url.isascii() and url.isprintable() and " " not in url):
        raise ValueError(f"{url!r} is no URL; one looks like {_EXAMPLE}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{url}: {error}; a URL looks like {_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        meant = "" if "://" in url else f"; did you mean http://{url}?"
        raise ValueError(
            f"{url}: neither http:// nor https://{meant or f', like {_EXAMPLE}'}"
        )
    if not host or port == 0:
        raise ValueError(f"{url}: names no host and port; one looks like {_EXAMPLE}")
    if parts.path.strip("/"):
        raise ValueError(f"{url}: a scheduler has no path {parts.path}; leave it out")
    if token and parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(
            f"{url}: the token would travel in clear to {host}; use https://"
        )
    if ca_file is not None and parts.scheme == "http":
        raise ValueError(f"{url}: --tls-ca is for https://")
    shown = f"[{host}]" if ":" in host else host
    default = 443 if parts.scheme == "https" else 80
    return Address(
        url=f"{parts.scheme}://{shown}:{port or default}",
        token=token,
        token_file=token_file,
        ca_file=ca_file,
    )


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    # A connection to the unspecified address is one to this host.
    return found.is_loopback or found.is_unspecified
