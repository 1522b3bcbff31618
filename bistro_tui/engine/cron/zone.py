"""What a cron item needs to know of a time zone, and the zones that need no data."""

from dataclasses import dataclass
from typing import Protocol

FOREVER = 2**63
"""Seconds that no calendar reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Seconds during which a zone's clocks run evenly: ``start <= second < end``."""

    start: int
    end: int
    """Seconds since the epoch."""
    offset: int
    """Local time minus UTC, in seconds; the spans beside may have the same one."""


class Zone(Protocol):
    """A time zone; its spans cover the years 1968 to 10000 without gap or overlap."""

    def span(self, at: int) -> Span:
        """Return the span that holds the second ``at`` (since the epoch)."""
        ...


@dataclass(frozen=True, slots=True)
class FixedZone:
    """A zone whose clocks never change."""

    offset: int
    """Local time minus UTC, in seconds."""

    def span(self, at: int) -> Span:
        """Return all time."""
        return Span(start=-FOREVER, end=FOREVER, offset=self.offset)


UTC = FixedZone(0)
