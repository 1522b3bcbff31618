"""What became of attempts of an earlier scheduler process, found at the start."""

from dataclasses import replace

import pytest

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.left import settle_left
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    INCOMPLETE_BACKOFF,
    START,
    World,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

TASK = task_id("etl@a")
LEFT = InvocationId(900_000, 7)
ONE = make_tree({"h1": ["a"]})
ERROR = TaskStatus(bits=ERROR_BACKOFF, time=START.wall - 4)
TEN_TWENTY = make_config(make_job("etl"))
"""Its list: 10 s, 20 s, failed."""


def recovering(config: Config, before: TaskStatus | None = None) -> World:
    world = World()
    world.feed(ev.StartsPaused("recovery", "2 tasks of the last run are still ending"))
    known = {TASK: before} if before is not None else {}
    world.feed(ev.StatusesLoaded(known), ev.NodesLoaded(ONE), ev.ConfigLoaded(config))
    return world


def left(world: World, bits: Bits, task: TaskId = TASK) -> StoreStatus:
    reported = TaskStatus(bits=bits, time=START.wall - 4, data={"at": 3})
    (action,) = world.feed(ev.AttemptLeft(task, LEFT, reported))
    assert isinstance(action, StoreStatus)
    return action


def test_its_status_is_stored_as_that_of_the_attempt_and_starts_nothing() -> None:
    world = recovering(TEN_TWENTY)
    action = left(world, DONE)
    assert (action.task, action.invocation) == (TASK, LEFT)
    assert action.status.is_done
    assert action.status.data == {"at": 3}
    assert world.core.running() == ()
    assert world.reason("etl@a") is Reason.BACKOFF
    text = "how an earlier attempt ended is being stored"
    assert text in [check.text for check in world.explain("etl@a").checks]
    assert world.store() == []
    assert world.reason("etl@a") is Reason.DONE
    assert world.feed(ev.StartsResumed("recovery")) == []


def test_an_incomplete_one_goes_on_once_the_recovery_is_over() -> None:
    world = recovering(TEN_TWENTY)
    left(world, INCOMPLETE)
    assert world.store() == []
    assert started(world.feed(ev.StartsResumed("recovery"))) == ["etl@a"]
    previous = world.running[TASK].prev_status
    assert previous is not None
    assert previous.data == {"at": 3}


def test_what_depends_on_it_may_start_when_it_was_done() -> None:
    world = recovering(
        make_config(make_job("etl"), make_job("load", depends_on=["etl"]))
    )
    left(world, DONE)
    world.store()
    assert started(world.feed(ev.StartsResumed("recovery"))) == ["load@a"]


@pytest.mark.parametrize(
    ("before", "bits", "expected"),
    [
        (None, ERROR_BACKOFF, (ERROR_BACKOFF, 10)),
        (replace(ERROR, backoff_sec=10), ERROR_BACKOFF, (ERROR_BACKOFF, 20)),
        (
            replace(ERROR, backoff_sec=20),
            ERROR_BACKOFF,
            (ERROR_BACKOFF & ~Bits.ERROR | Bits.FAILED, 60),
        ),
        (replace(ERROR, backoff_sec=20), INCOMPLETE_BACKOFF, (INCOMPLETE_BACKOFF, 20)),
        (None, INCOMPLETE_BACKOFF, (INCOMPLETE_BACKOFF, 10)),
        (replace(ERROR, backoff_sec=20), FAILED, (FAILED, 0)),
        (replace(ERROR, backoff_sec=20), INCOMPLETE, (INCOMPLETE, 0)),
    ],
)
def test_it_costs_what_it_would_have_cost_the_process_that_started_it(
    before: TaskStatus | None, bits: Bits, expected: tuple[Bits, int]
) -> None:
    world = recovering(TEN_TWENTY, before)
    status = left(world, bits).status
    assert (status.bits, status.backoff_sec) == expected


def test_its_backoff_counts_from_the_end_of_the_attempt() -> None:
    world = recovering(TEN_TWENTY)
    left(world, ERROR_BACKOFF)
    world.store()
    world.feed(ev.StartsResumed("recovery"))
    assert world.wait(5.9) == []
    assert started(world.wait(0.2)) == ["etl@a"]


def test_it_is_told_once_even_if_it_is_found_twice() -> None:
    world = recovering(TEN_TWENTY)
    left(world, ERROR_BACKOFF)
    again = TaskStatus(bits=ERROR_BACKOFF, time=START.wall)
    assert world.feed(ev.AttemptLeft(TASK, LEFT, again)) == []
    # As after a forgiving that is on its way: the newer one counts.
    other = ev.AttemptLeft(TASK, LEFT._replace(rand=8), again)
    (action,) = world.feed(other)
    assert isinstance(action, StoreStatus)
    assert action.status.backoff_sec == 20


def test_a_task_that_runs_hears_nothing_of_an_earlier_attempt() -> None:
    world = World(TEN_TWENTY, ONE)
    done = TaskStatus(bits=DONE, time=START.wall)
    assert world.feed(ev.AttemptLeft(TASK, LEFT, done)) == []
    assert world.reason("etl@a") is Reason.RUNNING


def test_a_config_read_meanwhile_keeps_it_waiting_for_its_status() -> None:
    world = recovering(TEN_TWENTY)
    left(world, DONE)
    world.reload(make_config(make_job("etl", priority=5)))
    world.feed(ev.StartsResumed("recovery"))
    assert world.reason("etl@a") is Reason.BACKOFF
    assert world.store() == []
    assert world.reason("etl@a") is Reason.DONE


@pytest.mark.parametrize("bits", [DONE, FAILED])
def test_the_status_of_a_job_that_is_gone_counts_when_it_comes_back(bits: Bits) -> None:
    world = recovering(make_config())
    assert left(world, bits).status.bits == bits
    world.store()
    world.feed(ev.StartsResumed("recovery"))
    assert world.reload(TEN_TWENTY) == []
    assert world.reason("etl@a") is (Reason.DONE if bits is DONE else Reason.FAILED)


def test_the_status_of_a_node_that_is_gone_counts_when_it_comes_back() -> None:
    world = recovering(TEN_TWENTY)
    left(world, DONE, task_id("etl@gone"))
    world.store()
    world.feed(ev.NodesLoaded(make_tree({"h1": ["gone"]})))
    assert world.feed(ev.StartsResumed("recovery")) == []
    assert world.reason("etl@gone") is Reason.DONE


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (make_config(), [5, 9, 9]),
        (make_config(make_job("etl", errors=["owner: missing"])), [10, 20, 20]),
        (None, [15, 30, 60]),
    ],
    ids=["gone", "invalid", "no config yet"],
)
def test_without_a_valid_job_an_error_takes_the_next_step_and_never_fails(
    config: Config | None, expected: list[int]
) -> None:
    if config is not None:
        backoff = Backoff(steps=(5, 9), repeat=False)
        settings = replace(config.settings, backoff=backoff)
        config = replace(config, settings=settings)
    found, status = [], None
    for _ in range(3):
        status = settle_left(TASK, ERROR, previous=status, config=config)
        assert status.bits == ERROR_BACKOFF
        found.append(status.backoff_sec)
    assert found == expected
