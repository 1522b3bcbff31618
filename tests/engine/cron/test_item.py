"""Which cron items there are, and what is wrong with the others."""

import calendar
import re
import time

import pytest

from bistro_tui.engine.config.problems import render_path
from bistro_tui.engine.cron.item import CronError, parse_cron
from bistro_tui.engine.cron.zone import UTC, FixedZone

FIXES = ["skip", "repeat_use_both"]
FIFTY_YEARS = 50 * 366 * 86400


def events(item: object, start: int = 0, count: int = 5) -> list[int]:
    """Return the first events from ``start`` on, in UTC."""
    parsed = parse_cron(item)
    found: list[int] = []
    at = parsed.first_match(start, UTC)
    while at is not None and len(found) < count:
        found.append(at)
        at = parsed.first_match(at + 1, UTC)
    return found


def shown(item: dict[str, object], start: str = "2013-01-01 00:00") -> list[str]:
    """Return the first five events of a standard item, as UTC clocks show them."""
    return [
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
        for at in events({"dst_fixes": FIXES, **item}, utc(start))
    ]


def utc(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M"))


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (500, [500]),
        ([7000000, 500, 500], [500, 7000000]),
        ({"period": 300}, [0, 300, 600, 900, 1200]),
        ({"period": 300, "start": 750}, [750, 1050, 1350, 1650, 1950]),
        ({"period": 30, "end": 60}, [0, 30, 60]),
        ({}, [0, 1, 2, 3, 4]),
        (2**63 - 1, [2**63 - 1]),
    ],
)
def test_an_epoch_item_fires_at_the_chosen_seconds(
    epoch: object, expected: list[int]
) -> None:
    assert events({"epoch": epoch}) == expected


def test_an_epoch_item_knows_no_zone_and_ends() -> None:
    item = parse_cron({"epoch": {"period": 30, "end": 1500}})
    assert item.first_match(-7, FixedZone(3600)) == 0
    assert item.first_match(1471, FixedZone(-3600)) == 1500
    assert item.first_match(1501, UTC) is None


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"minute": {"period": 20}},
            ["01-01 00:00", "01-01 00:20", "01-01 00:40", "01-01 01:00", "01-01 01:20"],
        ),
        (
            {"minute": [30, 5], "hour": {"start": 22}},
            ["01-01 22:05", "01-01 22:30", "01-01 23:05", "01-01 23:30", "01-02 22:05"],
        ),
        (
            {"minute": 0, "hour": 12, "day_of_month": 31},
            ["01-31 12:00", "03-31 12:00", "05-31 12:00", "07-31 12:00", "08-31 12:00"],
        ),
        (
            {"minute": 0, "hour": 0, "day_of_week": ["Sunday", "sAt"]},
            ["01-05 00:00", "01-06 00:00", "01-12 00:00", "01-13 00:00", "01-19 00:00"],
        ),
        (
            {"minute": 1, "hour": 2, "day_of_week": 1, "month": "FEB"},
            ["02-03 02:01", "02-10 02:01", "02-17 02:01", "02-24 02:01"],
        ),
        (
            {"minute": 59, "hour": 23, "day_of_month": [1, 15], "month": [12, "june"]},
            ["06-01 23:59", "06-15 23:59", "12-01 23:59", "12-15 23:59"],
        ),
    ],
)
def test_a_standard_item_fires_when_all_its_fields_match(
    item: dict[str, object], expected: list[str]
) -> None:
    in_2013 = [at for at in shown(item) if at.startswith("2013")]
    assert in_2013 == [f"2013-{at}" for at in expected]


def test_years_end() -> None:
    item = {"minute": 0, "hour": 0, "day_of_month": 1, "month": 6, "year": [2003, 2005]}
    assert shown(item, "2001-07-01 00:00") == ["2003-06-01 00:00", "2005-06-01 00:00"]
    assert shown(item, "2005-06-01 00:01") == []


def test_a_start_within_a_minute_means_the_next_one() -> None:
    item = parse_cron({"minute": {}, "dst_fixes": FIXES})
    assert [item.first_match(at, UTC) for at in (0, 1, 59, 60)] == [0, 60, 60, 60]


