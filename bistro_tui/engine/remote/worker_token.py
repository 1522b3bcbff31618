"""The secret that a scheduler shares with its workers, in a file of one line.

``SECRET``, and where the port speaks TLS ``SECRET sha256:HEX``, the fingerprint of its
certificate. The scheduler writes it; a worker on another host is given a copy.
"""

import contextlib
import re
import secrets
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from bistro_tui.engine.errors import DoorUnusable, NobodyListens
from bistro_tui.engine.live import known_data_dirs
from bistro_tui.engine.owner import owner_of
from bistro_tui.engine.private_file import read_private, write_private

NAME = "worker.token"
PORT_NAME = "worker.port"
"""In ``run/``: where a scheduler listens for workers."""
SHORTEST = 16
_BYTES = 32
_LINE = re.compile(r"([!-~]+)(?:[ \t]+(?i:sha256):([0-9A-Fa-f:]{64,95}))?", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class WorkerToken:
    """What a worker needs to reach its scheduler."""

    secret: str = field(repr=False)
    fingerprint: str | None = None
    """SHA-256 of the certificate that the port has to show, in lower-case hex; None:
    it speaks no TLS."""


def kept_worker_token(
    directory: Path, fingerprint: str | None
) -> tuple[WorkerToken, str]:
    """Return the scheduler's own token, made if there is none, and a warning.

    The secret stays; the fingerprint becomes the one given. Raises OSError.
    """
    path = directory / NAME
    warning = ""
    found: WorkerToken | None = None
    with contextlib.suppress(FileNotFoundError):
        text, mode = read_private(path, follow=False)
        if mode & _OTHERS:
            path.chmod(0o600)
            warning = f"{path}: others could read it; remove it and start again"
        found = _parsed(text)
    if found is None or len(found.secret) < SHORTEST:
        # Nobody has read the one that is made now.
        found, warning = None, ""
    secret = found.secret if found is not None else secrets.token_urlsafe(_BYTES)
    token = WorkerToken(secret, fingerprint)
    if token != found:
        write_private(path, _line(token))
    return token, warning


def given_worker_token(path: Path) -> tuple[WorkerToken, str]:
    """Return the token in a file that a person named, and a warning.

    The warning is empty where nothing is to be said. Raises DoorUnusable.
    """
    try:
        text, mode = read_private(path, follow=True)
    except OSError as error:
        raise DoorUnusable(
            f"--token-file {path}: {error.strerror}\n  {_COPY}"
        ) from error
    token = _parsed(text)
    if token is None or len(token.secret) < SHORTEST:
        raise DoorUnusable(
            f"--token-file {path}: holds no token of a scheduler\n  {_COPY}"
        )
    others = f"{path}: others may read this token; `chmod 600` keeps them out"
    return token, others if mode & _OTHERS else ""


def token_on_this_host(host: str, port: int) -> WorkerToken:
    """Return the token of the scheduler of this user that listens there.

    ``host`` and ``port`` are what the worker is to dial. Raises NobodyListens, and
    DoorUnusable where no wait helps.
    """
    if not _is_this_host(host):
        raise DoorUnusable(f"--scheduler-host {host} is another host\n  {_COPY}")
    found = [one for one in known_data_dirs() if _worker_port(one) == port]
    # One that was killed leaves its port behind: whoever lives is meant first.
    found.sort(key=lambda one: owner_of(one) is None)
    for data_dir in found:
        with contextlib.suppress(OSError):
            text, _ = read_private(data_dir / "secrets" / NAME, follow=False)
            token = _parsed(text)
            if token is not None:
                return token
    raise NobodyListens(
        f"no scheduler of yours listens on this host for workers at port {port}\n"
        f"  start it first, with --server-port {port}; or is it another user's?"
        f" {_COPY}"
    )


def host_to_dial(host: str) -> str:
    """Return where to connect to: ``::`` and ``0.0.0.0`` are this host."""
    plain = host.strip().strip("[]") or "localhost"
    with contextlib.suppress(ValueError):
        if ip_address(plain).is_unspecified:
            return "localhost"
    return plain


_COPY = (
    "copy secrets/worker.token from the scheduler's data directory, and give the copy"
    " with --token-file"
)


def _line(token: WorkerToken) -> str:
    if token.fingerprint is None:
        return token.secret
    return f"{token.secret} sha256:{token.fingerprint}"


def _parsed(text: str | None) -> WorkerToken | None:
    found = _LINE.fullmatch(text or "")
    if found is None:
        return None
    if found[2] is None:
        return WorkerToken(found[1])
    fingerprint = found[2].replace(":", "").lower()
    return WorkerToken(found[1], fingerprint) if _HEX.fullmatch(fingerprint) else None


def _worker_port(data_dir: Path) -> int | None:
    try:
        text = (data_dir / "run" / PORT_NAME).read_text("ascii")[:16].strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isascii() and text.isdigit() else None


def _is_this_host(host: str) -> bool:
    """Return whether that is an address of this host. Raises DoorUnusable."""
    dialed = host_to_dial(host)
    try:
        found = socket.getaddrinfo(dialed, 0, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no host name"
        raise DoorUnusable(f"--scheduler-host {host}: {why}") from error
    return any(_is_ours(family, address) for family, _, _, _, address in found)


def _is_ours(family: int, address: tuple[Any, ...]) -> bool:
    # Only an address of this host can be bound.
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
        one.bind(address)
        return True
    return False
