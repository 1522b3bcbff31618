import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.model import AddTimePrefs, ScheduleItem
from bistro_tui.engine.cron.zone import FOREVER, UTC, Zone
from bistro_tui.engine.ids import INSTANCE_LEVEL, WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.sources import add_time as module
from bistro_tui.engine.nodes.sources.add_time import Windows, add_time, recent_events
from bistro_tui.engine.nodes.sources.growing import GrowingTree, NodeSourceError

A, B = LevelName("a"), LevelName("b")


@dataclass(frozen=True)
class Events:
    """A cron item that fires at these seconds."""

    times: tuple[int, ...]

    def first_match(self, at: int, zone: Zone) -> int | None:
        return min((time for time in self.times if time >= at), default=None)


@dataclass(frozen=True)
class Always:
    """A cron item that fires every second."""

    def first_match(self, at: int, zone: Zone) -> int:
        return at


def item(
    *times: int, lifetime: int, enabled: int | None = None, tags: str = ""
) -> ScheduleItem:
    return ScheduleItem(
        cron=Events(times),
        lifetime=lifetime,
        enabled_lifetime=lifetime if enabled is None else enabled,
        tags=frozenset(tags),
    )


Seen = dict[int, tuple[bool, frozenset[str]]]


def seen(*schedule: ScheduleItem, now: int) -> tuple[Seen, int | None]:
    events, changes_at = recent_events(schedule, now, Windows(UTC))
    return {at: (e.enabled, e.tags) for at, e in events.items()}, changes_at


NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("now", "alive", "changes_at"),
    [
        (99, [], 100),
        (100, [100], 110),
        (109, [100], 110),
        (110, [], 200),
        (209, [200], 210),
        (210, [], FOREVER),
    ],
)
def test_an_event_lives_from_its_second_until_its_lifetime_is_over(
    now: int, alive: list[int], changes_at: int | None
) -> None:
    found = seen(item(100, 200, lifetime=10), now=now)
    assert found == (dict.fromkeys(alive, (True, NONE)), changes_at)


@pytest.mark.parametrize(
    ("enabled", "now", "is_enabled", "changes_at"),
    [
        (3, 102, True, 103),
        (3, 103, False, 110),
        (0, 100, False, 110),
        (20, 109, True, 110),
        (-2, 100, False, 110),
    ],
)
def test_a_node_is_disabled_when_its_enabled_lifetime_is_over(
    enabled: int, now: int, is_enabled: bool, changes_at: int
) -> None:
    found = seen(item(100, lifetime=10, enabled=enabled), now=now)
    assert found == ({100: (is_enabled, NONE)}, changes_at)


def test_a_negative_lifetime_has_no_events() -> None:
    assert seen(item(100, 101, lifetime=-5), now=100) == ({}, None)


def test_items_of_one_second_merge_tags_united_enabled_only_together() -> None:
    both = (
        item(100, lifetime=10, tags="xy"),
        item(100, lifetime=50, enabled=5, tags="yz"),
    )
    assert seen(*both, now=104) == ({100: (True, frozenset("xyz"))}, 105)
    assert seen(*both, now=105) == ({100: (False, frozenset("xyz"))}, 110)
    assert seen(*both, now=110) == ({100: (False, frozenset("yz"))}, 150)


def test_events_come_from_the_oldest_on_whatever_item_they_are_of() -> None:
    events, _ = seen(item(7, 9, lifetime=9), item(8, 5, lifetime=9), now=10)
    assert list(events) == [5, 7, 8, 9]


def test_more_events_than_can_be_meant_are_refused_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 1000)
    endless = ScheduleItem(cron=Always(), lifetime=10**12, enabled_lifetime=1)
    with pytest.raises(NodeSourceError, match="more than 1000 events are alive"):
        recent_events((endless,), 5 * 10**9, Windows(UTC))


def tree() -> GrowingTree:
    found = GrowingTree(NodeName("root"), (INSTANCE_LEVEL, A, B, WORKER_LEVEL))
    found.add_children(0, [NodeName("p"), NodeName("q")])
    return found


def test_each_parent_gets_a_child_for_each_event() -> None:
    grown = tree()
    prefs = AddTimePrefs(
        parent_level=A,
        format="{{{time}}}/{parent}",
        schedule=(item(100, lifetime=9, tags="t"), item(95, lifetime=9, enabled=2)),
    )
    assert add_time(prefs, grown, 101, Windows(UTC)) == 104
    nodes = grown.finished().nodes[3:]
    assert [(n.name, n.level, n.parent, n.enabled, n.tags) for n in nodes] == [
        ("{95}/p", "b", 1, False, NONE),
        ("{100}/p", "b", 1, True, frozenset("t")),
        ("{95}/q", "b", 2, False, NONE),
        ("{100}/q", "b", 2, True, frozenset("t")),
    ]


def test_more_nodes_than_can_be_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bistro_tui.engine.nodes.sources.growing.MAX_NODES", 6)
    prefs = AddTimePrefs(parent_level=A, schedule=(item(1, 2, lifetime=9),))
    with pytest.raises(NodeSourceError, match="more than 6 nodes"):
        add_time(prefs, tree(), 3, Windows(UTC))


schedules = st.lists(
    st.builds(
        lambda times, lifetime, enabled, tags: item(
            *times, lifetime=lifetime, enabled=enabled, tags=tags
        ),
        st.lists(st.integers(0, 60), max_size=8),
        st.integers(-3, 30).filter(bool),
        st.integers(-3, 30),
        st.sampled_from(["", "a", "ab", "c"]),
    ),
    max_size=3,
).map(tuple)


def by_the_rules(schedule: tuple[ScheduleItem, ...], now: int) -> Seen:
    """Return the same without any cleverness."""
    found: Seen = {}
    for each in schedule:
        assert isinstance(each.cron, Events)
        for time in each.cron.times:
            if now - each.lifetime < time <= now:
                enabled, tags = found.get(time, (True, NONE))
                is_enabled = now - time < each.enabled_lifetime
                found[time] = (enabled and is_enabled, tags | each.tags)
    return found


@given(schedules, st.integers(0, 100), st.randoms())
def test_law_it_is_what_the_rules_say_and_stays_so_until_the_named_second(
    schedule: tuple[ScheduleItem, ...], start: int, rng: random.Random
) -> None:
    windows = Windows(UTC)
    now = start
    for _ in range(6):
        events, changes_at = recent_events(schedule, now, windows)
        found = {at: (e.enabled, e.tags) for at, e in events.items()}
        assert found == by_the_rules(schedule, now)
        until = now + 60 if changes_at in (None, FOREVER) else changes_at
        assert until > now
        assert all(by_the_rules(schedule, t) == found for t in range(now, until))
        # Time goes on by a little, by much, or back.
        now = rng.choice((now + 1, until, now + rng.randrange(40), rng.randrange(90)))
