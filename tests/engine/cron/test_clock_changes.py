"""Bistro's own examples of what happens when the clocks are changed."""

import time
from collections.abc import Iterator

import pytest

from bistro_tui.engine.cron.item import parse_cron
from bistro_tui.engine.cron.zone import Zone
from bistro_tui.engine.system_zone import system_zone
from tests.engine.cron.zones import LORD_HOWE, PACIFIC, local_zone

FORWARD = 1362909600
"""2013-03-10 10:00 UTC: 02:00 PST becomes 03:00 PDT."""
BACK = 1383469200
"""2013-11-03 09:00 UTC: 02:00 PDT becomes 01:00 PST."""


@pytest.fixture
def pacific() -> Iterator[Zone]:
    with local_zone(PACIFIC):
        yield system_zone()


def between(item: dict[str, object], start: int, end: int, zone: Zone) -> list[int]:
    parsed, found = parse_cron(item), []
    at = parsed.first_match(start, zone)
    while at is not None and at < end:
        found.append(at)
        at = parsed.first_match(at + 1, zone)
    return found


def around(change: int, item: dict[str, object], zone: Zone) -> list[int]:
    """Return the events of the two hours before and after, relative to the change."""
    found = between(item, change - 7200, change + 7200, zone)
    return [at - change for at in found]


def test_skipped_labels_do_not_fire(pacific: Zone) -> None:
    item = {"minute": [0, 30], "hour": 2, "dst_fixes": ["skip", "repeat_use_both"]}
    assert around(FORWARD, item, pacific) == []


def test_skipped_labels_fire_once_in_the_last_second_before(pacific: Zone) -> None:
    item = {"minute": [0, 30], "hour": 2, "dst_fixes": ["unskip", "repeat_use_both"]}
    assert around(FORWARD, item, pacific) == [-1]
    assert time.strftime("%H:%M:%S", time.localtime(FORWARD - 1)) == "01:59:59"


def test_only_labels_in_the_gap_are_unskipped(pacific: Zone) -> None:
    item = {"minute": 59, "hour": [1, 3], "dst_fixes": ["unskip", "repeat_use_both"]}
    assert around(FORWARD, item, pacific) == [-60, 59 * 60]
    item = {"minute": 0, "hour": 3, "dst_fixes": ["unskip", "repeat_use_both"]}
    assert around(FORWARD, item, pacific) == [0]


@pytest.mark.parametrize("before", [1, 2, 59, 60, 61, 3600])
def test_the_unskipped_event_is_found_up_to_its_own_second(
    before: int, pacific: Zone
) -> None:
    raw = {"minute": 30, "hour": 2, "dst_fixes": ["unskip", "repeat_use_both"]}
    item = parse_cron(raw)
    assert item.first_match(FORWARD - before, pacific) == FORWARD - 1
    assert item.first_match(FORWARD, pacific) == FORWARD + 23 * 3600 + 1800


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("repeat_use_both", [-3600, -1800, 0, 1800]),
        ("repeat_use_only_early", [-3600, -1800]),
        ("repeat_use_only_late", [0, 1800]),
    ],
)
def test_repeated_labels_fire_as_often_as_wanted(
    word: str, expected: list[int], pacific: Zone
) -> None:
    item = {"minute": [0, 30], "hour": 1, "dst_fixes": ["skip", word]}
    assert around(BACK, item, pacific) == expected


def test_labels_beside_the_repeated_ones_fire_once(pacific: Zone) -> None:
    for word in ("repeat_use_both", "repeat_use_only_early", "repeat_use_only_late"):
        item = {"minute": 0, "hour": [0, 2], "dst_fixes": ["unskip", word]}
        assert around(BACK, item, pacific) == [-7200, 3600]


def test_half_an_hour_may_be_repeated() -> None:
    with local_zone(LORD_HOWE):
        zone = system_zone()
        back = 1365260400  # 02:00 +11 becomes 01:30 +10:30
        item = {"minute": [0, 30, 45], "hour": 1}
        early = {**item, "dst_fixes": ["skip", "repeat_use_only_early"]}
        late = {**item, "dst_fixes": ["skip", "repeat_use_only_late"]}
        assert around(back, early, zone) == [-3600, -1800, -900]
        assert around(back, late, zone) == [-3600, 0, 900]


def test_an_item_whose_only_label_is_skipped_never_fires(pacific: Zone) -> None:
    only = {"minute": 30, "hour": 2, "day_of_month": 10, "month": 3, "year": 2013}
    skip = parse_cron({**only, "dst_fixes": ["skip", "repeat_use_both"]})
    assert skip.first_match(0, pacific) is None
    unskip = parse_cron({**only, "dst_fixes": ["unskip", "repeat_use_both"]})
    assert unskip.first_match(0, pacific) == FORWARD - 1
    assert unskip.first_match(FORWARD, pacific) is None


def test_a_year_of_daily_events_has_one_a_day(pacific: Zone) -> None:
    for hour, minute in ((2, 30), (1, 30), (0, 0), (3, 0)):
        fixes = ["unskip", "repeat_use_only_early"]
        item = {"minute": minute, "hour": hour, "dst_fixes": fixes}
        year = between(item, 1356998400, 1356998400 + 365 * 86400, pacific)
        assert len(year) == 365
