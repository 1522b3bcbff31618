"""The five fields of a crontab, and what happens to them when clocks are changed."""

import datetime
import itertools
import re
import time
import zoneinfo
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.cron.item import CronError, parse_cron
from bistro_tui.engine.cron.zone import UTC
from bistro_tui.engine.system_zone import system_zone
from tests.engine.cron.brute_force import events_around
from tests.engine.cron.zones import (
    DAY,
    PACIFIC,
    START_2013,
    is_known,
    known_changes,
    local_zone,
)

FORWARD, BACK = 1362909600, 1383469200


def shown(raw: object, start: int, count: int) -> list[str]:
    """Return the next events in the zone of the process."""
    item, zone = parse_cron(raw), system_zone()
    found: list[str] = []
    at = item.first_match(start, zone)
    while at is not None and len(found) < count:
        found.append(time.strftime("%m-%d %H:%M:%S %Z", time.localtime(at)))
        at = item.first_match(at + 1, zone)
    return found


def test_five_fields_fire_as_in_a_crontab() -> None:
    with local_zone("UTC0"):
        assert shown({"cron": "*/5 * * * *"}, 1357000001, 3) == [
            "01-01 00:30:00 UTC",
            "01-01 00:35:00 UTC",
            "01-01 00:40:00 UTC",
        ]
        assert shown({"cron": "0 9 1,15 * MON"}, 1357000000, 4) == [
            "01-01 09:00:00 UTC",
            "01-07 09:00:00 UTC",
            "01-14 09:00:00 UTC",
            "01-15 09:00:00 UTC",
        ]
        assert shown({"cron": "0 0 29 feb *"}, 1357000000, 2) == [
            "02-29 00:00:00 UTC",
            "02-29 00:00:00 UTC",
        ]


def test_a_text_alone_is_five_fields() -> None:
    assert parse_cron("0 9 * * *") == parse_cron({"cron": "0 9 * * *"})


def test_what_comes_at_a_fixed_time_comes_once_a_day() -> None:
    with local_zone(PACIFIC):
        assert shown("30 2 * * *", FORWARD - DAY, 3) == [
            "03-09 02:30:00 PST",
            "03-10 03:00:00 PDT",
            "03-11 02:30:00 PDT",
        ]
        assert shown("30 1 * * *", BACK - DAY - 3600, 3) == [
            "11-02 01:30:00 PDT",
            "11-03 01:30:00 PDT",
            "11-04 01:30:00 PST",
        ]


@pytest.mark.parametrize("fields", ["0,30 * * * *", "*/30 0-4 * * *"])
def test_what_comes_every_so_often_follows_real_time(fields: str) -> None:
    item = parse_cron(fields)
    with local_zone(PACIFIC):
        zone = system_zone()
        for change in (FORWARD, BACK):
            at = item.first_match(change - 3600, zone)
            for expected in range(change - 3600, change + 3601, 1800):
                assert at == expected
                at = item.first_match(at + 1, zone)


def test_dst_fixes_beside_it_count() -> None:
    fixes = ["unskip", "repeat_use_only_late"]
    with local_zone(PACIFIC):
        daily = {"cron": "30 2 * * *", "dst_fixes": fixes}
        assert shown(daily, FORWARD - 3600, 1) == ["03-10 01:59:59 PST"]
        hourly = {"cron": "0 * * * *", "dst_fixes": fixes}
        assert shown(hourly, BACK - 7200, 3) == [
            "11-03 00:00:00 PDT",
            "11-03 01:00:00 PST",
            "11-03 02:00:00 PST",
        ]


def test_the_rarest_day_is_found_across_2100() -> None:
    item = parse_cron("0 0 * 2 MON#5")
    start = int(datetime.datetime(2072, 3, 1, tzinfo=datetime.UTC).timestamp())
    found = item.first_match(start, UTC)
    assert found is not None
    assert time.gmtime(found)[:3] == (2112, 2, 29)


