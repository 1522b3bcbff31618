"""Attempts that could not be started for want of something that comes back."""

from collections.abc import Callable

import pytest

from bistro_tui.engine.config.model import Config, NodeOrder, PolicyName
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.reasons import Reason
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    World,
    killed,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

ONE = make_tree({"h1": ["a"]})
PAUSE = ev.StartsPaused("start failures", "could not start: EAGAIN")
RESUME = ev.StartsResumed("start failures")


def undo(world: World, task: str) -> ev.TaskNotStarted:
    start = world.running.pop(task_id(task))
    return ev.TaskNotStarted(start.task, start.invocation, "EAGAIN")


def test_what_could_not_be_started_waits_as_before_and_starts_again() -> None:
    world = World(make_config(make_job("etl")), ONE)
    assert world.feed(undo(world, "etl@a"), PAUSE) == []
    assert world.core.running() == ()
    assert world.reason("etl@a") is Reason.PAUSED
    assert world.core.status(task_id("etl@a")) is None
    assert (world.core.starts, world.core.unstored) == (0, 0)
    assert world.core.progress().can_progress
    assert world.core.next_due() is None
    assert started(world.feed(RESUME)) == ["etl@a"]
    assert world.core.starts == 1
    assert world.core.running()[0].number == 1


def test_no_retry_is_used_and_the_backoff_goes_on_from_where_it_was() -> None:
    world = World(make_config(make_job("etl")), ONE)
    world.end("etl@a", ERROR_BACKOFF)
    world.wait(10)
    before = world.running[task_id("etl@a")]
    assert started(world.feed(undo(world, "etl@a"))) == ["etl@a"]
    again = world.running[task_id("etl@a")]
    assert again.prev_status == before.prev_status
    assert again.next_backoff == before.next_backoff
    assert again.invocation != before.invocation
    assert world.core.running()[0].number == 2


def test_its_resources_are_given_back_to_whoever_waits() -> None:
    config = make_config(
        make_job("low", priority=1),
        make_job("high", priority=2),
        resources=limits(instance={"total": 1}),
        policy=PolicyName.RANKED_PRIORITY,
    )
    world = World(config, ONE)
    assert world.running_names == ["high@a"]
    off = make_config(
        make_job("low"),
        make_job("high", enabled=False),
        resources=limits(instance={"total": 1}),
    )
    assert world.reload(off) == []
    assert started(world.feed(undo(world, "high@a"))) == ["low@a"]
    assert world.reason("high@a") is Reason.JOB_DISABLED


def test_a_report_of_another_attempt_or_of_one_that_ended_changes_nothing() -> None:
    world = World(make_config(make_job("etl")), ONE)
    task = task_id("etl@a")
    assert world.feed(ev.TaskNotStarted(task, InvocationId(1, 1), "EAGAIN")) == []
    late = ev.TaskNotStarted(task, world.running[task].invocation, "EAGAIN")
    world.end("etl@a", DONE, store=False)
    assert world.feed(late) == []
    assert world.reason("etl@a") is Reason.RUNNING
    world.store()
    assert world.feed(late) == []
    assert world.reason("etl@a") is Reason.DONE
    assert world.core.starts == 1


def test_what_was_being_killed_simply_does_not_run_any_more() -> None:
    world = World(make_config(make_job("etl")), ONE)
    assert killed(world.feed(ev.KillRequested(task_id("etl@a"))))
    assert world.feed(undo(world, "etl@a"), PAUSE) == []
    assert world.core.running() == ()


def test_an_orphan_that_never_started_is_forgotten_with_its_timer() -> None:
    world = World(make_config(make_job("etl", kill_orphans=5)), ONE)
    world.reload(make_config(make_job("etl", kill_orphans=5, enabled=False)))
    assert world.core.next_due() is not None
    assert world.feed(undo(world, "etl@a")) == []
    assert world.core.next_due() is None
    assert world.wait(100) == []


def test_once_the_scheduler_stops_it_is_not_started_again() -> None:
    world = World(make_config(make_job("etl")), ONE)
    assert killed(world.feed(ev.StopRequested()))
    assert world.feed(undo(world, "etl@a")) == []
    assert world.core.running() == ()
    assert not world.core.progress().can_progress


@pytest.mark.parametrize(
    "lose",
    [
        lambda world, config: world.reload(make_config()),
        lambda world, config: world.feed(ev.NodesLoaded(make_tree({}))),
    ],
    ids=["job", "node"],
)
def test_one_whose_job_or_node_is_gone_leaves_nothing_behind(
    lose: Callable[[World, Config], object],
) -> None:
    config = make_config(make_job("etl"), resources=limits(instance={"total": 1}))
    world = World(config, ONE)
    lose(world, config)
    assert world.feed(undo(world, "etl@a")) == []
    assert not world.core.knows(task_id("etl@a"))
    assert world.core.state.accounts.in_use() == {}
    assert started(world.feed(ev.NodesLoaded(ONE), ev.ConfigLoaded(config))) == [
        "etl@a"
    ]


def replicas() -> tuple[Config, NodeTree]:
    room = limits(host={"slots": 1})
    jobs = (make_job("x"), make_job("y"))
    return make_config(*jobs, resources=room), make_tree({"h1": ["a"], "h2": ["a"]})


@pytest.mark.parametrize("order", NodeOrder)
@pytest.mark.parametrize("policy", PolicyName)
def test_replicas_and_every_policy_take_it_back(
    order: NodeOrder, policy: PolicyName
) -> None:
    config, tree = replicas()
    jobs = tuple(config.jobs.values())
    config = make_config(
        *jobs, resources=config.settings.resources, policy=policy, order=order
    )
    world = World(config, tree)
    assert world.running_names == ["x@a", "y@a"]
    for _ in range(5):
        for task in ("x@a", "y@a"):
            assert started(world.feed(undo(world, task))) == [task]
    assert world.end("x@a") == []
    assert world.end("y@a") == []
    assert world.core.progress().is_all_done
