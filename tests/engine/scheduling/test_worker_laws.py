"""The laws with many workers, which come, go, fall ill, and hold what is found."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.config.model import NodeOrder
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StartTask, StoreStatus
from bistro_tui.engine.scheduling.core import Core
from tests.engine.scheduling.builders import START, limits, make_config, make_job
from tests.engine.scheduling.oracle import Oracle, Starter, one_pass
from tests.engine.scheduling.random_worlds import random_tree
from tests.engine.scheduling.test_core_laws import ended, stored
from tests.engine.scheduling.worker_worlds import (
    WorkerLife,
    hosts_of,
    placed,
    random_workers,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64))
def test_only_what_a_worker_may_take_starts_and_nothing_is_left_out(seed: int) -> None:
    WorkerLife(seed).live()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**64), st.sampled_from((0, 0, 0, -1)))
def test_so_it_is_with_any_levels_and_with_needs_below_zero(
    seed: int, lowest_need: int
) -> None:
    WorkerLife(seed, lowest_need, deep=True).live()


def test_the_worlds_with_workers_are_alive() -> None:
    starts = [WorkerLife(seed).live() for seed in range(20)]
    assert sum(count >= 3 for count in starts) >= 9


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**64))
def test_where_nothing_is_left_to_chance_the_core_chooses_what_a_pass_chooses(
    seed: int,
) -> None:
    check_against_a_pass(seed)


def check_against_a_pass(seed: int) -> int:
    """Let tasks of one job end; tasks and workers are those of a pass, in order.

    Returns how many started.
    """
    rng = random.Random(seed)
    tree, core, oracle, now = random_tree(rng), Core(rng), Oracle(), START
    needs = {name: rng.randint(0, 2) for name in ("ram", "cpu", "per_host")}
    config = make_config(
        make_job("j0", level=rng.choice(("db", "db", "host")), needs=needs),
        resources=limits(host={"per_host": 4}, worker={"ram": 3, "cpu": 4}),
        order=rng.choice((NodeOrder.ORIGINAL, NodeOrder.LEXICOGRAPHIC)),
    )
    config, starts = placed(rng, config, hosts_of(tree)[1:]), 0
    workers = random_workers(rng, hosts_of(tree)[1:], ())
    events: list[ev.Event] = [
        ev.WorkersReported(workers),
        ev.StatusesLoaded({}),
        ev.NodesLoaded(tree),
        ev.ConfigLoaded(config),
    ]
    for _ in range(8):
        actions = core.handle(events, now)
        for event in events:
            oracle.take_in(event)
        for action in actions:
            if isinstance(action, StoreStatus):
                oracle.take_in_store(action, now)
        starter = Starter(oracle)
        one_pass(oracle, now, starter)
        found = [action for action in actions if isinstance(action, StartTask)]
        assert [(a.task, a.path_to_node) for a in found] == starter.started
        assert [a.worker for a in found] == starter.workers
        starts += len(found)
        for action in found:
            oracle.running[action.task].invocation = action.invocation
        if not oracle.running:
            break
        task = rng.choice(list(oracle.running))
        invocation = oracle.running[task].invocation
        events = [ended(task, invocation, now, rng.choice((4, 8, 8))), *stored(oracle)]
        if rng.random() < 0.3:
            workers = random_workers(rng, hosts_of(tree)[1:], workers)
            events.append(ev.WorkersReported(workers))
    return starts


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**64), st.integers(1, 4))
def test_many_small_steps_start_all_that_workers_may_take(
    seed: int, steps: int
) -> None:
    life = WorkerLife(seed)
    core, oracle = Core(random.Random(1)), Oracle()
    events: list[ev.Event] = [
        ev.StatusesLoaded({}),
        ev.NodesLoaded(life.trees[0]),
        life.draw_report(),
        ev.ConfigLoaded(life.configs[0]),
    ]
    for event in events:
        oracle.take_in(event)
    due: float | None = START.mono
    while due is not None and due <= START.mono:
        for action in core.handle(events, START, steps):
            if isinstance(action, StartTask):
                allowed = oracle.may_start(START)
                assert (action.task, action.path_to_node) in allowed
                oracle.take_in_start(action)
        due, events = core.next_due(), []
    assert oracle.may_start(Now(START.wall, START.mono)) == set()
