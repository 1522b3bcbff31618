"""The counts of status bits: what a full computation finds, at the cost of a change."""

import gc
import random
import weakref
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Config, Job
from bistro_tui.engine.ids import JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.bit_counts import KEPT_SEC
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus, backoff_left
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    task_id,
)
from tests.engine.scheduling.deep_worlds import deep_config, deep_tree
from tests.engine.scheduling.random_worlds import (
    DBS,
    HOSTS,
    JOBS,
    REPORTS,
    random_config,
    random_tree,
    variants,
)

Buckets = dict[str, dict[int, set[str]]]
"""Level → bits → nodes."""

A = JobName("a")


def naive(core: Core, job: Job, now: float) -> Buckets:
    """Bistro's computation: every node of the job's level, and all above each."""
    tree = core.tree
    nodes = list(tree.nodes)
    bits: dict[tuple[str, str], int] = {}
    for index in tree.at_level(job.level_for_tasks):
        found = 1
        for above in reversed(tree.path(index)):
            node = nodes[above]
            level_filter = job.filters.get(node.level)
            if not node.enabled:
                found = 256
                break
            if level_filter is not None and not level_filter.accepts(
                job=job.name, node=node.name, tags=node.tags
            ):
                found = 128
                break
        task = TaskId(job.name, nodes[index].name)
        status = core.status(task)
        if core.attempt(task) is not None:
            found = found & ~1 | 2
        elif status is not None:
            shown = int(status.bits)
            if not backoff_left(status, now=now):
                shown &= ~64
            found = found & ~1 | shown
        for above in tree.path(index):
            key = nodes[above].level, nodes[above].name
            bits[key] = bits.get(key, 0) | found
    buckets: Buckets = {}
    for (level, name), value in bits.items():
        buckets.setdefault(level, {}).setdefault(value, set()).add(name)
    return buckets


def counted(world: World, job: JobName, steps: int = 3) -> Buckets | None:
    """What is kept, taken in a little at a time."""
    while (bits := world.core.bit_counts.of(job, world.now.mono)) is not None:
        if bits.catch_up(steps):
            break
    if bits is None:
        return None
    found: Buckets = {}
    for level, cells in bits.levels():
        names = {one: cells.names(one, 1_000) for one in cells.counts()}
        if names:
            found[level] = {one: set(some) for one, some in names.items()}
        for one, some in names.items():
            assert len(some) == len(set(some)) == cells.counts()[one]
            assert cells.names(one, 1) == some[:1]
    return found


def check(world: World, jobs: tuple[str, ...] = JOBS) -> None:
    core = world.core
    assert core.config is not None
    for name in map(JobName, jobs):
        job = core.config.jobs.get(name)
        expected = None
        if job is not None and job.is_valid:
            expected = naive(core, job, world.now.wall)
        assert counted(world, name) == expected


def act(rng: random.Random, world: World, config: Config) -> None:
    """Let one thing happen, or a few."""
    running = sorted(world.running)
    match rng.randrange(9):
        case 0 | 1 | 2 if running:
            task = str(rng.choice(running))
            world.end(task, Bits(rng.choice(REPORTS)), store=rng.random() < 0.7)
        case 3:
            world.store()
        case 4:
            world.wait(rng.choice((1.0, 5.0, 9.0, 60.0, KEPT_SEC)))
        case 5:
            world.feed(ev.Forgive(tuple(config.jobs)))
        case 6:
            world.reload(rng.choice(variants(rng, config)))
        case 7:
            world.feed(ev.NodesLoaded(random_tree(rng)))
        case 8 if running:
            undone = world.running.pop(rng.choice(running))
            world.feed(ev.TaskNotStarted(undone.task, undone.invocation, "no room"))
        case _:
            pass


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_they_are_what_a_full_computation_finds_after_any_events(seed: int) -> None:
    rng = random.Random(seed)
    config = random_config(rng)
    statuses = {
        TaskId(JobName(job), NodeName(node)): TaskStatus(
            bits=Bits(rng.choice((*REPORTS, 16 + 64, 1056, 3168))),
            time=World().now.wall - rng.choice((0, 3, 100)),
            backoff_sec=rng.choice((0, 0, 5, 60)),
        )
        for job in JOBS
        for node in (*DBS, *HOSTS)
        if rng.random() < 0.3
    }
    world = World(config, random_tree(rng), statuses, seed)
    asked = rng.random() < 0.8
    for _ in range(14):
        if asked or rng.random() < 0.2:
            check(world)
        act(rng, world, config)
    check(world)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_they_are_so_below_many_levels_too(seed: int) -> None:
    rng = random.Random(seed)
    config = deep_config(rng, 4, 0)
    world = World(config, deep_tree(rng, 4), seed=seed)
    for _ in range(10):
        check(world, tuple(config.jobs))
        running = sorted(world.running)
        if running:
            world.end(str(rng.choice(running)), Bits(rng.choice(REPORTS)))
    check(world, tuple(config.jobs))


