"""What the host has becomes what the local worker may give away, at once."""

from dataclasses import replace

from bistro_tui.engine.config.model import Config, PhysicalResource
from bistro_tui.engine.ids import ResourceName
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    HostReported,
    NodesLoaded,
    StatusesLoaded,
)
from bistro_tui.engine.scheduling.reasons import Reason
from tests.engine.scheduling.builders import (
    ERROR_BACKOFF,
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
)

TREE = make_tree({"h": ["a", "b", "c", "d"]})
RAM = ResourceName("ram")


def config(
    limit: int = 1, override: dict[str, dict[ResourceName, int]] | None = None
) -> Config:
    """A job of four tasks that take 1 GB each, of a worker that measures its MB."""
    made = make_config(make_job("etl"), resources=limits(worker={"ram": limit}))
    settings = replace(
        made.settings,
        physical_resources={
            "ram_mb": PhysicalResource(logical_resource=RAM, multiply_logical_by=1024.0)
        },
        worker_resources_override=override or {},
    )
    return replace(made, settings=settings)


def host(gb: float, name: str = "box") -> HostReported:
    return HostReported(HostResources(name=name, ram_mb=gb * 1024))


def test_a_host_that_is_known_first_counts_from_the_first_start() -> None:
    world = World()
    world.feed(host(3))
    world.feed(StatusesLoaded({}), NodesLoaded(TREE), ConfigLoaded(config()))
    assert len(world.running) == 3


def test_more_of_it_starts_at_once_what_waits() -> None:
    world = World(config(), TREE)
    assert len(started(world.feed(host(3)))) == 2
    assert world.core.worker_usage() == ((RAM, 3, 3),)
    assert len(started(world.feed(host(3)))) == 0
    assert len(started(world.feed(host(100)))) == 1


def test_less_of_it_ends_nothing_and_starts_nothing_until_there_is_room() -> None:
    world = World(config(), TREE)
    world.feed(host(3))
    assert world.feed(host(1)) == []
    assert world.core.worker_usage() == ((RAM, 3, 1),)
    first, second, third = world.running_names
    assert world.end(first) == []
    assert world.end(second) == []
    assert len(world.end(third)) == 1


def test_what_waits_for_a_bigger_host_says_so() -> None:
    world = World(config(limit=4), make_tree({"h": ["a"]}))
    world.end("etl@a", ERROR_BACKOFF)
    world.feed(host(0.5))
    world.wait(1000)
    assert world.reason("etl@a") is Reason.WORKER
    assert world.explain("etl@a").would_run_if == (
        "runs when the limit of ram on worker local grows from 0 to 1"
    )
    assert not world.core.progress().can_progress
    assert started(world.feed(host(1))) == ["etl@a"]


def test_an_unknown_amount_leaves_the_limit_of_the_config() -> None:
    world = World(config(limit=2), TREE)
    world.feed(host(4))
    assert len(world.running) == 4
    world.feed(host(0))
    assert world.core.worker_usage() == ((RAM, 4, 2),)


def test_what_is_known_counts_for_every_later_config() -> None:
    world = World(
        make_config(make_job("etl"), resources=limits(worker={"ram": 1})), TREE
    )
    world.feed(host(3))
    assert len(world.running) == 1
    assert len(started(world.reload(config()))) == 2
    edited = config()
    physical = replace(
        edited.settings.physical_resources["ram_mb"], physical_reserve_amount=-1024.0
    )
    settings = replace(edited.settings, physical_resources={"ram_mb": physical})
    assert len(started(world.reload(replace(edited, settings=settings)))) == 1


def test_the_override_of_this_hosts_name_counts_alone() -> None:
    override = {"box": {RAM: 2}, "local": {RAM: 4}}
    world = World(config(override=override), TREE)
    assert len(world.running) == 4
    assert world.core.worker_usage() == ((RAM, 4, 4),)
    world.feed(host(1, "box"))
    assert world.core.worker_usage() == ((RAM, 4, 2),)
    world.feed(host(1, "other"))
    assert world.core.worker_usage() == ((RAM, 4, 4),)