def test_the_calendar_begins_in_1969_and_ends_in_9999() -> None:
    item = parse_cron({"minute": {}, "dst_fixes": FIXES})
    first, last = utc("1969-01-01 00:00"), utc("9999-12-31 23:59")
    assert item.first_match(-(2**63), UTC) == first
    assert item.first_match(first + 1, UTC) == first + 60
    assert item.first_match(last, UTC) == last
    assert item.first_match(last + 1, UTC) is None
    assert item.first_match(2**63, UTC) is None


def test_the_zone_moves_the_events() -> None:
    item = parse_cron({"minute": 0, "hour": 0, "dst_fixes": FIXES})
    assert item.first_match(0, FixedZone(-3600 * 8)) == 8 * 3600
    assert item.first_match(0, FixedZone(3600 * 5 + 1800)) == 18 * 3600 + 1800


def test_29_february_is_found_across_2100() -> None:
    item = {"minute": 0, "hour": 0, "day_of_month": 29, "month": "feb"}
    assert shown(item, "2092-03-01 00:00")[:2] == [
        "2096-02-29 00:00",
        "2104-02-29 00:00",
    ]


def test_the_rarest_day_is_found_however_far_it_is() -> None:
    years = {"start": 2001, "end": 9999, "period": 101}
    item = {"minute": 0, "hour": 0, "day_of_month": 29, "month": 2, "year": years}
    assert shown(item)[:2] == ["2304-02-29 00:00", "2708-02-29 00:00"]


@pytest.mark.parametrize(
    "item",
    [
        {"day_of_month": 30, "month": 2},
        {"day_of_month": [30, 31], "month": "february"},
        {"day_of_month": 31, "month": [2, 4, 6, 9, 11]},
        {"day_of_month": 29, "month": 2, "year": [2003, 2005]},
        {"day_of_month": 29, "month": 2, "year": {"start": 1969, "period": 2}},
        {"day_of_month": 29, "month": 2, "year": 2100},
    ],
)
def test_a_day_that_never_comes_is_refused(item: dict[str, object]) -> None:
    with pytest.raises(CronError, match=r"^day_of_month: .* never fires"):
        parse_cron({"minute": 0, **item, "dst_fixes": FIXES})


