"""From labels to instants: the events of a set of labels in a time zone.

The events are all whole minutes whose label is in the set, without the repeats that
are not wanted, and one event for the labels that each change of the clocks skipped,
where that is wanted.

Source: Bistro, cron/StandardCrontabItem. There an event just before a change is not
found from less than a minute before it; here it is.
"""

from collections.abc import Iterator

from bistro_tui.engine.cron.clock_changes import ClockChanges, Repeated, Skipped
from bistro_tui.engine.cron.labels import (
    FIRST_LABEL,
    LAST_LABEL,
    MINUTES_A_DAY,
    Labels,
)
from bistro_tui.engine.cron.zone import Span, Zone

_MARGIN = 2 * MINUTES_A_DAY
"""More than any two offsets of a zone differ, and than any offset is."""
_EARLIEST = (FIRST_LABEL - _MARGIN) * 60
_LATEST = (LAST_LABEL + _MARGIN) * 60


def first_instant(
    labels: Labels, changes: ClockChanges, at: int, zone: Zone
) -> int | None:
    """Return the earliest event at or after ``at``, in seconds since the epoch.

    None if there is none until the end of the year 9999.
    """
    at = max(at, _EARLIEST)
    while at <= _LATEST:
        span = zone.span(at)
        found = _first_in(span, labels, changes, at, zone)
        if found is not None:
            return found
        # No event is further from its label than the margin, whatever the clocks did.
        label = labels.next_label(span.end // 60 - _MARGIN)
        if label is None:
            return None
        at = max(span.end, (label - _MARGIN) * 60)
    return None


def _first_in(
    span: Span, labels: Labels, changes: ClockChanges, at: int, zone: Zone
) -> int | None:
    """Return the earliest event from ``at`` to the end of the span, if any."""
    start = _first_label(span)
    if changes.skipped is Skipped.AFTER and _minute(span.start) * 60 >= at:
        shown_before = _end_label(zone.span(span.start - 1))
        if _has_any(labels, shown_before, start):
            return _minute(span.start) * 60
    low, high = _minute(at) + _shift(span), _end_label(span)
    if changes.repeated is Repeated.ONLY_EARLY:
        low = max([low, *map(_end_label, _spans_before(span, zone))])
    if changes.repeated is Repeated.ONLY_LATE:
        high = min([high, *map(_first_label, _spans_after(span, zone))])
    label = labels.next_label(low)
    if label is not None and label < high:
        return (label - _shift(span)) * 60
    if changes.skipped is Skipped.UNSKIP and span.end <= _LATEST:
        shown_next = _first_label(zone.span(span.end))
        if _has_any(labels, _end_label(span), shown_next):
            return span.end - 1
    return None


def _has_any(labels: Labels, start: int, end: int) -> bool:
    if start >= end:
        return False
    found = labels.next_label(start)
    return found is not None and found < end


def _spans_before(span: Span, zone: Zone) -> Iterator[Span]:
    """Yield the spans so shortly before this one that their labels may return."""
    reach = max(span.start - _MARGIN * 60, _EARLIEST)
    while span.start > reach:
        span = zone.span(span.start - 1)
        yield span


def _spans_after(span: Span, zone: Zone) -> Iterator[Span]:
    """Yield the spans so shortly after this one that they may repeat its labels."""
    reach = min(span.end + _MARGIN * 60, _LATEST)
    while span.end < reach:
        span = zone.span(span.end)
        yield span


def _minute(second: int) -> int:
    """Return the first whole minute at or after a second, both since the epoch."""
    return -(-second // 60)


def _shift(span: Span) -> int:
    """Return label minus minute. A rest of seconds, as until 1972, is cut off."""
    return span.offset // 60


def _first_label(span: Span) -> int:
    return _minute(span.start) + _shift(span)


def _end_label(span: Span) -> int:
    """Return the label after the span's last one."""
    return _minute(span.end) + _shift(span)
