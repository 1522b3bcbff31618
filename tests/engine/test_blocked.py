"""What is said of tasks that are left when nothing more can run."""

import random

from bistro_tui.engine.blocked import blockers
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
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
