"""The time axis of the timeline."""

from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.time_axis import STEPS, Axis, ticks
from tests.ui.scripted import NOW

BERLIN = ZoneInfo("Europe/Berlin")

AXES = st.builds(
    lambda at, step, width: Axis.ending(at, step, width),
    st.floats(0, 4e9),
    st.sampled_from(STEPS),
    st.integers(1, 300),
)


@given(AXES, st.floats(0, 1))
def test_every_moment_in_the_window_has_its_cell_and_no_other_one(
    axis: Axis, part: float
) -> None:
    at = axis.left + (axis.right - axis.left) * part
    assert 0 <= axis.cell(at) <= axis.width
    assert axis.cell(axis.left - axis.step) == -1
    assert axis.cell(axis.right + axis.step) == axis.width
    assert axis.cell(float("-inf")) == -1
    assert axis.cell(float("inf")) == axis.width


@given(AXES, st.sampled_from([-1, 1]), st.floats(0, 0.999))
def test_zooming_keeps_the_moment_in_its_place(
    axis: Axis, by: int, part: float
) -> None:
    around = axis.left + (axis.right - axis.left) * part
    closer = axis.zoomed(by, around)
    assert closer.width == axis.width
    assert closer.step in STEPS
    assert abs(closer.cell(around) - axis.cell(around)) <= 2


@given(AXES, st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=5, minutes=45))]))
def test_ticks_stand_apart_and_fit(axis: Axis, zone: ZoneInfo | timezone) -> None:
    at = -1
    for tick in ticks(axis, zone):
        assert tick.cell > at
        at = tick.cell + len(tick.label)
        assert at <= axis.width


@pytest.mark.parametrize(
    ("step", "labels"),
    [
        (0.5, ["23:59:10", "23:59:20", "23:59:30", "23:59:40", "23:59:50"]),
        (5, ["23:52", "23:53", "23:54", "23:55", "23:56", "23:57", "23:58", "23:59"]),
        (600, ["08:00", "10:00", "12:00", "14:00", "16:00", "18:00", "20:00", "22:00"]),
        (14_400, ["Dec 16", "Dec 18", "Dec 20", "Dec 22", "Dec 24", "Dec 26", "Dec 28",
                  "Dec 30"]),
    ],
)  # fmt: skip
def test_ticks_are_round_times(step: float, labels: list[str]) -> None:
    found = [tick.label for tick in ticks(Axis.ending(NOW - 1, step, 100), UTC)]
    assert found == labels


def test_ticks_are_round_in_the_zone_of_the_person() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    axis = Axis.ending(NOW, 60, 60)
    assert [tick.label for tick in ticks(axis, kathmandu)] == [
        "05:00",
        "05:15",
        "05:30",
    ]


def test_midnight_is_a_date() -> None:
    axis = Axis.ending(NOW + 1200, 60, 60)
    assert "Jan 01" in [tick.label for tick in ticks(axis, UTC)]
