"""First matches are those that looking at every minute finds."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.cron.item import parse_cron
from bistro_tui.engine.system_zone import system_zone
from tests.engine.cron.brute_force import events_around
from tests.engine.cron.zones import DAY, Shown, known_changes, local_zone

SKIPPED = ("skip", "unskip")
REPEATED = ("repeat_use_both", "repeat_use_only_early", "repeat_use_only_late")
DAYS = {"day_of_month": (1, 31), "day_of_week": (1, 7)}


class Chosen(NamedTuple):
    selector: Any
    values: frozenset[int]


@st.composite
def selectors(draw: st.DrawFn, low: int, high: int) -> Chosen:
    kind = draw(st.sampled_from(["one", "some", "range", "all"]))
    if kind == "all":
        return Chosen(draw(st.sampled_from([[], {}])), frozenset(range(low, high + 1)))
    if kind == "range":
        start = draw(st.integers(low, high))
        end = draw(st.integers(start, high))
        period = draw(st.integers(1, high - low - 1))
        selector = {"start": start, "end": end, "period": period}
        return Chosen(selector, frozenset(range(start, end + 1, period)))
    values = draw(st.lists(st.integers(low, high), min_size=1, max_size=4))
    if kind == "one":
        return Chosen(values[0], frozenset(values[:1]))
    return Chosen(values, frozenset(values))


# The hours in which clocks are changed, and rarely the others.
HOURS = st.one_of(
    st.sampled_from([0, 1, 2, 3, 23]).map(lambda h: Chosen(h, frozenset({h}))),
    selectors(0, 23),
)


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Chosen]:
    found = {"minute": draw(selectors(0, 59))}
    if draw(st.booleans()):
        found["hour"] = draw(HOURS)
    day = draw(st.sampled_from([None, None, "day_of_month", "day_of_week"]))
    if day is not None:
        found[day] = draw(selectors(*DAYS[day]))
    return found


def near_the_change() -> st.SearchStrategy[int]:
    return st.one_of(
        st.sampled_from([-3600, -61, -60, -59, -2, -1, 0, 1, 59, 60, 3599, 3600]),
        st.integers(-2 * 3600, 2 * 3600),
        st.integers(-3 * DAY // 2, 3 * DAY // 2),
    )


@pytest.mark.timeout(240)
@settings(max_examples=150)
@given(
    place=st.sampled_from(known_changes()),
    chosen=fields(),
    skipped=st.sampled_from(SKIPPED),
    repeated=st.sampled_from(REPEATED),
    starts=st.lists(near_the_change(), min_size=1, max_size=8),
)
def test_a_first_match_is_the_earliest_event_that_is_not_before(
    place: tuple[str, int],
    chosen: dict[str, Chosen],
    skipped: str,
    repeated: str,
    starts: list[int],
) -> None:
    tz, change = place
    raw = {name: each.selector for name, each in chosen.items()}
    item = parse_cron({**raw, "dst_fixes": [repeated, skipped]})

    columns = [
        (Shown._fields.index(name), each.values) for name, each in chosen.items()
    ]

    def is_chosen(shown: Shown) -> bool:
        return all(shown[column] in values for column, values in columns)

    events = events_around(tz, change, is_chosen, skipped=skipped, repeated=repeated)
    with local_zone(tz):
        zone = system_zone()
        for start in starts:
            found = item.first_match(change + start, zone)
            expected = next((at for at in events if at >= change + start), None)
            if expected is None:
                # The next one is beyond the minutes that were looked at.
                assert found is None or found >= change + 3 * DAY
            else:
                assert found == expected


@pytest.mark.parametrize(("tz", "change"), known_changes())
@pytest.mark.parametrize("repeated", REPEATED)
@pytest.mark.parametrize("skipped", SKIPPED)
def test_every_minute_around_each_change_is_an_event_or_dropped(
    tz: str, change: int, skipped: str, repeated: str
) -> None:
    item = parse_cron({"minute": {}, "dst_fixes": [skipped, repeated]})
    events = events_around(
        tz, change, lambda _: True, skipped=skipped, repeated=repeated
    )
    expected = [at for at in events if abs(at - change) < 5 * 3600]
    found = []
    with local_zone(tz):
        zone = system_zone()
        at = item.first_match(expected[0], zone)
        while at is not None and at <= expected[-1]:
            found.append(at)
            at = item.first_match(at + 1, zone)
    assert found == expected
