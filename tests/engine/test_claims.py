"""Who holds a resource and who lacks it, against a look at every task."""

import random
from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine import claims
from bistro_tui.engine.claims import claims_of
from bistro_tui.engine.ids import NodeName, ResourceName
from bistro_tui.engine.inquiries import Claims, Holding, Waiting
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling.events import WorkerFacts, WorkersReported
from bistro_tui.engine.scheduling.job_tasks import RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, TOP, Place
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.bits import Bits
from tests.engine.scheduling.builders import (
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    task_id,
)
from tests.engine.scheduling.random_worlds import REPORTS, random_config, random_tree

T = TypeVar("T")


def whole(work: Generator[None, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as done:
            found: T = done.value
            return found


def asked(world: World, node: str, resource: str) -> Claims | None:
    state = world.core.state
    return whole(claims_of(state, NodeName(node), ResourceName(resource)))


def told(found: Claims | None) -> tuple[list[str], list[tuple[str, int, int, str]]]:
    """Return holders, and of each waiting job: need, tasks and where the first is."""
    assert found is not None
    return (
        [f"{one.task}:{one.amount}" for one in found.holders],
        [(one.job, one.need, one.tasks, one.first.node) for one in found.waiters],
    )


def test_holders_come_oldest_first_and_the_largest_crowd_of_waiters_first() -> None:
    config = make_config(
        make_job("big", needs={"slots": 2}),
        make_job("small"),
        resources=limits(host={"slots": 2}),
    )
    world = World(config, make_tree({"h1": ["a", "b", "c"], "h2": ["d"]}))
    found = asked(world, "h1", "slots")
    assert found is not None
    assert (found.used, found.limit) == (2, 2)
    holders, waiters = told(found)
    assert holders == [f"{task}:{2 if 'big' in task else 1}" for task in running(world)]
    crowds = [tasks for _, _, tasks, _ in waiters]
    assert crowds == sorted(crowds, reverse=True)
    # What waits elsewhere does not lack it here.
    assert all(one[3] != "d" for one in waiters)


def running(world: World) -> list[str]:
    return [
        str(one.task)
        for one in world.core.running()
        if one.task.node in ("a", "b", "c")
    ]


def test_a_node_that_is_not_full_for_them_has_no_waiters() -> None:
    config = make_config(
        make_job("etl"), resources=limits(instance={"total": 1}, host={"slots": 5})
    )
    world = World(config)
    assert told(asked(world, "h1", "slots")) == (["etl@b:1"], [])
    assert told(asked(world, "top", "total")) == (["etl@b:1"], [("etl", 1, 1, "a")])
    world.end("etl@b")
    assert told(asked(world, "top", "total")) == (["etl@a:1"], [])


def test_the_worker_has_claims_too() -> None:
    config = make_config(make_job("etl"), resources=limits(worker={"ram": 1}))
    world = World(config)
    assert told(asked(world, "local", "ram")) == (["etl@b:1"], [("etl", 1, 1, "a")])


def reported(*shards: str, slots: int | None = None) -> WorkersReported:
    return WorkersReported(
        tuple(
            WorkerFacts(
                NodeName(shard),
                is_healthy=True,
                host=HostResources(name=f"{shard}.farm"),
                slots=slots,
            )
            for shard in shards
        )
    )


def test_each_worker_has_claims_of_its_own() -> None:
    config = make_config(
        make_job("etl"),
        replace(make_job("pinned"), host_placement="w2.farm"),
        resources=limits(worker={"ram": 1}),
    )
    world = World(config, make_tree({"h1": list("abc")}))
    world.feed(reported("w1", "w2"))
    on = {one.worker: one.task for one in world.core.running()}
    waits: dict[str, int] = {}
    for shard in ("w1", "w2"):
        found = asked(world, shard, "ram")
        assert found is not None
        assert (found.used, found.limit) == (1, 1)
        assert [one.task for one in found.holders] == [on[NodeName(shard)]]
        waits |= {f"{shard} {one.job}": one.tasks for one in found.waiters}
    by_job = {name.partition(" ")[2] for name in waits}
    assert by_job == {"etl", "pinned"}
    # Whoever must run elsewhere does not wait for this one.
    assert "w1 pinned" not in waits
    assert waits["w1 etl"] == waits["w2 etl"]
    assert asked(world, "w3", "ram") is None
    assert asked(world, "local", "ram") is None


def test_who_has_room_on_another_worker_waits_for_none() -> None:
    config = make_config(make_job("etl"), resources=limits(worker={"ram": 1}))
    world = World(config, make_tree({"h1": list("a")}))
    world.feed(reported("w1", "w2", "w3"))
    for shard in ("w1", "w2", "w3"):
        found = asked(world, shard, "ram")
        assert found is not None
        assert found.waiters == ()


def test_what_is_not_there_has_no_claims() -> None:
    world = World(make_config(make_job("etl"), resources=limits(host={"slots": 1})))
    for node, resource in (("h1", "slot"), ("a", "slots"), ("h9", "slots")):
        assert asked(world, node, resource) is None
    assert (
        whole(claims_of(World().core.state, NodeName("a"), ResourceName("r"))) is None
    )


def test_others_have_their_turn_and_what_goes_on_meanwhile_harms_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "_SLICE", 1)
    config = make_config(
        make_job("etl"), make_job("web"), resources=limits(host={"slots": 2})
    )
    world = World(config, make_tree({"h1": list("abcdef")}))
    work = claims_of(world.core.state, NodeName("h1"), ResourceName("slots"))
    for _ in range(3):
        next(work)
    world.end(str(next(iter(world.running))))
    world.reload(make_config(make_job("web"), resources=limits(host={"slots": 2})))
    found = whole(work)
    assert found is not None
    assert found.limit == 2


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_claims_are_those_of_a_look_at_every_task(seed: int) -> None:
    rng = random.Random(seed)
    world = World(random_config(rng), random_tree(rng), seed=seed)
    for _ in range(rng.randint(0, 4)):
        if world.running:
            task = rng.choice(sorted(map(str, world.running)))
            world.end(task, Bits(rng.choice(REPORTS)), store=rng.random() < 0.8)
    state = world.core.state
    assert state.config is not None
    for level, specs in state.config.settings.resources.items():
        names = {*state.places.slots(level).names}
        if level == LOCAL_WORKER.level:
            names = {LOCAL_WORKER.node}
        for resource in specs:
            for name in names:
                place = Place(level, name)
                assert asked(world, name, resource) == expected(state, place, resource)


def expected(state: State, place: Place, resource: ResourceName) -> Claims:
    is_worker = place == LOCAL_WORKER
    nodes = (TOP,) if is_worker else state.places.nodes_of(place)
    used, limit = next(
        (used, limit) for name, used, limit in state.usage(nodes[0]) if name == resource
    )
    book = state.accounts.book(resource)
    account = TOP if is_worker else state.places.account(nodes[0])
    holders = [
        Holding(task=one.task, amount=amount)
        for one in state.attempts
        if not one.ended
        for held, at, amount in state.held(one)
        if held is book and at == account and amount > 0
    ]
    waiters = []
    for tasks in state.jobs.values():
        need = tasks.job.resources.get(resource, 0)
        slots = [
            slot
            for slot in range(len(tasks.slots))
            if tasks.standing[slot] == RUNNABLE
            and (is_worker or _is_below(state, tasks, slot, nodes))
        ]
        if slots and need > limit - used:
            first = task_id(f"{tasks.name}@{tasks.slots.names[slots[0]]}")
            waiters.append(
                Waiting(job=tasks.name, need=need, tasks=len(slots), first=first)
            )
    return Claims(
        node=place.node,
        resource=resource,
        used=used,
        limit=limit,
        holders=tuple(holders),
        waiters=tuple(sorted(waiters, key=lambda one: -one.tasks)),
    )


def _is_below(state: State, tasks: JobTasks, slot: int, nodes: tuple[int, ...]) -> bool:
    tree = state.places.tree
    return any(set(nodes) & {*tree.path(leaf)} for leaf in tasks.slots.nodes(slot))
