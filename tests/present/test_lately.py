"""What failed in the last hour."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Reason
from bistro_tui.present.lately import BARS, failed_lately, sparkline
from bistro_tui.present.spans import plain_text
from tests.ui.scripted import NOW, ended, engine_state, snapshot


def test_only_what_is_known_is_counted_when_older_attempts_were_dropped() -> None:
    ends = tuple(
        ended("a", f"n{ago}", ago, result=Reason.FAILED) for ago in (10, 100, 700)
    )
    shown = snapshot(ended=ends, starts=5_000)
    lately = failed_lately(shown, NOW, 6)
    assert (lately.failed, lately.covered) == (3, 700.0)
    assert lately.buckets == (None, None, None, None, 1, 2)


def test_before_the_start_nothing_is_known() -> None:
    shown = snapshot(state=engine_state(started=NOW - 900))
    lately = failed_lately(shown, NOW, 4)
    assert (lately.failed, lately.covered) == (0, 900.0)
    assert lately.buckets == (None, None, None, 0)


def test_a_clock_that_was_set_back_counts_nothing_twice() -> None:
    shown = snapshot(
        state=engine_state(started=NOW + 500),
        ended=(ended("a", "x", -100, result=Reason.FAILED),),
        starts=1,
    )
    lately = failed_lately(shown, NOW, 4)
    assert lately.failed == 1
    assert lately.buckets[-1] == 1


@given(st.lists(st.none() | st.integers(0, 10**6), max_size=40))
def test_the_highest_number_gets_the_highest_bar(
    numbers: list[int | None],
) -> None:
    text = plain_text(sparkline(numbers, "failed"))
    assert len(text) == len(numbers)
    for number, bar in zip(numbers, text, strict=True):
        if number is None:
            assert bar == "·"
        elif number == 0:
            assert bar == BARS[0]
        else:
            assert bar in BARS[1:]
            highest = max(one or 0 for one in numbers)
            assert (bar == BARS[-1]) or number < highest
