"""Which values a selector chooses, and what it refuses."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.cron.error import CronError
from bistro_tui.engine.cron.selector import (
    Field,
    Values,
    first_at_or_after,
    parse_selector,
)

ONE_TO_SEVEN = Field(min=1, max=7, kind="day", names={"sun": 1, "sunday": 1, "sat": 7})
HUGE = Field(min=0, max=2**63 - 1)


def chosen(selector: object, of: Field = ONE_TO_SEVEN) -> list[int]:
    return list(parse_selector(selector, of, ("f",)))


@pytest.mark.parametrize(
    ("selector", "values"),
    [
        (3, [3]),
        ("sun", [1]),
        ("SunDay", [1]),
        ([5, 2, 5, "Sat", 7], [2, 5, 7]),
        ([], [1, 2, 3, 4, 5, 6, 7]),
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"start": 3}, [3, 4, 5, 6, 7]),
        ({"end": 3}, [1, 2, 3]),
        ({"period": 3}, [1, 4, 7]),
        ({"start": 2, "period": 5}, [2, 7]),
        ({"start": 2, "end": 6, "period": 3}, [2, 5]),
        ({"start": "sun", "end": "SAT", "period": 2}, [1, 3, 5, 7]),
        ({"start": 4, "end": 4}, [4]),
        ({"period": "3"}, [1, 4, 7]),
        ({"period": " 3 "}, [1, 4, 7]),
        ({"period": 3.0}, [1, 4, 7]),
    ],
)
def test_a_selector_chooses_ascending_values(
    selector: object, values: list[int]
) -> None:
    assert chosen(selector) == values


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        (True, "f: must be a whole number or the name of a day, an array"),
        (None, "f: must be a whole number"),
        (3.0, "f: must be a whole number"),
        (0, "f: must be from 1 to 7, got 0"),
        (8, "f: must be from 1 to 7, got 8"),
        (10**30, "f: must be from 1 to 7, got a number beyond 64 bits"),
        ("su", 'f: "su" is not the name of a day; did you mean "sun"?'),
        ("3", 'f: "3" is not the name of a day'),
        ([1, 8], "f[1]: must be from 1 to 7"),
        ([1, [2]], "f[1]: must be a whole number or the name of a day, got an array"),
        ([1, None], "f[1]: must be a whole number or the name of a day, got null"),
        (
            {"startt": 1},
            "f.startt: unknown key (start, end, period are known); "
            'did you mean "start"?',
        ),
        ({"start": {}}, "f.start: must be a whole number or the name of a day, got an"),
        ({"end": 8}, "f.end: must be from 1 to 7"),
        ({"start": 1.0}, "f.start: must be a whole number"),
        ({"start": "1"}, 'f.start: "1" is not the name of a day'),
        ({"start": 5, "end": 4}, "f: start is beyond end"),
        ({"period": 0}, "f.period: must be from 1 to 5, got 0"),
        ({"period": -1}, "f.period: must be from 1 to 5, got -1"),
        ({"period": 6}, "f.period: must be from 1 to 5, got 6"),
        ({"period": 7}, "f.period: must be from 1 to 5, got 7"),
        ({"period": "6"}, 'f.period: must be from 1 to 5, got "6"'),
        ({"period": 2.5}, "f.period: must be a whole number, got 2.5"),
        ({"period": float("nan")}, "f.period: must be a whole number"),
        ({"period": "2.0"}, "f.period: must be a whole number"),
        ({"period": "two"}, "f.period: must be a whole number"),
        ({"period": "²"}, "f.period: must be a whole number"),
        ({"period": True}, "f.period: must be a whole number"),
        ({"period": None}, "f.period: must be a whole number"),
    ],
)
def test_a_bad_selector_is_refused_with_its_place(
    selector: object, problem: str
) -> None:
    with pytest.raises(CronError, match=f"^{re.escape(problem)}"):
        chosen(selector)


def test_a_text_is_no_value_of_a_field_without_names() -> None:
    with pytest.raises(CronError, match='must be a whole number, got "sun"'):
        chosen(["sun"], HUGE)


@pytest.mark.parametrize(("low", "high"), [(0, 59), (0, 23), (1, 12), (1, 7), (1, 31)])
def test_the_longest_period_is_two_below_the_number_of_values(
    low: int, high: int
) -> None:
    of = Field(min=low, max=high)
    assert chosen({"period": high - low - 1}, of) == [low, high - 1]
    with pytest.raises(CronError):
        chosen({"period": high - low}, of)


def test_the_range_of_all_seconds_costs_nothing() -> None:
    every = parse_selector({}, HUGE, ())
    assert first_at_or_after(every, 2**63 - 1) == 2**63 - 1
    assert first_at_or_after(every, 2**63) is None
    odd = parse_selector({"start": 1, "period": 2}, HUGE, ())
    assert first_at_or_after(odd, 2**62) == 2**62 + 1


small = st.integers(-20, 20)


@st.composite
def ranges(draw: st.DrawFn) -> range:
    start = draw(small)
    return range(start, start + draw(st.integers(1, 30)), draw(st.integers(1, 9)))


@given(
    st.one_of(
        st.sets(small, min_size=1).map(lambda found: tuple(sorted(found))), ranges()
    ),
    st.integers(-60, 60),
)
def test_the_first_value_is_the_smallest_that_is_not_below(
    values: Values, at: int
) -> None:
    assert first_at_or_after(values, at) == min(
        (value for value in values if value >= at), default=None
    )


@given(
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["start", "end", "period", "x"]), inner, max_size=3
            ),
        ),
        max_leaves=6,
    )
)
def test_any_json_is_a_selector_or_refused_in_one_line(raw: Any) -> None:
    values, problem = [], ""
    try:
        values = chosen(raw)
    except CronError as error:
        problem = str(error)
    assert bool(problem) != bool(values)
    assert "\n" not in problem
    assert values == sorted(set(values) & set(range(1, 8)))
