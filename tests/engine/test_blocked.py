"""What is said of tasks that are left when nothing more can run."""

import random
from dataclasses import replace

from bistro_tui.engine.blocked import all_blockers, blockers
from bistro_tui.engine.config.model import PhysicalResource
from bistro_tui.engine.ids import JobName, ResourceName
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    HostReported,
    NodesLoaded,
    StatusesLoaded,
)
from tests.engine.scheduling.builders import (
    START,
    limits,
    make_config,
    make_job,
    make_tree,
)


def test_amounts_that_never_fit_and_jobs_waited_for_are_named() -> None:
    config = make_config(
        make_job("greedy", needs={"gpu": 3}),
        make_job("after", depends_on=["greedy"]),
        make_job("off", enabled=False),
        resources=limits(worker={"gpu": 2}),
    )
    core = Core(random.Random(0))
    nodes = NodesLoaded(make_tree({"h": ["a", "b"]}))
    core.handle([StatusesLoaded({}), nodes, ConfigLoaded(config)], START)
    said = {name: blockers(core, config, job) for name, job in config.jobs.items()}
    assert said == {
        JobName("greedy"): "2 worker: needs 3 gpu, a worker has 2",
        JobName("after"): "2 dependency: greedy (2)",
        JobName("off"): "2 job_disabled",
    }
    # What is disabled is not owed.
    del said[JobName("off")]
    assert all_blockers(core) == said
    assert all_blockers(Core(random.Random(0))) == {}


def test_what_was_measured_of_this_host_counts_and_not_what_it_replaces() -> None:
    config = make_config(
        make_job("greedy", needs={"gb": 64}),
        resources=limits(worker={"gb": 4}),
    )
    gb = PhysicalResource(logical_resource=ResourceName("gb"), multiply_logical_by=1024)
    settings = replace(config.settings, physical_resources={"ram_mb": gb})
    config = replace(config, settings=settings)
    core = Core(random.Random(0))
    nodes = NodesLoaded(make_tree({"h": ["a"]}))
    host = HostReported(HostResources(ram_mb=23 * 1024.0))
    core.handle([host, StatusesLoaded({}), nodes, ConfigLoaded(config)], START)
    said = blockers(core, config, config.jobs[JobName("greedy")])
    assert said == "1 worker: needs 64 gb, a worker has 23"
