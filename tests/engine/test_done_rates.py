"""How many tasks of a job get done in a minute."""

import pytest

from bistro_tui.engine.done_rates import SPAN_SEC, STEP_SEC, DoneRates
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import DONE, FAILED, task_id

ETL = JobName("etl")


def done(rates: DoneRates, number: int, *, job: str = "etl") -> None:
    status = TaskStatus(bits=DONE, time=0.0)
    rates.ended([(task_id(f"{job}@a"), status, "", 1.0, "local")] * number)


def test_what_is_done_counts_by_the_time_since_the_first_of_it() -> None:
    rates = DoneRates(100.0)
    done(rates, 6)
    assert rates.per_minute(ETL, 100.0) == 60 * 6 / STEP_SEC
    assert rates.per_minute(ETL, 160.0) == pytest.approx(6)
    done(rates, 9, job="web")
    assert rates.per_minute(ETL, 160.0) == pytest.approx(6)


def test_few_and_failed_ones_tell_nothing() -> None:
    rates = DoneRates(0.0)
    failed = (task_id("etl@a"), TaskStatus(bits=FAILED, time=0.0), "", 1.0, "local")
    rates.ended([failed] * 10)
    done(rates, 2)
    assert rates.per_minute(ETL, 5.0) is None


def test_only_the_last_minutes_count() -> None:
    rates, now = DoneRates(0.0), 0.0
    done(rates, 1_000)
    while now < SPAN_SEC + 3 * STEP_SEC:
        now += 0.5
        rates.sampled(now)
    assert rates.per_minute(ETL, now) is None
    done(rates, 30)
    now += 60
    assert rates.per_minute(ETL, now) == pytest.approx(30, rel=0.2)
    # However long nobody looked.
    rates.sampled(now + 1_000_000)
    assert rates.per_minute(ETL, now + 1_000_000) is None
