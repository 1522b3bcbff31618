"""What a runner may forget."""

import pytest

from bistro_tui.engine.dispatch.settling import Settling
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.dispatch.builders import ETL

ONE, OTHER = InvocationId(900, 1), InvocationId(900, 2)


class Runner:
    def __init__(self) -> None:
        self.forgotten: list[InvocationId] = []
        self.settling = Settling(self.forgotten.extend)


def status_of(serial: int, invocation: InvocationId | None) -> StoreStatus:
    return StoreStatus(ETL, serial, TaskStatus(bits=DONE, time=1000.0), invocation)


def test_an_attempt_is_forgotten_once_its_status_is_on_disk() -> None:
    runner = Runner()
    statuses = [status_of(0, ONE), status_of(1, None)]
    runner.settling.storing(statuses)
    assert runner.forgotten == []
    runner.settling.stored(statuses)
    assert runner.forgotten == [ONE]


def test_a_status_that_is_replaced_on_its_way_settles_nothing() -> None:
    runner = Runner()
    old, new = status_of(0, ONE), status_of(1, ONE)
    runner.settling.storing([old])
    runner.settling.storing([new])
    runner.settling.stored([old])
    assert runner.forgotten == []
    runner.settling.stored([new])
    assert runner.forgotten == [ONE]


def test_an_attempt_of_which_nothing_is_stored_is_forgotten_at_once() -> None:
    runner = Runner()
    runner.settling.storing([status_of(0, ONE)])
    runner.settling.unless_storing(ONE)
    runner.settling.unless_storing(OTHER)
    assert runner.forgotten == [OTHER]


def test_a_runner_that_cannot_forget_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("out of memory")

    settling = Settling(fail)
    settling.stored([status_of(0, ONE)])
    assert "out of memory" in caplog.text
