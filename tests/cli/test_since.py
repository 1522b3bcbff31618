"""Points in time on the command line."""

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


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "m", "-1m", "1y", "٣m"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(click.BadParameter, match="ago") as refused:
        point_in_time(text, now=1000.0, flag="--since")
    assert refused.value.param_hint == "--since"
