"""A limit on how many tasks run at once, whatever the resources allow."""

import random

import pytest

from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import NodeOrder, PolicyName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import Action, StartTask, StoreStatus
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.placement import Placement
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    START,
    World,
    killed,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

TEXT = "ulimit -n 64 allows 2 tasks at once"
FIVE = make_tree({"h1": ["a", "b", "c"], "h2": ["d", "e"]})


def limited(limit: int | None = 2, tree: NodeTree = FIVE) -> World:
    """A world in which five tasks could run, had the limit not come first."""
    world = World()
    world.feed(ev.StartsLimited(limit, TEXT))
    world.feed(ev.StatusesLoaded({}), ev.NodesLoaded(tree))
    world.reload(make_config(make_job("etl"), order=NodeOrder.LEXICOGRAPHIC))
    return world


def test_no_more_than_the_limit_start_and_the_rest_is_paused_by_it() -> None:
    world = limited()
    assert world.running_names == ["etl@d", "etl@e"]
    assert world.core.counts(task_id("etl@a").job) == {
        Reason.RUNNING: 2,
        Reason.PAUSED: 3,
    }
    explained = world.explain("etl@a")
    assert explained.reason is Reason.PAUSED
    (paused,) = [check for check in explained.checks if check.check == "starts"]
    assert (paused.ok, paused.text) == (False, TEXT)
    assert explained.would_run_if == (
        f"runs when a running task ends, or more may run at once: {TEXT}"
    )
    assert world.core.why_job(task_id("etl@a").job).closed == TEXT


def test_at_the_limit_no_one_polls_and_the_scheduler_does_not_count_as_paused() -> None:
    world = limited()
    assert world.core.next_due() is None
    assert world.core.closed is None
    assert world.core.progress().can_progress


def test_an_end_makes_room_for_the_next_one_at_once() -> None:
    world = limited()
    assert world.end("etl@e", store=False) == ["etl@c"]
    assert world.end("etl@d") == ["etl@b"]
    assert world.end("etl@b") == ["etl@a"]
    assert world.end("etl@c") == []
    assert world.reason("etl@a") is Reason.RUNNING
    world.end("etl@a")
    assert world.core.progress().is_all_done


def test_what_could_not_be_started_makes_room_too() -> None:
    world = limited()
    start = world.running.pop(task_id("etl@e"))
    again = world.feed(ev.TaskNotStarted(start.task, start.invocation, "EMFILE"))
    assert started(again) == ["etl@e"]


def test_a_higher_limit_and_none_at_all_let_the_rest_start_in_the_same_call() -> None:
    world = limited()
    assert started(world.feed(ev.StartsLimited(3, TEXT))) == ["etl@c"]
    assert started(world.feed(ev.StartsLimited(None, ""))) == ["etl@b", "etl@a"]


def test_a_lower_limit_ends_nothing_and_starts_nothing_until_few_enough_run() -> None:
    world = limited(4)
    assert world.running_names == ["etl@b", "etl@c", "etl@d", "etl@e"]
    assert world.feed(ev.StartsLimited(1, TEXT)) == []
    assert [world.end(f"etl@{node}") for node in "bcd"] == [[], [], []]
    assert world.end("etl@e") == ["etl@a"]


def test_a_limit_of_nothing_starts_nothing_and_is_no_end_of_the_work() -> None:
    world = limited(0)
    assert world.running_names == []
    assert world.reason("etl@a") is Reason.PAUSED
    assert world.core.next_due() is None
    assert world.core.progress().can_progress


def test_a_stop_kills_what_runs_and_the_limit_starts_nothing_meanwhile() -> None:
    world = limited()
    assert len(killed(world.feed(ev.StopRequested()))) == 2
    assert world.end("etl@e") == []
    assert world.explain("etl@a").checks[-1].ok


def test_under_a_limit_the_policy_chooses_among_all_nodes_that_have_room() -> None:
    not_on_h1 = LevelFilter(blacklist=frozenset({"h1"}))
    config = make_config(
        make_job("low", priority=1),
        make_job("high", priority=2, filters={"host": not_on_h1}),
        resources=limits(host={"slots": 1}),
        policy=PolicyName.RANKED_PRIORITY,
        order=NodeOrder.LEXICOGRAPHIC,
    )
    world = World(config, make_tree({"h1": ["a", "b"], "h2": ["c", "d"]}))
    assert world.running_names == ["high@d", "low@b"]
    world.feed(ev.StartsPaused("disk", "the disk is full"))
    world.end("low@b")
    world.end("high@d")
    world.feed(ev.StartsLimited(1, TEXT))
    assert started(world.feed(ev.StartsResumed("disk"))) == ["high@c"]
    assert world.end("high@c") == ["low@d"]


class Counted:
    """A core of many hosts with one slot each, under a limit; counts its looks."""

    def __init__(self, patch: pytest.MonkeyPatch, hosts: int, order: NodeOrder) -> None:
        self.looks = 0
        whole = Placement._fitting

        def counted(placement: Placement, node: int) -> object:
            self.looks += 1
            return whole(placement, node)

        patch.setattr(Placement, "_fitting", counted)
        self.core = Core(random.Random(3))
        self.running: list[StartTask] = []
        config = make_config(
            *(make_job(name) for name in ("j0", "j1", "j2")),
            resources=limits(host={"slots": 1}),
            order=order,
        )
        names = [f"h{number}" for number in range(hosts)]
        tree = make_tree({host: [f"{host}.{n}" for n in range(5)] for host in names})
        self.take(ev.StatusesLoaded({}), ev.NodesLoaded(tree), ev.ConfigLoaded(config))
        self.take(ev.StartsLimited(10, TEXT))

    def take(self, *events: ev.Event) -> None:
        actions: list[Action] = self.core.handle(events, START)
        self.running += [one for one in actions if isinstance(one, StartTask)]
        stores = [one for one in actions if isinstance(one, StoreStatus)]
        if stores:
            self.take(*(ev.StatusStored(one.task, one.serial) for one in stores))

    def end_one(self) -> None:
        one = self.running.pop(0)
        status = TaskStatus(bits=DONE, time=START.wall)
        self.take(ev.TaskEnded(one.task, one.invocation, status))


@pytest.mark.parametrize("order", [NodeOrder.RANDOM, NodeOrder.ORIGINAL])
def test_a_decision_at_the_limit_costs_the_same_however_many_nodes_have_room(
    order: NodeOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch, 400, order)
    assert len(counted.running) == 400
    while len(counted.running) > 10:
        counted.end_one()
    counted.looks = 0
    for _ in range(300):
        counted.end_one()
    assert len(counted.running) == 10
    assert counted.looks / 300 < 40
