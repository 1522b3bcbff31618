"""What the engine measures of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.measures import (
    LAG_SEC,
    RATE_SEC,
    RESULTS,
    SAMPLE_SEC,
    Lag,
    Measures,
)
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus


def ended(bits: int, seconds: float) -> tuple[object, TaskStatus, str, float, str]:
    return None, TaskStatus(bits=Bits(bits), time=1.0), "", seconds, "local"


def test_ends_are_counted_by_the_word_of_their_stored_status() -> None:
    measures = Measures(0.0)
    measures.ended([ended(bits, 1.0) for bits in (4, 4, 16, 16 + 64, 96, 584, 8, 32)])
    measures.ended([ended(1056, 1.0), ended(3168, 1.0)])
    measures.ended([])
    assert measures.ends() == {
        "done": 2,
        "failed": 2,
        "error": 2,
        "error_backoff": 2,
        "incomplete": 1,
        "incomplete_backoff": 1,
    }
    assert tuple(measures.ends()) == RESULTS


@given(seconds=st.lists(st.floats(0, 1e6), max_size=30))
def test_a_bucket_counts_what_is_at_most_its_bound(seconds: list[float]) -> None:
    measures = Measures(0.0)
    measures.ended([ended(4, one) for one in seconds])
    for one in seconds:
        measures.committed(one)
    for spread in (measures.durations(), measures.commits()):
        assert spread.number == len(seconds)
        assert spread.total == pytest.approx(sum(seconds))
        bounds = [bound for bound, _ in spread.buckets]
        assert bounds == sorted(set(bounds))
        for bound, number in spread.buckets:
            assert number == sum(one <= bound for one in seconds)


def test_lag_is_told_of_the_last_minute() -> None:
    measures = Measures(0.0)
    assert measures.lag() == Lag(0.0, 0.0, 0.0)
    for number in range(100):
        measures.sampled(number * SAMPLE_SEC, late=number / 1_000, starts=0)
    assert measures.lag() == Lag(0.049, 0.099, 0.099)
    measures.sampled(5.0, late=-0.001, starts=0)
    assert measures.lag().most == 0.099
    measures.sampled(5.0 + LAG_SEC, late=0.002, starts=0)
    assert measures.lag() == Lag(0.0, 0.002, 0.002)
    measures.sampled(5.1 + LAG_SEC, late=0.002, starts=0)
    assert measures.lag().p50 == 0.002


@given(delays=st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_one_in_a_hundred_is_later_than_p99_at_most(delays: list[float]) -> None:
    measures = Measures(0.0)
    for late in delays:
        measures.sampled(1.0, late=late, starts=0)
    lag = measures.lag()
    assert sum(late > lag.p99 for late in delays) <= len(delays) / 100
    assert lag.p50 <= lag.p99 <= lag.most == max(delays)
    assert lag.p99 in delays


def test_starts_a_second_are_those_of_the_last_seconds() -> None:
    measures = Measures(100.0)
    assert measures.starts_per_second(100.0, 0) == 0.0
    assert measures.starts_per_second(102.0, 10) == 5.0
    for tenth in range(300):
        measures.sampled(100.0 + tenth / 10, late=0.0, starts=tenth)
    assert measures.starts_per_second(130.0, 300) == pytest.approx(10.0, rel=0.06)
    for tenth in range(300, 300 + int(RATE_SEC * 10) + 10):
        measures.sampled(100.0 + tenth / 10, late=0.0, starts=300)
    assert measures.starts_per_second(141.0, 300) == 0.0


def test_starts_that_were_undone_do_not_make_the_rate_negative() -> None:
    measures = Measures(0.0)
    measures.sampled(1.0, late=0.0, starts=5)
    assert measures.starts_per_second(2.0, 0) == 0.0


def test_requests_are_counted_by_what_they_were_answered() -> None:
    measures = Measures(0.0)
    for code in (200, 200, 403):
        measures.answered(code)
    measures.subquery("jobs", ok=True)
    measures.subquery("jobs", ok=False)
    assert measures.answers() == {200: 2, 403: 1}
    assert measures.subqueries() == {("jobs", True): 1, ("jobs", False): 1}
