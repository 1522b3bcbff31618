"""How fast jobs get on, and when they go on."""

from bistro_tui.engine.view import Reason
from bistro_tui.present.job_pace import Pace, next_retries
from tests.ui.scripted import NOW, ended, job, running

R = Reason


def test_done_tasks_a_minute_are_counted_since_the_first_look() -> None:
    pace = Pace()
    pace.look((job("etl", {R.DONE: 10}),), NOW)
    later = job("etl", {R.DONE: 40})
    assert pace.per_minute(later, NOW + 2) is None
    assert pace.per_minute(later, NOW + 60) == 30
    assert pace.per_minute(job("new", {R.DONE: 1}), NOW + 60) is None


def test_old_looks_are_forgotten() -> None:
    pace = Pace()
    for minute in range(20):
        pace.look((job("etl", {R.DONE: 100 * minute}),), NOW + 60 * minute)
    now = NOW + 60 * 19
    assert pace.per_minute(job("etl", {R.DONE: 1_900}), now) == 100
    assert pace.per_minute(job("etl", {R.DONE: 800}), now) == 0


def test_statuses_that_were_reset_have_no_pace() -> None:
    pace = Pace()
    pace.look((job("etl", {R.DONE: 10}),), NOW)
    assert pace.per_minute(job("etl"), NOW + 60) is None


def test_a_clock_that_was_set_back_begins_anew() -> None:
    pace = Pace()
    pace.look((job("etl", {R.DONE: 10}),), NOW)
    pace.look((job("etl", {R.DONE: 20}),), NOW - 500)
    assert pace.per_minute(job("etl", {R.DONE: 30}), NOW - 440) == 10


def test_the_next_backoff_of_a_job_is_the_one_that_ends_first() -> None:
    rows = (
        ended("etl", "a", 1, result=R.BACKOFF, retry_at=NOW + 60),
        ended("etl", "b", 2, result=R.BACKOFF, retry_at=NOW + 30),
        ended("etl", "c", 3, result=R.BACKOFF, retry_at=NOW + 10),
        ended("etl", "d", 4),
        ended("etl", "d", 5, result=R.BACKOFF, retry_at=NOW + 5),
        ended("old", "a", 6, result=R.BACKOFF, retry_at=NOW - 5),
    )
    assert next_retries(rows, (running("etl", "c"),), NOW) == {"etl": NOW + 30}
