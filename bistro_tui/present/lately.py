"""What failed in the last hour, as far as the newest snapshot tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from bistro_tui.engine.view import Reason, Snapshot
from bistro_tui.present.spans import Line, Span

HOUR = 3600.0
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """Failed attempts of the last hour, or of the part of it that is known."""

    failed: int
    covered: float
    """Seconds up to now of which every attempt is known, at most an hour."""
    buckets: tuple[int | None, ...]
    """Failed attempts in equal parts of the hour, oldest first; None: not known."""


def failed_lately(snapshot: Snapshot, now: float, parts: int) -> Lately:
    """Return what failed in the hour before ``now`` (wall seconds), in so many parts.

    A snapshot has only the newest attempts: where there were more, what is known
    begins with the oldest of them.
    """
    since = max(now - HOUR, min(snapshot.state.started, now))
    known = len(snapshot.ended)
    if known and known < snapshot.starts - len(snapshot.running):
        since = max(since, snapshot.ended[-1].ended)
    failures = [
        row.ended
        for row in snapshot.ended
        if row.result in (Reason.FAILED, Reason.BACKOFF) and row.ended >= since
    ]
    size = HOUR / parts
    first = now - HOUR
    buckets: list[int | None] = [
        0 if first + (part + 1) * size > since else None for part in range(parts)
    ]
    for ended in failures:
        part = min(max(int((ended - first) / size), 0), parts - 1)
        buckets[part] = (buckets[part] or 0) + 1
    covered = max(0.0, now - since)
    return Lately(failed=len(failures), covered=covered, buckets=tuple(buckets))


def sparkline(buckets: Sequence[int | None], style: str) -> Line:
    """Return a character for each number, as high as it is against the highest.

    None is a dot: nobody knows.
    """
    highest = max((number or 0 for number in buckets), default=0)
    spans: list[Span] = []
    for number in buckets:
        if number is None:
            spans.append(Span("·", "faint"))
        elif number <= 0:
            spans.append(Span(BARS[0], "faint"))
        else:
            height = -(-number * (len(BARS) - 1) // highest)
            spans.append(Span(BARS[height], style))
    return tuple(spans)