def test_what_comes_first_on_the_way_up_bars_a_node() -> None:
    tree = make_tree({"h1": ["a", "b", "c"], "h2": ["d"]}, disabled=["h1", "b"])
    refuse = {"db": LevelFilter(blacklist=frozenset({"a", "b", "d"}))}
    world = World(make_config(make_job("a", filters=refuse)), tree)
    assert counted(world, A) == {
        "instance": {128 | 256: {"top"}},
        "host": {128 | 256: {"h1"}, 128: {"h2"}},
        "db": {128: {"a", "d"}, 256: {"b", "c"}},
    }


def test_a_level_may_hang_below_several_others() -> None:
    instance, host, db = (LevelName(one) for one in ("instance", "host", "db"))
    tree = NodeTree(
        [
            Node(name=NodeName("top"), level=instance, parent=-1),
            Node(name=NodeName("h"), level=host, parent=0),
            Node(name=NodeName("below"), level=db, parent=1),
            Node(name=NodeName("beside"), level=db, parent=0),
        ]
    )
    world = World(make_config(make_job("a")), tree)
    check(world, ("a",))
    world.end("a@beside")
    check(world, ("a",))


def test_backoff_counts_until_it_is_over_also_of_disabled_jobs() -> None:
    job = make_job("a", enabled=False)
    old = TaskStatus(bits=ERROR_BACKOFF, time=World().now.wall, backoff_sec=7)
    world = World(make_config(job), make_tree({"h": ["x"]}), {task_id("a@x"): old})
    assert (counted(world, A) or {})["db"] == {96: {"x"}}
    world.wait(6.9)
    assert (counted(world, A) or {})["db"] == {96: {"x"}}
    world.wait(0.1)
    assert (counted(world, A) or {})["db"] == {32: {"x"}}


@pytest.mark.parametrize("known", [FAILED, FAILED | Bits.USES_BACKOFF])
def test_forgiving_shows_when_it_is_stored(known: Bits) -> None:
    old = TaskStatus(bits=known, time=World().now.wall)
    config = make_config(make_job("a", enabled=False))
    world = World(config, make_tree({"h": ["x"]}), {task_id("a@x"): old})
    assert (counted(world, A) or {})["db"] == {16: {"x"}}
    world.feed(ev.Forgive((A,)))
    assert (counted(world, A) or {})["db"] == {16: {"x"}}
    world.store()
    assert (counted(world, A) or {})["db"] == {32: {"x"}}


def test_nothing_is_noted_for_jobs_that_nobody_asked_for() -> None:
    config = make_config(
        make_job("a"), make_job("b"), resources=limits(instance={"slots": 1})
    )
    world = World(config, make_tree({"h": ["x", "y"]}))
    jobs = world.core.state.jobs
    assert [one.touched for one in jobs.values()] == [None, None]
    counted(world, A)
    for _ in range(4):
        world.end(world.running_names[0], DONE)
    assert jobs[A].touched == {0, 1}
    assert jobs[JobName("b")].touched is None


def test_an_answer_looks_only_at_what_changed() -> None:
    names = [f"n{number}" for number in range(2_000)]
    config = make_config(make_job("a"), resources=limits(instance={"slots": 1}))
    world = World(config, make_tree({"h": names}))
    bits = world.core.bit_counts.of(A, world.now.mono)
    assert bits is not None
    calls = Counter[bool]()
    while not bits.catch_up(200):
        calls[False] += 1
    assert calls[False] == 9
    world.end(world.running_names[0])
    assert world.core.bit_counts.of(A, world.now.mono) is bits
    assert bits.catch_up(2)


def noted(world: World) -> set[int] | None:
    """Return the slots of which anything may have changed."""
    return world.core.state.jobs[A].touched


def test_a_job_that_nobody_asks_for_any_more_costs_nothing_again() -> None:
    config = make_config(make_job("a"), resources=limits(instance={"slots": 1}))
    names = [f"n{number}" for number in range(20)]
    world = World(config, make_tree({"h": names}))
    known = counted(world, A)
    world.wait(KEPT_SEC - 1)
    world.end(world.running_names[0])
    assert noted(world)
    assert counted(world, A) != known
    world.wait(KEPT_SEC - 1)
    assert noted(world) is not None
    world.wait(KEPT_SEC / 4)
    assert noted(world) is None
    check(world, ("a",))
    assert noted(world) is not None


def test_what_changed_too_much_is_counted_anew_when_somebody_asks_again() -> None:
    world = World(make_config(make_job("a")), make_tree({"h": list("vwxyz")}))
    counted(world, A)
    for name in world.running_names:
        world.end(name)
        world.store()
    assert noted(world) is not None
    world.wait(KEPT_SEC / 4)
    assert noted(world) is None
    check(world, ("a",))


def test_of_a_config_or_nodes_of_before_nothing_is_kept() -> None:
    world = World(make_config(make_job("a")), make_tree({"h": ["x"]}))
    counted(world, A)
    before = weakref.ref(world.core.state.jobs[A])
    world.feed(ev.NodesLoaded(make_tree({"h": ["x", "y"]})))
    world.wait(KEPT_SEC / 4)
    gc.collect()
    assert before() is None
    check(world, ("a",))
