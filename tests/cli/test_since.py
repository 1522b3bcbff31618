"""Points in time on the command line."""

from datetime import UTC, datetime

import click
import pytest

from bistro_tui.cli.since import point_in_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 970.0),
        ("10m", 400.0),
        ("1.5h ago", -4400.0),
        ("2d", 1000.0 - 172_800),
        ("1 w ago", 1000.0 - 604_800),
        ("1700000000", 1_700_000_000.0),
        (" 12.5 ", 12.5),
        ("-3", -3.0),
    ],
)
def test_a_time_is_so_long_ago_or_a_second(text: str, expected: float) -> None:
    assert point_in_time(text, now=1000.0, flag="--since") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", datetime(2026, 11, 22)),  # noqa: DTZ001 - local time is meant
        ("2026-11-22T03:00", datetime(2026, 11, 22, 3)),  # noqa: DTZ001 - local time
        ("2026-11-22 03:00:05", datetime(2026, 11, 22, 3, 0, 5)),  # noqa: DTZ001 - local time
        ("2026-11-22T03:00Z", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("2026-11-22T03:00+02:00", datetime(2026, 11, 22, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date_too(text: str, expected: datetime) -> None:
    assert point_in_time(text, now=1000.0, flag="--since") == expected.timestamp()


def test_a_time_without_a_date_is_of_today() -> None:
    noon = datetime(2026, 11, 22, 12)  # noqa: DTZ001 - local time is meant
    found = point_in_time("03:00", now=noon.timestamp(), flag="--since")
    assert found == datetime(2026, 11, 22, 3).timestamp()  # noqa: DTZ001 - local time


def test_what_is_no_time_is_named() -> None:
    with pytest.raises(click.BadParameter, match="'yesterday' is neither"):
        point_in_time("yesterday", now=1000.0, flag="--since")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13-01",
        "25:00",
        "2026-11-22 what",
        "nan",
        "inf",
        "1e999",
        "m",
        "-1m",
        "1y",
        "٣m",
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(click.BadParameter, match="ago") as refused:
        point_in_time(text, now=1000.0, flag="--since")
    assert refused.value.param_hint == "--since"
