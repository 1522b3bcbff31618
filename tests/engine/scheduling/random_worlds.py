"""Random small worlds, drawn by a seed so that most of them are alive.

Hypothesis draws the seeds. Drawing every part of a world through it gave worlds in
which four times out of five nothing could start at all.
"""

import random
from collections.abc import Mapping
from dataclasses import replace

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import (
    Config,
    Job,
    NodeOrder,
    PhysicalResource,
    PolicyName,
)
from bistro_tui.engine.ids import WORKER_LEVEL, ResourceName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import HostResources
from tests.engine.scheduling.builders import limits, make_config, make_job, make_tree

JOBS = ("j0", "j1", "j2")
HOSTS = ("h0", "h1", "h2")
DBS = ("a", "b", "c", "dt")
REPORTS = (4, 4, 4, 8, 16, 32, 96, 584, 608)


def random_tree(rng: random.Random) -> NodeTree:
    """Two levels; a db name under two hosts is a replica."""
    hosts = {
        host: rng.sample(DBS, rng.randint(1, 3))
        for host in rng.sample(HOSTS, rng.randint(1, 3))
    }
    disabled = rng.sample(HOSTS + DBS, 1) if rng.random() < 0.3 else []
    return make_tree(hosts, disabled)


def random_config(rng: random.Random, lowest_need: int = 0) -> Config:
    """One to three jobs under limits that mostly let something run."""
    return make_config(
        *(random_job(rng, name, lowest_need) for name in _some(rng, JOBS)),
        resources=limits(
            **{
                level: {name: rng.choice(amounts)}
                for level, name, amounts in (
                    ("instance", "total", (2, 2, 3, 3, 4, 5)),
                    ("host", "per_host", (-1, 1, 1, 1, 2, 2, 2, 3, 3, 3)),
                    ("db", "per_db", (0, 1, 1, 1, 2, 2, 2, 2)),
                    ("worker", "ram", (2, 3, 3, 4, 5)),
                )
                if rng.random() < 0.5
            }
        ),
        worker_override={"ram": rng.randint(1, 3)} if rng.random() < 0.2 else None,
        policy=rng.choice(list(PolicyName)),
        order=rng.choice(list(NodeOrder)),
        enabled=rng.random() < 0.95,
        on_bad_config=rng.choice(("pause", "keep")),
    )


def measured(rng: random.Random, config: Config) -> Config:
    """Most configs as they are; in some, the worker's ``ram`` is what a host has."""
    ram = ResourceName("ram")
    if rng.random() < 0.6 or ram not in config.settings.resources.get(WORKER_LEVEL, ()):
        return config
    settings = replace(
        config.settings,
        physical_resources={
            "ram_mb": PhysicalResource(
                logical_resource=ram,
                multiply_logical_by=rng.choice((1.0, 0.5, 2.0)),
                physical_reserve_amount=rng.choice((0.0, 1.0, -1.0)),
            )
        },
    )
    if rng.random() < 0.3:
        override = {
            **settings.worker_resources_override,
            "h9": {ram: rng.randint(0, 4)},
        }
        settings = replace(settings, worker_resources_override=override)
    return replace(config, settings=settings)


def random_host(rng: random.Random) -> HostResources:
    """A host whose memory may be unknown."""
    return HostResources(
        name=rng.choice(("h8", "h9")), ram_mb=rng.choice((0.0, 1.0, 2.5, 4.0, 9.0))
    )


def random_job(rng: random.Random, name: str, lowest_need: int) -> Job:
    """A job that mostly can run."""
    resources = ("total", "per_host", "per_db", "ram")
    return make_job(
        name,
        level=rng.choice(("db", "db", "db", "host", "instance")),
        needs={r: rng.randint(lowest_need, 2) for r in resources if rng.random() < 0.3},
        depends_on=_random_dependencies(rng, name),
        enabled=rng.random() < 0.9,
        errors=("owner: missing",) if rng.random() < 0.05 else (),
        priority=rng.choice((-1.0, 0.0, 0.5, 1.0, 7.0)),
        backoff=rng.choice(
            (
                Backoff(steps=(5, 9), repeat=False),
                Backoff(steps=(5,), repeat=True),
                Backoff(steps=(), repeat=False),
            )
        ),
        filters=_random_filters(rng) if rng.random() < 0.25 else {},
        kill_orphans=rng.choice((None, 0.0, 4.0)),
    )


def variants(rng: random.Random, config: Config) -> list[Config]:
    """The config and small edits of it, as people make them."""
    settings, jobs = config.settings, dict(config.jobs)
    more = {
        level: {r: replace(spec, limit=spec.limit + 1) for r, spec in found.items()}
        for level, found in settings.resources.items()
    }
    edited = rng.choice(list(jobs))
    job = jobs[edited]
    return [
        config,
        replace(config, settings=replace(settings, resources=more)),
        replace(config, jobs={n: j for n, j in jobs.items() if n != edited}),
        replace(config, jobs={**jobs, edited: replace(job, enabled=not job.enabled)}),
        replace(
            config,
            jobs={
                **jobs,
                edited: replace(
                    job, resources={r: n + 1 for r, n in job.resources.items()}
                ),
            },
        ),
        replace(config, settings=replace(settings, scheduler=PolicyName.ROUNDROBIN)),
    ]


def _random_filters(rng: random.Random) -> Mapping[str, LevelFilter]:
    level = rng.choice(("host", "db"))
    if rng.random() < 0.3:
        return {level: LevelFilter(tag_whitelist=frozenset({"tagged"}))}
    return {level: LevelFilter(blacklist=frozenset(rng.sample(HOSTS + DBS, 2)))}


def _random_dependencies(rng: random.Random, name: str) -> list[str]:
    """Mostly earlier jobs, rarely ones that can never be done."""
    if rng.random() < 0.05:
        return [rng.choice((name, "nobody"))]
    earlier = JOBS[: JOBS.index(name)]
    return [job for job in earlier if rng.random() < 0.3]


def _some(rng: random.Random, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if rng.random() < 0.8] or [names[0]]
