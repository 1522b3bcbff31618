"""Starts that wait for what was found to run."""

from bistro_tui.engine.dispatch.finds import Finds
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptNotStarted,
    RunnerTrouble,
)
from tests.engine.dispatch.builders import AN_ADOPTED, ETL, a_start

FOUND = AttemptAdopted(AN_ADOPTED)


def test_nothing_is_held_up_but_starts_of_what_was_found() -> None:
    finds = Finds()
    assert not finds.holds_up(a_start())
    finds.expect([RunnerTrouble("no limits")])
    assert not finds.holds_up(a_start())
    finds.expect([FOUND])
    assert finds.holds_up(a_start())


def test_the_start_that_was_held_up_is_told_when_the_core_hears_of_the_find() -> None:
    finds = Finds()
    finds.expect([FOUND])
    start = a_start()
    finds.holds_up(start)

    assert finds.heard(ETL) == AttemptNotStarted(
        ETL, start.invocation, "it was found to run", concerns_worker_only=True
    )
    assert finds.heard(ETL) is None
    assert not finds.holds_up(a_start(2))


def test_a_task_that_was_found_twice_is_held_up_until_the_core_heard_of_both() -> None:
    finds = Finds()
    finds.expect([FOUND, FOUND])
    assert finds.heard(ETL) is None
    assert finds.holds_up(a_start())
    assert finds.heard(ETL) is not None
    assert not finds.holds_up(a_start(2))
