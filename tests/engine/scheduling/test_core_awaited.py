"""Which workers are worth waiting for, and what is said of those who are away."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Job, PhysicalResource
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, ResourceName
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.reasons import Reason
from tests.engine.scheduling.builders import World, limits, make_job
from tests.engine.scheduling.test_core_workers import told, world
from tests.engine.scheduling.worker_worlds import worker

BIG = make_job("etl", needs={"ram": 3})
ON_H9 = replace(make_job("etl"), host_placement="h9")
BY_HOST = replace(make_job("etl"), level_for_host_placement=LevelName("host"))
SMALL = worker("w1")
AWAY = worker("w2", healthy=False)
LEAVING = AWAY._replace(is_leaving=True)
GROWS = "a limit of one of these workers grows, or a larger worker connects"


def only_on(*hosts: str, job: Job = BIG) -> Job:
    accepted = LevelFilter(whitelist=frozenset(hosts))
    return replace(job, filters={WORKER_LEVEL: accepted})


def pool(
    *workers: ev.WorkerFacts,
    job: Job = BIG,
    may_grow: bool = True,
    override: Mapping[str, int] | None = None,
) -> World:
    """Each worker has 2 ram, but for those of ``override``."""
    ram = ResourceName("ram")
    own = {name: {ram: has} for name, has in (override or {}).items()}
    return world(
        *workers, job=job, may_grow=may_grow, ram=2, worker_resources_override=own
    )


def is_waited_for(found: World) -> bool:
    assert found.running_names == []
    return found.core.progress().can_progress


@pytest.mark.parametrize(
    ("workers", "override", "job", "is_worth_it"),
    [
        # Nobody is there, or soon nobody is: somebody has to come.
        ((), {}, BIG, True),
        ((LEAVING,), {}, make_job("etl"), True),
        # One that is away has what it had, unless that may be more next time.
        ((SMALL, AWAY), {}, BIG, False),
        ((SMALL, AWAY), {"w2": 3}, BIG, True),
        ((SMALL, LEAVING), {}, BIG, False),
        # One that the config names, and that is not there.
        ((SMALL,), {"w9": 3}, BIG, True),
        ((SMALL, LEAVING), {"w2": 3}, BIG, True),
        ((SMALL,), {"w9": 2}, BIG, False),
        ((SMALL,), {"w9:27182": 3}, BIG, True),
        ((SMALL,), {"w1:27182": 3}, BIG, True),
        ((worker("w1", port=5),), {"w1:5": 2}, BIG, False),
        ((SMALL,), {"w1": 2}, BIG, False),
        ((SMALL,), {"local": 3}, BIG, False),
        ((SMALL,), {"w9": 3}, only_on("w1", "w9"), True),
        ((SMALL,), {"w9": 3}, only_on("w1"), False),
        # A host that the job names.
        ((SMALL,), {}, ON_H9, True),
        ((SMALL, worker("w9", "h9", slots=0)), {}, ON_H9, False),
        ((SMALL, LEAVING._replace(host=worker("w9", "h9").host)), {}, ON_H9, True),
        ((SMALL,), {}, only_on("h9", job=ON_H9), True),
        ((SMALL,), {}, only_on("w1", job=ON_H9), False),
        (
            (SMALL, worker("w9", "h9")),
            {"w8": 3},
            replace(BIG, host_placement="h9"),
            False,
        ),
        ((SMALL,), {}, BY_HOST, True),
        (tuple(worker(name, slots=0) for name in ("h1", "h2")), {}, BY_HOST, False),
    ],
)
def test_a_worker_is_waited_for_if_it_is_away_or_the_config_names_it(
    workers: tuple[ev.WorkerFacts, ...],
    override: dict[str, int],
    job: Job,
    is_worth_it: bool,
) -> None:
    assert is_waited_for(pool(*workers, job=job, override=override)) is is_worth_it
    alone = pool(*workers, job=job, may_grow=False, override=override)
    assert not is_waited_for(alone)


@pytest.mark.parametrize(
    ("needs", "is_worth_it"),
    [({"ram": 1, "cards": 4}, True), ({"ram": 9, "cards": 4}, False)],
)
def test_what_a_worker_measures_may_be_any_number_until_it_is_there(
    needs: dict[str, int], is_worth_it: bool
) -> None:
    cards = PhysicalResource(logical_resource=ResourceName("cards"))
    found = world(
        SMALL,
        job=make_job("etl", needs=needs),
        may_grow=True,
        resources=limits(worker={"ram": 2, "cards": 0}),
        physical_resources={"gpu_card": cards},
        worker_resources_override={"w9": {ResourceName("ram"): 4}},
    )
    assert is_waited_for(found) is is_worth_it


def test_the_wait_is_over_once_it_is_there_and_has_no_room_either() -> None:
    found = pool(SMALL, override={"w9": 3})
    assert is_waited_for(found)
    found.feed(ev.WorkersReported((SMALL, worker("w9", slots=0)), may_grow=True))
    assert not is_waited_for(found)


def test_nobody_is_told_to_wait_for_tasks_of_a_worker_that_never_has_room() -> None:
    assert told(pool(SMALL, AWAY, override={"w2": 3})) == (
        "needs 3 ram, worker w1 has 2; worker w2 takes no tasks now",
        "runs when worker w2 takes tasks",
    )
    assert told(pool(SMALL, LEAVING)) == (
        "needs 3 ram, worker w1 has 2; worker w2 takes no tasks now",
        f"runs when {GROWS}",
    )
    assert told(pool(SMALL, AWAY))[1] == f"runs when {GROWS}"


def test_a_worker_that_the_config_names_and_that_would_do_is_named() -> None:
    text, until = told(
        pool(SMALL, AWAY, override={"w2": 3, "w8": 3, "w9:1": 4, "w5": 1})
    )
    assert text.startswith("needs 3 ram, worker w1 has 2")
    assert until == (
        "runs when worker w2 takes tasks, or a worker that worker_resources_override"
        " names connects: w8, w9:1"
    )


def test_only_those_who_may_have_room_are_waited_for() -> None:
    big = make_job("etl", needs={"ram": 3})
    found = world(
        *(worker(f"w{number}") for number in range(4)),
        worker("w9", slots=1),
        job=big,
        ram=2,
        worker_resources_override={"w9": {ResourceName("ram"): 3}},
    )
    assert found.running_names == ["etl@d"]
    assert found.reason("etl@a") is Reason.WORKER
    assert told(found)[1] == "runs when enough of what runs on worker w9 ends"


def test_one_that_leaves_is_not_said_to_take_tasks_again() -> None:
    assert told(pool(LEAVING))[1] == "runs when a worker connects"
    found = pool(SMALL, LEAVING, job=replace(BIG, host_placement="w2"))
    assert told(found) == (
        "must run on w2, whose worker w2 takes no tasks now",
        "runs when a worker on w2 connects",
    )