def test_the_calendar_ends_in_9999() -> None:
    item = parse_cron("0 0 * * *")
    end = int(datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp())
    assert item.first_match(end, UTC) == end
    assert item.first_match(end + 1, UTC) is None


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"cron": 5}, 'cron: must be a text as "*/5 * * * *", got 5'),
        ({"cron": ""}, "cron: must have five fields (minute, hour, day of month,"),
        ({"cron": "* * * *"}, "cron: must have five fields"),
        ({"cron": "* * * * * *"}, "cron: must have five fields"),
        (
            {"cron": "@daily"},
            "cron: must have five fields (minute, hour, day of month, month, "
            'day of week), got "@daily"; write "0 0 * * *"',
        ),
        ({"cron": "* * * * *" + ",1" * 1000}, "cron: must have five fields"),
        ({"cron": "60 * * * *"}, 'cron: the minute may be 0-59, got "60" in "60 '),
        ({"cron": "* 24 * * *"}, "cron: the hour may be 0-23"),
        ({"cron": "* * 0 * *"}, "cron: the day of month may be 1-31"),
        ({"cron": "* * * 13 *"}, "cron: the month may be 1-12 or JAN-DEC"),
        ({"cron": "* * * * MONDAY"}, "cron: the day of week may be 0-7 or SUN-SAT"),
        ({"cron": "*/0 * * * *"}, "cron: the minute may be 0-59"),
        ({"cron": "5-3 * * * *"}, "cron: the minute may be 0-59"),
        ({"cron": "0 0 30 2 *"}, 'cron: "0 0 30 2 *" is on no calendar'),
        ({"cron": "0 0 LW * */7"}, 'cron: "0 0 LW * */7" is on no calendar'),
        ({"cron": "* * * * *", "minute": 1}, 'minute: does not go with "cron"'),
        (
            {"cron": "* * * * *", "dst_fix": 1},
            'dst_fix: does not go with "cron"; did you mean "dst_fixes"?',
        ),
        ({"cron": "* * * * *", "dst_fixes": ["skip"]}, "dst_fixes: must have exactly"),
        ("daily", "must have five fields"),
        ("* * * * \x1b", r'the day of week may be 0-7 or SUN-SAT, got "\u001b"'),
    ],
)
def test_what_is_no_crontab_is_refused(item: object, problem: str) -> None:
    with pytest.raises(CronError, match=f"^{re.escape(problem)}") as caught:
        parse_cron(item)
    assert str(caught.value).isprintable()


@given(st.text("0123456789*/,-#LWMONJAN \x00", max_size=30), st.booleans())
def test_any_text_is_five_fields_or_refused(text: str, is_object: bool) -> None:
    raw: Any = {"cron": text} if is_object else text
    try:
        item = parse_cron(raw)
    except CronError:
        return
    assert item.first_match(0, UTC) is not None


TIMES = st.lists(st.integers(0, 59), min_size=1, max_size=3)
FIXED = st.tuples(
    TIMES, st.lists(st.integers(0, 4) | st.just(23), min_size=1, max_size=3)
)


@settings(max_examples=100)
@given(
    place=st.sampled_from(known_changes()),
    chosen=FIXED,
    start=st.integers(-DAY, DAY),
)
def test_a_fixed_time_fires_as_looking_at_every_minute_says(
    place: tuple[str, int], chosen: tuple[list[int], list[int]], start: int
) -> None:
    tz, change = place
    minutes, hours = chosen
    item = parse_cron(
        f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    )
    events = events_around(
        tz,
        change,
        lambda shown: shown.minute in minutes and shown.hour in hours,
        skipped="after",
        repeated="repeat_use_only_early",
    )
    with local_zone(tz):
        found = item.first_match(change + start, system_zone())
    assert found == next(at for at in events if at >= change + start)


@pytest.mark.skipif(not is_known("Europe/Riga"), reason="no zone rules on this machine")
@settings(max_examples=100)
@given(
    zone=st.sampled_from(["Europe/Riga", "America/New_York", "Pacific/Auckland"]),
    fields=st.sampled_from(
        [
            "*/5 * * * *",
            "0 */2 * * *",
            "15,45 2 * * *",
            "0 2,3 * * *",
            "30 1 * * SUN",
            "59 2 */7 * *",
            "0 3 * 3,4,9,10,11 SUN",
            "30 2 L * *",
        ]
    ),
    start=st.integers(START_2013, START_2013 + 700 * DAY),
)
def test_clock_changes_are_taken_as_debians_cron_takes_them(
    zone: str, fields: str, start: int
) -> None:
    local = datetime.datetime.fromtimestamp(start, tz=zoneinfo.ZoneInfo(zone))
    expected = [
        int(at.timestamp()) for at in itertools.islice(CronSim(fields, local), 50)
    ]
    found, at = [], start
    with local_zone(zone):
        item, ours = parse_cron(fields), system_zone()
        for _ in expected:
            match = item.first_match(at + 1, ours)
            assert match is not None
            found.append(match)
            at = match
    assert found == expected
