"""For whom a batch waits that does nothing else, as people are told."""

import logging
import time
from dataclasses import replace

import pytest

from bistro_tui.engine.batch_wait import LASTS_SEC, REMIND_SEC, TOPIC, BatchWait
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from tests.engine.scheduling.builders import World, make_job
from tests.engine.scheduling.test_core_workers import world
from tests.engine.scheduling.worker_worlds import worker

ON_H9 = replace(make_job("etl"), host_placement="h9")
WAITS = {JobName("etl"): "4 wait until a worker on h9 connects"}


class Told:
    """A world, what is said of it, and what people see."""

    def __init__(self, found: World, caplog: pytest.LogCaptureFixture) -> None:
        self.world = found
        self.shown: list[tuple[str, str]] = []
        self.wait = BatchWait(found.core, clock=self, show=self._show)
        self._caplog = caplog
        caplog.set_level(logging.INFO, "bistro_tui")

    def now(self) -> Now:
        return self.world.now

    def _show(self, topic: str, text: str) -> None:
        self.shown.append((topic, text))

    def after(self, seconds: float) -> list[str]:
        """Look now, and after so long; return what was said."""
        self._caplog.clear()
        self.wait.look()
        self.world.wait(seconds)
        self.wait.look()
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def waiting(caplog: pytest.LogCaptureFixture) -> Told:
    return Told(world(worker("w1"), job=ON_H9), caplog)


def test_it_says_for_whom_and_since_when_and_what_ends_it(waiting: Told) -> None:
    since = time.strftime("%F %T %Z", time.localtime(waiting.now().wall))
    waiting.wait.look()
    (said,) = waiting.after(LASTS_SEC)
    assert said == (
        f"nothing runs since {since}, the batch waits for workers: etl: 4 wait until a"
        " worker on h9 connects. If that is not to come, take it out of the config, or"
        " stop the batch: bistro-tui stop, or Ctrl-C"
    )
    assert waiting.shown == [(TOPIC, said)]

    # Not again and again, but for who comes back in the morning.
    assert waiting.after(REMIND_SEC / 2) == []
    assert waiting.after(REMIND_SEC / 2) == [said]


def test_once_something_runs_it_is_over(waiting: Told) -> None:
    waiting.wait.look()
    assert waiting.after(LASTS_SEC)
    waiting.world.feed(ev.WorkersReported((worker("w9", "h9"),), may_grow=False))
    assert waiting.world.running_names
    assert waiting.after(REMIND_SEC) == []
    assert waiting.shown[-1] == (TOPIC, "")
    assert waiting.wait.added_to({}) == {}


def test_a_worker_that_is_back_soon_is_not_spoken_of(waiting: Told) -> None:
    waiting.wait.look()
    assert waiting.after(LASTS_SEC / 2) == []
    waiting.world.feed(ev.WorkersReported((worker("w9", "h9"),), may_grow=False))
    assert waiting.after(LASTS_SEC) == []
    assert waiting.shown == []


def test_a_pause_is_spoken_of_elsewhere_and_at_the_end(waiting: Told) -> None:
    waiting.world.feed(ev.StartsPaused("disk", "the disk is full"))
    waiting.wait.look()
    assert waiting.after(REMIND_SEC) == []
    waiting.wait.stopping()
    told = waiting.wait.added_to({})
    assert told == {JobName("etl"): "4 paused: the disk is full"}


def test_at_the_end_it_is_said_beside_what_else_keeps_jobs(waiting: Told) -> None:
    waiting.wait.stopping()
    waiting.world.feed(ev.StopRequested())
    # A second request: nothing may start any more, and that is no news.
    waiting.wait.stopping()
    other = JobName("other")
    given = {other: "2 dependency: etl (2)", JobName("etl"): ""}
    assert waiting.wait.added_to(given) == {**given, **WAITS}
    assert waiting.wait.added_to({JobName("etl"): "more"}) == {JobName("etl"): "more"}


def test_what_waits_for_tasks_that_run_is_not_spoken_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told(world(worker("w1", slots=1)), caplog)
    assert told.world.running_names
    told.wait.look()
    assert told.after(REMIND_SEC) == []
    told.wait.stopping()
    assert told.wait.added_to({}) == {}


def test_without_remote_workers_nobody_is_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told(World(), caplog)
    told.wait.look()
    assert told.after(REMIND_SEC) == []
    told.wait.stopping()
    assert told.wait.added_to({}) == {}
