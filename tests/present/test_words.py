"""Times and numbers in few characters."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present import words


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (3599, "59m59s"),
        (3600, "1h00m"),
        (86399, "23h59m"),
        (86400, "1d00h"),
        (9e6, "104d04h"),
    ],
)
def test_an_age_takes_its_two_largest_units(seconds: float, shown: str) -> None:
    assert words.age(seconds) == shown


def test_what_just_happened_has_no_number() -> None:
    assert words.ago(2.9) == "just now"
    assert words.ago(3) == "3s ago"
    assert words.ago(7300) == "2h ago"


def test_short_tasks_show_tenths() -> None:
    assert words.took(0.04) == "0.0s"
    assert words.took(9.94) == "9.9s"
    assert words.took(9.95) == "9s"
    assert words.took(75) == "1m15s"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (9999, "9999"),
        (10_000, "10k"),
        (999_499, "999k"),
        (999_999, "999k"),
        (99_999, "99k"),
        (1_000_000, "1.0M"),
        (9_949_999, "9.9M"),
        (12_000_000, "12M"),
    ],
)
def test_a_count_fits_into_four_characters(number: int, shown: str) -> None:
    assert words.count(number) == shown
    assert len(shown) <= 4


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0K"),
        (4096, "4.0K"),
        (820 << 10, "820K"),
        (999 << 10, "999K"),
        (1000 << 10, "1.0M"),
        (64 << 20, "64M"),
        (1434 << 20, "1.4G"),
        (12 << 30, "12G"),
        (3 << 50, "3072T"),
    ],
)
def test_memory_takes_at_most_four_characters_up_to_a_thousand_terabytes(
    amount: int, shown: str
) -> None:
    assert words.size(amount) == shown


@given(st.integers(min_value=0, max_value=999 << 40))
def test_no_amount_of_memory_is_wider_than_its_column(amount: int) -> None:
    assert len(words.size(amount)) <= 4


def test_a_time_that_runs_out_is_over_only_when_it_is() -> None:
    assert [words.left(s) for s in (7.0, 6.2, 0.1, 0.0)] == ["7s", "7s", "1s", "0s"]


def test_one_is_not_many() -> None:
    assert words.plural(1, "task") == "1 task"
    assert words.plural(0, "task") == "0 tasks"
    assert words.plural(1200, "query", "queries") == "1,200 queries"


def test_moments_are_told_in_the_zone_asked_for() -> None:
    assert words.clock_time(1_767_225_600, UTC) == "00:00:00"
    assert words.date_time(1_767_225_600, UTC) == "2026-01-01 00:00:00"


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (-86_400.0, "1969-12-31 00:00:00"),
        (2.0**32, "2106-02-07 06:28:16"),
        (1e13, "10000000000000"),
        (-1e300, "-100000000000000005"),
        (float("nan"), "nan"),
    ],
)
def test_any_second_is_shown_also_beyond_all_calendars(wall: float, text: str) -> None:
    assert words.date_time(wall, UTC) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3.0, "~1s"),
        (0.0, "~1s"),
        (59.4, "~59s"),
        (59.6, "~1m"),
        (720.0, "~12m"),
        (3599.0, "~1h"),
        (47 * 3600.0, "~47h"),
        (48 * 3600.0, "~2d"),
        (99.4 * 86400, "~99d"),
        (1e12, ">99d"),
    ],
)
def test_a_guess_takes_four_cells_at_most(seconds: float, text: str) -> None:
    assert words.about(seconds) == text


def test_a_number_is_written_out_as_long_as_it_is_whole() -> None:
    written = [words.number(one) for one in (1.0, 2.5, -3.0, 1e9, 0.1 + 0.2, 1e300)]
    assert written == ["1", "2.5", "-3", "1000000000", "0.3", "1e+300"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1s"), (60, "1m"), (61, "2m"), (656, "11m"), (3600, "1h"), (3601, "2h")],
)
def test_a_longest_time_is_never_said_too_short(seconds: float, text: str) -> None:
    assert words.at_most(seconds) == text