@pytest.mark.parametrize(
    "item",
    [
        {"day_of_month": [30, 1], "month": 2},
        {"day_of_month": 31, "month": [2, 12]},
        {"day_of_month": 29, "month": 2, "year": [2003, 2000]},
    ],
)
def test_one_day_that_comes_is_enough(item: dict[str, object]) -> None:
    item = {"minute": 0, **item, "dst_fixes": FIXES}
    assert parse_cron(item).first_match(-FIFTY_YEARS, UTC) is not None


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (5, "must be an object, got 5"),
        (None, "must be an object, got null"),
        ([], "must be an object, got an array"),
        ({}, 'the key "minute" is missing'),
        ({"minute": {}}, 'the key "dst_fixes" is missing'),
        ({"dst_fixes": FIXES}, 'the key "minute" is missing'),
        ({"minut": 0}, 'minut: unknown key; did you mean "minute"?'),
        ({"epcoh": 0}, 'epcoh: unknown key; did you mean "epoch"?'),
        ({"second": 0, "minute": 0, "dst_fixes": FIXES}, "second: unknown key"),
        ({"a b\x1b": 0}, r'"a b\u001b": unknown key'),
        ({"epoch": 1, "minute": 1}, 'minute: does not go with "epoch"'),
        ({"epoch": 1, "dst_fixes": FIXES}, 'dst_fixes: does not go with "epoch"'),
        ({"epoch": -1}, "epoch: must be from 0 to 9223372036854775807, got -1"),
        ({"epoch": "5"}, "epoch: must be a whole number"),
        ({"epoch": 2**63}, "epoch: must be from 0"),
        ({"minute": 60, "dst_fixes": FIXES}, "minute: must be from 0 to 59"),
        ({"minute": "five", "dst_fixes": FIXES}, "minute: must be a whole number"),
        ({"minute": None, "dst_fixes": FIXES}, "minute: must be a whole number"),
        ({"minute": 0, "hour": 24, "dst_fixes": FIXES}, "hour: must be from 0 to 23"),
        ({"minute": 0, "hour": None, "dst_fixes": FIXES}, "hour: must be a whole"),
        ({"minute": 0, "year": 1968, "dst_fixes": FIXES}, "year: must be from 1969"),
        ({"minute": 0, "year": 10000, "dst_fixes": FIXES}, "year: must be from 1969"),
        (
            {"minute": 0, "month": "Feburry", "dst_fixes": FIXES},
            'month: "Feburry" is not the name of a month; did you mean "february"?',
        ),
        (
            {"minute": 0, "day_of_week": ["Tues"], "dst_fixes": FIXES},
            'day_of_week[0]: "Tues" is not the name of a day; did you mean "tue',
        ),
        (
            {"minute": 0, "day_of_week": {}, "day_of_month": {}, "dst_fixes": FIXES},
            "day_of_week: does not go with day_of_month",
        ),
        ({"minute": 0, "dst_fixes": "skip"}, "dst_fixes: must be an array"),
        ({"minute": 0, "dst_fixes": {}}, "dst_fixes: must be an array"),
        ({"minute": 0, "dst_fixes": []}, "dst_fixes: must have exactly one of skip"),
        ({"minute": 0, "dst_fixes": ["skip"]}, "dst_fixes: must have exactly"),
        ({"minute": 0, "dst_fixes": ["skip", "unskip"]}, "dst_fixes: must have exact"),
        ({"minute": 0, "dst_fixes": [*FIXES, "skip"]}, "dst_fixes: must have exactly"),
        (
            {"minute": 0, "dst_fixes": [*FIXES, "repeat_use_only_late"]},
            "dst_fixes: must have exactly",
        ),
        ({"minute": 0, "dst_fixes": ["skip", 5]}, "dst_fixes[1]: unknown word 5"),
        ({"minute": 0, "dst_fixes": ["after", "x"]}, 'dst_fixes[0]: unknown word "aft'),
        (
            {"minute": 0, "dst_fixes": ["skip", "repeat_both"]},
            'dst_fixes[1]: unknown word "repeat_both"; known are skip, unskip, '
            "repeat_use_both, repeat_use_only_early, repeat_use_only_late; "
            'did you mean "repeat_use_both"?',
        ),
    ],
)
def test_a_bad_item_is_refused_with_its_place(item: object, problem: str) -> None:
    with pytest.raises(CronError, match=f"^{re.escape(problem)}") as caught:
        parse_cron(item)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("item", "places"),
    [
        (
            {"minute": 60, "hour": [1, 24], "mont": 1, "dst_fixes": ["skp"]},
            ["mont", "minute", "hour[1]", "dst_fixes[0]"],
        ),
        ({"minute": 60, "hour": 24}, ["", "minute", "hour"]),
        ({"epoch": -1, "minute": 1, "hour": 1}, ["minute", "hour", "epoch"]),
        ({"epcoh": 1}, ["epcoh"]),
        (
            {"cron": "60 24 * * *", "dst_fixes": [], "hour": 1},
            ["hour", "dst_fixes", "cron", "cron"],
        ),
        ({"cron": 5, "minute": 1}, ["minute", "cron"]),
        ("60 24 * 13 *", ["", "", ""]),
    ],
)
def test_an_error_has_everything_that_is_wrong(item: object, places: list[str]) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(item)
    assert caught.value.every[0] is caught.value
    found = [render_path(each.path) for each in caught.value.every]
    assert found == places


def test_an_error_tells_a_program_its_place() -> None:
    with pytest.raises(CronError) as caught:
        parse_cron({"minute": [1, 77], "dst_fixes": FIXES})
    assert caught.value.path == ("minute", 1)
    assert caught.value.problem == "must be from 0 to 59, got 77"


@pytest.mark.parametrize("fixes", [FIXES, FIXES[::-1]])
def test_the_order_of_dst_fixes_does_not_matter(fixes: list[str]) -> None:
    assert parse_cron({"minute": 0, "dst_fixes": fixes}) == parse_cron(
        {"minute": 0, "dst_fixes": FIXES}
    )
