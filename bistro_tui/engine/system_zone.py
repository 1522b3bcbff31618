"""The time zone of this process, as the C library knows it."""

import time
from collections.abc import Iterator

from bistro_tui.engine.cron.zone import Span, Zone

_BLOCK = 2**20
"""Seconds, 12 days: what is looked at together."""
_STEP = 2**14
"""Seconds, 4.5 hours. Two changes of one zone are a week apart, or more."""
_MOST_BLOCKS = 4096


class _SystemZone:
    """Asks the C library at intervals; between two different answers it bisects."""

    def __init__(self) -> None:
        self._spans: dict[int, tuple[Span, ...]] = {}

    def span(self, at: int) -> Span:
        block = at // _BLOCK
        spans = self._spans.get(block)
        if spans is None:
            if len(self._spans) >= _MOST_BLOCKS:
                self._spans.clear()
            spans = self._spans[block] = tuple(_spans(block))
        return next(span for span in spans if at < span.end)


def system_zone() -> Zone:
    """Return the zone that ``TZ`` names, or else the system's.

    ``TZ`` may be all that the C library takes, POSIX strings such as
    ``PST+8PDT,M3.2.0,M11.1.0`` too. Answers are kept: after a change of ``TZ`` and
    ``time.tzset`` ask for a new zone. Holds for the years that the library knows.
    """
    return _SystemZone()


def _spans(block: int) -> Iterator[Span]:
    start, stop = block * _BLOCK, (block + 1) * _BLOCK
    changes = (
        change
        for probe in range(start, stop, _STEP)
        for change in _changes(probe, min(probe + _STEP, stop - 1))
    )
    for end in (*changes, stop):
        yield Span(start=start, end=end, offset=_offset(start))
        start = end


def _changes(known: int, other: int) -> Iterator[int]:
    """Yield the seconds in ``known < second <= other`` at which the offset changes."""
    if _offset(known) == _offset(other):
        return
    if other - known == 1:
        yield other
        return
    middle = (known + other) // 2
    yield from _changes(known, middle)
    yield from _changes(middle, other)


def _offset(at: int) -> int:
    return time.localtime(at).tm_gmtoff
