"""Reports until they are acted on."""

import asyncio
from collections import deque
from collections.abc import Callable

from bistro_tui.engine.dispatch.finds import Finds
from bistro_tui.engine.dispatch.turns import FEWEST, MOST, TURN_SEC, Turns
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptStarted,
    RunnerReport,
)
from tests.engine.dispatch.builders import AN_ADOPTED, ETL, a_start

REPORTS = [AttemptStarted(ETL, InvocationId(900, number), 17) for number in range(9)]


class Reader:
    """Takes reports, each of which takes its time by a clock of its own."""

    def __init__(self, each_takes: float = 0.0) -> None:
        self.each_takes = each_takes
        self.moment = Now(wall=1000.0, mono=10.0)
        self.heard: list[RunnerReport] = []
        self.numbers: list[int] = []
        self.then: Callable[[], None] = lambda: None
        self.finds = Finds()
        self.turns = Turns(self.act_on, finds=self.finds, clock=self)

    def now(self) -> Now:
        return self.moment

    def act_on(self, reports: deque[RunnerReport], number: int) -> None:
        self.numbers.append(number)
        for _ in range(number):
            self.heard.append(reports.popleft())
        took = number * self.each_takes
        self.moment = self.moment._replace(mono=self.moment.mono + took)
        self.then()


async def turn_of_the_loop() -> None:
    # What is called soon is called before the sleep is over.
    await asyncio.sleep(0)


async def test_reports_wait_for_the_next_turn_of_the_loop_and_keep_their_order() -> (
    None
):
    reader = Reader()
    for report in REPORTS:
        reader.turns.add(report)
    assert reader.heard == []
    await turn_of_the_loop()

    assert reader.heard == REPORTS
    assert reader.numbers == [len(REPORTS)]


async def test_many_reports_at_once_are_acted_on_at_once() -> None:
    reader = Reader()
    reader.turns.add_all(REPORTS)
    assert reader.heard == REPORTS


async def test_many_reports_at_once_do_not_overtake_one_that_waits() -> None:
    reader = Reader()
    reader.turns.add(REPORTS[0])
    reader.turns.add_all(REPORTS[1:])
    assert reader.heard == []
    await turn_of_the_loop()
    assert reader.heard == REPORTS


async def test_on_a_quick_machine_a_turn_takes_more_and_more_up_to_a_bound() -> None:
    reader = Reader()
    reader.turns.add_all(REPORTS[:1] * 5 * MOST)
    reader.turns.flush()
    assert reader.numbers[:4] == [FEWEST, 2 * FEWEST, 4 * FEWEST, 8 * FEWEST]
    assert max(reader.numbers) == MOST


async def test_on_a_slow_machine_a_turn_takes_what_fits_and_at_least_a_few() -> None:
    reader = Reader(each_takes=TURN_SEC / 120)
    reader.turns.add_all(REPORTS[:1] * 5 * MOST)
    reader.turns.flush()
    assert 119 <= reader.numbers[-2] <= 120

    reader.each_takes = 1.0
    reader.turns.add_all(REPORTS[:1] * 5 * MOST)
    reader.turns.flush()
    assert reader.numbers[-2] == FEWEST


async def test_what_is_left_after_an_error_has_its_turn() -> None:
    reader, errors = Reader(), list[object]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))

    def fail() -> None:
        reader.then = lambda: None
        raise RuntimeError("out of luck")

    reader.then = fail
    for report in REPORTS[:1] * (FEWEST + 3):
        reader.turns.add(report)
    await turn_of_the_loop()
    await turn_of_the_loop()

    assert [str(error) for error in errors] == ["out of luck"]
    assert reader.numbers == [FEWEST, 3]


async def test_after_the_close_all_is_acted_on_and_nothing_is_left_to_fire() -> None:
    reader = Reader()
    reader.turns.add(REPORTS[0])
    reader.turns.close()
    assert reader.heard == REPORTS[:1]
    await turn_of_the_loop()
    assert reader.numbers == [1]


async def test_what_was_found_to_run_holds_up_starts_from_its_report_on() -> None:
    for add in (Turns.add, lambda turns, report: turns.add_all([report])):
        reader = Reader()
        reader.turns.add(REPORTS[0])
        assert not reader.finds.holds_up(a_start())
        add(reader.turns, AttemptAdopted(AN_ADOPTED))
        assert reader.finds.holds_up(a_start())
