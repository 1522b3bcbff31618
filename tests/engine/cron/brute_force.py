"""All events around a change of the clocks, found by looking at every minute."""

import datetime
from collections.abc import Callable

from tests.engine.cron.zones import Shown, clocks_around, shown_by

MINUTE = datetime.timedelta(minutes=1)


def events_around(
    tz: str,
    change: int,
    chosen: Callable[[Shown], bool],
    *,
    skipped: str,
    repeated: str,
) -> list[int]:
    clocks = clocks_around(tz, change)
    events = []
    seen: dict[datetime.datetime, list[int]] = {}
    for at, label, _ in clocks:
        seen.setdefault(label, []).append(at)
    last = clocks[0][1] - MINUTE
    for at, label, shown in clocks:
        if skipped != "skip" and _any_between(last + MINUTE, label, chosen):
            events.append(at - 1 if skipped == "unskip" else at)
        last = label
        if not chosen(shown):
            continue
        wanted = {
            "repeat_use_both": seen[label],
            "repeat_use_only_early": seen[label][:1],
            "repeat_use_only_late": seen[label][-1:],
        }[repeated]
        if at in wanted:
            events.append(at)
    return sorted(set(events))


def _any_between(
    start: datetime.datetime, end: datetime.datetime, chosen: Callable[[Shown], bool]
) -> bool:
    while start < end:
        if chosen(shown_by(start)):
            return True
        start += MINUTE
    return False
