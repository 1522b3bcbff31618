"""Whatever the wall clock is set to, backoffs and orphan timers last as they should."""

from dataclasses import replace

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.statuses.bits import ERROR_BACKOFF, Bits
from bistro_tui.engine.statuses.saved_backoff import SAVED_BACKOFF
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    START,
    World,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

TREE = make_tree({"h1": ["a"]})
TASK = task_id("etl@a")
HOUR, YEAR = 3600.0, 3.2e7
WALLS = {
    "an hour on": START.wall + HOUR,
    "an hour back": START.wall - HOUR,
    "a year on": START.wall + YEAR,
    "1970": 0.0,
    "before 1970": -1e9,
    "2040": 2.2e9,
    "2110": 4.4e9,
}
walls = pytest.mark.parametrize("wall", WALLS.values(), ids=WALLS)
LOST = TaskStatus(
    bits=ERROR_BACKOFF | Bits.HAS_SAVED_BACKOFF,
    time=START.wall,
    backoff_sec=600,
    data={SAVED_BACKOFF: 10},
)


def set_clock(world: World, wall: float) -> None:
    world.now = Now(wall, world.now.mono)


def of_etl(statuses: TaskStatus | None = None) -> World:
    known = {TASK: statuses} if statuses is not None else {}
    return World(make_config(make_job("etl")), TREE, known)


@walls
def test_a_backoff_lasts_as_long_as_it_should_when_the_clock_is_set_meanwhile(
    wall: float,
) -> None:
    world = of_etl()
    world.end("etl@a", ERROR_BACKOFF)
    world.wait(4)
    set_clock(world, wall)
    assert world.wait(5.9) == []
    assert started(world.wait(0.1)) == ["etl@a"]


@walls
def test_a_backoff_lasts_as_long_also_if_the_clock_is_set_as_the_task_ends(
    wall: float,
) -> None:
    world = of_etl()
    ended = world.running.pop(TASK)
    status = TaskStatus(bits=ERROR_BACKOFF, time=world.now.wall)
    set_clock(world, wall)
    world.feed(ev.TaskEnded(TASK, ended.invocation, status))
    set_clock(world, START.wall)
    world.store()
    assert world.wait(9.9) == []
    assert started(world.wait(0.1)) == ["etl@a"]


@walls
@pytest.mark.parametrize("more", [Bits.ERROR, Bits.FAILED], ids=["error", "failed"])
def test_forgiving_a_lost_task_leaves_its_delay_as_it_is(
    wall: float, more: Bits
) -> None:
    world = of_etl(replace(LOST, bits=LOST.bits & ~Bits.ERROR | more))
    world.wait(100)
    set_clock(world, wall)
    (store,) = world.feed(ev.Forgive((TASK.job,)))
    assert isinstance(store, StoreStatus)
    assert store.status.backoff_sec == 600
    assert world.store() == []
    assert world.wait(499.9) == []
    assert started(world.wait(0.1)) == ["etl@a"]


@walls
def test_forgiving_any_other_task_lets_it_run_at_once(wall: float) -> None:
    world = of_etl()
    world.end("etl@a", ERROR_BACKOFF)
    set_clock(world, wall)
    world.feed(ev.Forgive((TASK.job,)))
    assert started(world.store()) == ["etl@a"]


@walls
def test_after_a_restart_a_backoff_is_never_longer_than_its_delay(wall: float) -> None:
    status = TaskStatus(bits=ERROR_BACKOFF, time=wall, backoff_sec=10)
    world = of_etl(status)
    if world.first:
        assert wall <= START.wall - 10
        assert started(world.first) == ["etl@a"]
    else:
        assert wall > START.wall - 10
        assert world.wait(9.9) == []
        assert started(world.wait(0.1)) == ["etl@a"]


@walls
def test_the_end_of_a_copy_of_before_is_told_by_its_wall_time(wall: float) -> None:
    world = World(make_config(make_job("etl", enabled=False)), TREE)
    status = TaskStatus(bits=ERROR_BACKOFF, time=wall)
    world.feed(ev.AttemptLeft(TASK, InvocationId(1, 7), status))
    world.store()
    world.reload(make_config(make_job("etl")))
    if TASK not in world.running:
        assert wall > START.wall - 10
        assert world.wait(9.9) == []
        world.wait(0.1)
    assert TASK in world.running


@walls
def test_an_orphan_is_given_the_time_that_it_is_to_have(wall: float) -> None:
    world = World(make_config(make_job("etl", kill_orphans=30.0)), TREE)
    world.reload(make_config(make_job("etl", enabled=False, kill_orphans=30.0)))
    set_clock(world, wall)
    assert world.wait(29.9) == []
    assert len(world.wait(0.1)) == 1
