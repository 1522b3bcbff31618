"""When a job is expected to be done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.eta import SAMPLE, AtOnce, Durations, after_those, seconds_left
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.reasons import Reason

ETL, WEB = JobName("etl"), JobName("web")


def left(
    mean: float | None,
    *ages: float,
    may_start: bool = True,
    at_once: float | None = None,
    **counts: int,
) -> float | None:
    by_reason = {Reason(word): number for word, number in counts.items()}
    by_reason[Reason.RUNNING] = len(ages)
    return seconds_left(
        by_reason,
        mean,
        ages,
        at_once=len(ages) if at_once is None else at_once,
        may_start=may_start,
    )


def test_the_mean_is_that_of_the_last_ones() -> None:
    durations = Durations()
    assert durations.mean(ETL) is None
    for _ in range(SAMPLE):
        durations.add(ETL, 1000.0)
    assert durations.mean(ETL) == 1000.0
    for number in range(SAMPLE):
        durations.add(ETL, float(number))
    assert durations.mean(ETL) == (SAMPLE - 1) / 2


def test_what_is_loaded_counts_as_older() -> None:
    durations = Durations()
    durations.add(ETL, 7.0)
    durations.load({ETL: [5.0] * SAMPLE, WEB: [1.0, 3.0]})
    assert durations.mean(ETL) == pytest.approx((5.0 * (SAMPLE - 1) + 7.0) / SAMPLE)
    assert durations.mean(WEB) == 2.0


def test_jobs_that_are_gone_are_forgotten() -> None:
    durations = Durations()
    durations.load({ETL: [1.0], WEB: [1.0]})
    durations.keep({WEB})
    assert durations.mean(ETL) is None
    assert durations.mean(WEB) == 1.0


def test_a_task_that_runs_needs_what_is_left_of_the_mean() -> None:
    assert left(60.0, 20.0) == 40.0
    assert left(60.0, 20.0, 50.0) == 40.0


def test_a_task_that_is_late_needs_as_long_again_as_it_is_late() -> None:
    assert left(60.0, 90.0) == 30.0


def test_what_waits_runs_with_as_many_at_once_as_run_now() -> None:
    assert left(60.0, 30.0, 30.0, resource=9) == (30.0 + 30.0 + 9 * 60.0) / 2
    assert left(60.0, 30.0, 30.0, resource=4, backoff=4, dependency=1) == 300.0


def test_one_more_takes_a_whole_turn_however_many_run() -> None:
    assert left(60.0, *[30.0] * 10, runnable=1) == 90.0


def test_tasks_that_are_done_failed_or_not_owed_do_not_count() -> None:
    assert left(60.0, 30.0, done=50, failed=5, avoided=3, node_disabled=2) == 30.0


def test_nobody_can_tell_where_nothing_is_known_runs_or_may_start() -> None:
    assert left(None, 10.0) is None
    assert left(60.0, resource=3) is None
    assert left(60.0) is None
    assert left(60.0, 10.0, paused=3, may_start=False) is None
    assert left(60.0, 10.0, may_start=False) == 50.0


@given(
    mean=st.floats(0.0, 1e6),
    ages=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=20),
    waiting=st.integers(0, 10**6),
)
def test_more_tasks_never_take_less_time(
    mean: float, ages: list[float], waiting: int
) -> None:
    fewer = left(mean, *ages, resource=waiting)
    more = left(mean, *ages, resource=waiting + 1)
    assert fewer is not None
    assert more is not None
    assert 0.0 <= fewer <= more * (1 + 1e-9)


def test_between_two_short_tasks_it_is_known_as_well() -> None:
    assert left(1.0, at_once=2.0, resource=40) == 20.0
    assert left(1.0, at_once=0.0, resource=40) is None
    assert left(1.0, at_once=2.0, done=40) is None


def test_it_is_steady_while_the_number_that_runs_alternates() -> None:
    at_once, found = AtOnce(), []
    for step in range(400):
        running = (1, 2, 0, 2)[step % 4]
        at_once.look({ETL: running} if running else {}, step * 0.25)
        if step > 200:
            seconds = left(1.0, *[0.5] * running, at_once=at_once.of(ETL), resource=100)
            assert seconds is not None
            found.append(seconds)
    assert max(found) < min(found) * 1.2
    assert min(found) < 100 / 1.25 < max(found) * 1.1


def test_the_first_look_is_taken_as_it_is() -> None:
    at_once = AtOnce()
    at_once.look({ETL: 8}, 1000.0)
    assert at_once.of(ETL) == 8.0
    assert at_once.of(WEB) == 0.0


def test_a_job_of_which_nothing_runs_for_long_is_forgotten() -> None:
    at_once = AtOnce()
    at_once.look({ETL: 3}, 1000.0)
    at_once.look({}, 1001.0)
    assert at_once.of(ETL) == 3.0
    at_once.look({}, 1060.0)
    assert at_once.of(ETL) == 0.0


def test_the_middle_one_of_the_last_attempts_is_told() -> None:
    durations = Durations()
    assert durations.median(ETL) is None
    for seconds in (9.0, 1.0, 2.0):
        durations.add(ETL, seconds)
    assert durations.median(ETL) == 2.0
    durations.add(ETL, 4.0)
    assert durations.median(ETL) == 3.0


def test_of_many_that_run_some_stand_for_all() -> None:
    counts = {Reason.RUNNING: 8, Reason.RESOURCE: 8}
    all_ages = [2.0] * 8
    whole = seconds_left(counts, 10.0, all_ages, at_once=8, may_start=True)
    some = seconds_left(
        counts, 10.0, all_ages[:2], at_once=8, may_start=True, running=8
    )
    assert some == whole


def test_where_nothing_runs_and_all_wait_for_others_nobody_can_tell() -> None:
    assert left(2.0, at_once=1.0, dependency=4) is None
    assert left(2.0, at_once=1.0, dependency=4, resource=1) == 10.0
    assert left(2.0, 1.0, at_once=1.0, dependency=1) == 3.0


def test_no_job_is_done_before_those_that_its_tasks_wait_for() -> None:
    sum_up = JobName("sum")
    own: dict[JobName, float | None] = {ETL: 50.0, WEB: 9.0, sum_up: 1.0}
    waits = {WEB: {ETL}, sum_up: {WEB}}
    assert after_those(own, waits) == {ETL: 50.0, WEB: 50.0, sum_up: 50.0}
    unknown = after_those(own | {ETL: None}, waits)
    assert unknown == {ETL: None, WEB: None, sum_up: None}
    assert after_those({ETL: 5.0, WEB: 9.0}, {WEB: {ETL}})[WEB] == 9.0
    circle = after_those({ETL: 5.0, WEB: 9.0}, {WEB: {ETL}, ETL: {WEB}})
    assert circle == {ETL: None, WEB: None}
