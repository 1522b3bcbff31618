"""The newest of the tasks that failed or wait for their backoff."""

import pytest

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling import failing
from bistro_tui.engine.scheduling.failing import NewestFailing
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import BelowFull, counts_of
from bistro_tui.engine.statuses.bits import Bits
from tests.engine.scheduling.builders import (
    World,
    limits,
    make_config,
    make_job,
    make_tree,
)

NODES = [f"n{number}" for number in range(6)]


def a_world() -> World:
    world = World(make_config(make_job("j"), make_job("k")), make_tree({"h": NODES}))
    for number, node in enumerate(NODES):
        world.wait(1.0)
        world.end(f"j@{node}", Bits.FAILED if number % 2 else Bits.DONE)
        if number < 2:
            world.end(f"k@{node}", Bits.USES_BACKOFF)
    return world


def found(world: World, limit: int = 100, job: str = "") -> list[str]:
    looking = NewestFailing(world.core.state, JobName(job) if job else None, limit)
    while looking.look():
        pass
    return [f"{one.task} {one.reason.value}" for one in looking.newest()]


NEWEST = ["j@n5 failed", "j@n3 failed", "j@n1 failed", "k@n1 backoff", "k@n0 backoff"]


@pytest.mark.parametrize("chunk", [1, 4, 1_000])
def test_they_come_newest_first_whatever_is_looked_at_in_one_go(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing, "CHUNK", chunk)
    world = a_world()
    assert found(world) == NEWEST
    assert found(world, limit=2) == NEWEST[:2]
    assert found(world, job="k") == NEWEST[3:]


def test_jobs_take_turns_and_a_config_without_them_ends_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failing, "CHUNK", 2)
    world = a_world()
    looking = NewestFailing(world.core.state, None, 10)
    assert looking.look()
    assert looking.look()
    assert {one.task.job for one in looking.newest()} == {"j", "k"}
    world.reload(make_config(make_job("other")))
    assert not looking.look()
    assert found(world) == []


def test_counts_of_many_jobs_are_those_of_each_alone() -> None:
    of = limits(worker={"w": 5}, host={"slots": 3}, db={"io": 1})
    jobs = [make_job(name, priority=1.0 + at) for at, name in enumerate("abcd")]
    hosts = {f"h{at}": [f"d{at}{n}" for n in range(12)] for at in range(3)}
    world = World(make_config(*jobs, resources=of), make_tree(hosts))
    state, shared = world.core.state, BelowFull(world.core.state)
    each = {job.name: counts_of(state, job.name) for job in jobs}
    assert {job.name: counts_of(state, job.name, shared) for job in jobs} == each
    total = sum(counts.get(Reason.WORKER, 0) for counts in each.values())
    assert total
