"""How much, how long and how many: what bounds a request and its connection."""

import resource
from dataclasses import dataclass

_SHARE_TCP, _SHARE_UNIX = 8, 16
"""Of all descriptors of this program: the other ones are for tasks and databases."""
_LEAST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    header_sec: float = 5.0
    """From the connection, or a request's first byte, until its header is there."""
    body_sec: float = 15.0
    write_sec: float = 30.0
    """How long a reader may take nothing of an answer."""
    send_sec: float = 5.0
    """How long a large answer may take to be sent when others wait for its place."""
    idle_sec: float = 75.0
    """Between two requests on one connection."""
    header_bytes: int = 16 * 1024
    body_bytes: int = 1024 * 1024
    tcp_connections: int = 512
    unix_connections: int = 256
    large_answers: int = 4
    """Made or sent at once to those without the token: bounds the memory they take."""

    @classmethod
    def of_this_process(cls) -> "Limits":
        """Return the defaults, with fewer connections where descriptors are few."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        plain = cls()
        if soft == resource.RLIM_INFINITY:
            return plain
        return cls(
            tcp_connections=_at_most(plain.tcp_connections, soft // _SHARE_TCP),
            unix_connections=_at_most(plain.unix_connections, soft // _SHARE_UNIX),
        )


def _at_most(wanted: int, share: int) -> int:
    return max(_LEAST, min(wanted, share))
