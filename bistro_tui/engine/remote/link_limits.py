"""How long and how many: the bounds of scheduler's and worker's connections. Pure."""

from dataclasses import dataclass

_PACE_SEC = 15.0
"""The period of heartbeats that the times below are made for."""
_QUICKEST = 0.05
"""With heartbeats that are quicker than this part of it, times get no shorter."""
_LEAST_PING_SEC, _LEAST_CONNECT_SEC = 2.0, 1.0
"""With less, a busy host would end links that are well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """Times in seconds."""

    handshake_sec: float = 5.0
    """From a connection until both sides have proven themselves, TLS included."""
    unproven: int = 128
    """Connections at once that have not; for one more the oldest has to go."""
    connect_sec: float = 10.0
    """For all addresses of a name."""
    ping_sec: float = 10.0
    """After so long a silence the other side is asked for a sign of life, which has
    half of that to come."""
    unacknowledged_sec: float = 15.0
    """How long the other side's kernel may take nothing of what was sent."""
    first_retry_sec: float = 1.0
    longest_retry_sec: float = 30.0
    """Between two tries of a worker; the first is doubled until it is this."""

    @classmethod
    def at_pace(cls, heartbeat_period_sec: float) -> "LinkLimits":
        """Return what suits workers with that period: less where it is short.

        A link that is lost, or silent, is noticed and made again in a few periods.
        """
        part = min(1.0, max(_QUICKEST, heartbeat_period_sec / _PACE_SEC))
        plain = cls()
        return cls(
            connect_sec=max(_LEAST_CONNECT_SEC, part * plain.connect_sec),
            ping_sec=max(_LEAST_PING_SEC, part * plain.ping_sec),
            unacknowledged_sec=max(_LEAST_PING_SEC, part * plain.unacknowledged_sec),
            first_retry_sec=part * plain.first_retry_sec,
            longest_retry_sec=part * plain.longest_retry_sec,
        )
