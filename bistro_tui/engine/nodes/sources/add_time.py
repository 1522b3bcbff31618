"""The source ``add_time``: one child of each parent for each recent event.

Source: Bistro, nodes/AddTimeFetcher. There the order of the events is that of a hash.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bistro_tui.engine.config.model import AddTimePrefs, ScheduleItem
from bistro_tui.engine.cron.zone import FOREVER, Zone
from bistro_tui.engine.nodes.sources.growing import GrowingTree, NodeSourceError

if TYPE_CHECKING:
    from bistro_tui.engine.cron.item import CronItem

MAX_EVENTS = 100_000
"""Alive at one time, in one schedule. Each is found by a search of its own."""


@dataclass(slots=True)
class RecentEvent:
    """A second at which one or more items of a schedule fired, still alive."""

    enabled: bool
    """Only if every one of those items says so."""
    tags: frozenset[str]
    """Those of all of them."""


class EventWindow:
    """The events of one cron item that are alive, found again quickly as time goes."""

    def __init__(self, cron: "CronItem", lifetime: int, zone: Zone) -> None:
        self._cron, self._lifetime, self._zone = cron, lifetime, zone
        self._now: int | None = None
        self.times: list[int] = []
        """Ascending, in seconds since the epoch."""
        self.next: int | None = None
        """The earliest event that is still to come."""

    def copy(self) -> "EventWindow":
        """Return another one that is at the same moment."""
        found = EventWindow(self._cron, self._lifetime, self._zone)
        found._now, found.times, found.next = self._now, self.times[:], self.next
        return found

    def move_to(self, now: int) -> None:
        """Let it be ``now``; raises NodeSourceError for too many events."""
        oldest = now - self._lifetime + 1
        if self._now is None or now < self._now:
            self.times, self.next = [], self._first_match(oldest)
        del self.times[: bisect_left(self.times, oldest)]
        if self.next is not None and self.next < oldest:
            self.next = self._first_match(oldest)
        # After an error, everything is looked for again.
        self._now = None
        while self.next is not None and self.next <= now:
            self.times.append(self.next)
            check_number(len(self.times))
            self.next = self._first_match(self.next + 1)
        self._now = now

    def _first_match(self, at: int) -> int | None:
        return self._cron.first_match(at, self._zone)


class Windows:
    """The windows of all schedules, kept from one evaluation to the next."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._windows: dict[int, tuple[ScheduleItem, EventWindow]] = {}

    def copy(self, schedules: Iterable[tuple[ScheduleItem, ...]]) -> "Windows":
        """Return those of these schedules, to be moved independently."""
        found = Windows(self._zone)
        for schedule in schedules:
            for item in schedule:
                if id(item) in self._windows:
                    window = self._windows[id(item)][1].copy()
                    found._windows[id(item)] = (item, window)
        return found

    def events(self, item: ScheduleItem, now: int) -> tuple[list[int], int | None]:
        """Return the events of an item that are alive at ``now``, and the next one."""
        found = self._windows.get(id(item))
        if found is None:
            window = EventWindow(item.cron, item.lifetime, self._zone)
            # The item is kept with it, so that no other one gets its identity.
            found = self._windows[id(item)] = (item, window)
        found[1].move_to(now)
        return found[1].times, found[1].next


def check_number(number: int) -> None:
    """Raise NodeSourceError for more events at a time than there may be."""
    if number > MAX_EVENTS:
        raise NodeSourceError(
            f"add_time: more than {MAX_EVENTS} events are alive at a time; give the"
            " schedule fewer of them, or a shorter lifetime"
        )


def recent_events(
    schedule: tuple[ScheduleItem, ...], now: int, windows: Windows
) -> tuple[dict[int, RecentEvent], int | None]:
    """Return the events that have nodes, by time, and when that changes next.

    All in whole seconds since the epoch; None: it never changes, ``FOREVER``: only if
    the clock is set back. An event at ``e`` has nodes while
    ``e <= now < e + lifetime``, enabled ones while ``now < e + enabled_lifetime``.
    Raises NodeSourceError for too many.
    """
    found: dict[int, RecentEvent] = {}
    changes_at: list[int] = []
    for item in schedule:
        if item.lifetime <= 0:
            continue
        times, following = windows.events(item, now)
        changes_at.append(FOREVER if following is None else following)
        for time in times:
            is_enabled = now < time + item.enabled_lifetime
            _merge(found, time, item, enabled=is_enabled)
            ends = (time + item.lifetime, time + item.enabled_lifetime)
            changes_at.append(min(end for end in ends if end > now))
    check_number(len(found))
    return dict(sorted(found.items())), min(changes_at, default=None)


def _merge(
    found: dict[int, RecentEvent], time: int, item: ScheduleItem, *, enabled: bool
) -> None:
    event = found.get(time)
    if event is None:
        found[time] = RecentEvent(enabled, item.tags)
    else:
        event.enabled = event.enabled and enabled
        event.tags |= item.tags


def add_time(
    prefs: AddTimePrefs, tree: GrowingTree, now: int, windows: Windows
) -> int | None:
    """Append the children, parents in fetch order and events from the oldest on.

    Returns the second at which they will be others, as ``recent_events`` does.
    """
    parents = tree.at_level(prefs.parent_level)
    events, changes_at = recent_events(prefs.schedule, now, windows)
    tree.make_room(len(parents) * len(events))
    labels = prefs.labels()
    times = [str(time) for time in events]
    enabled = bytes(event.enabled for event in events.values())
    tags = {at: e.tags for at, e in enumerate(events.values()) if e.tags}
    for parent in parents:
        names = labels.of(tree.name(parent), times)
        tree.add_children(parent, names, enabled=enabled, tags=tags)
    return changes_at
