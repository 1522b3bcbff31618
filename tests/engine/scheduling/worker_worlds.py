"""Random worlds whose workers come, go, fall ill, and hold what nobody started here."""

import random
from collections.abc import Sequence
from dataclasses import replace

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Config, Job
from bistro_tui.engine.ids import (
    WORKER_LEVEL,
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    TaskId,
)
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import UNKNOWN_HOST, HostResources
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.random_worlds import JOBS, REPORTS
from tests.engine.scheduling.test_core_laws import Life

COST = BackoffDuration(5, no_more=False)
SHARDS = ("w0", "w1", "w2", "w3", "local")


def worker(
    shard: str,
    host: str = "",
    *,
    healthy: bool = True,
    slots: int | None = None,
    ram_mb: float = 0.0,
    port: int = 0,
) -> ev.WorkerFacts:
    """One worker, by default on a host of its own name."""
    return ev.WorkerFacts(
        shard=NodeName(shard),
        is_healthy=healthy,
        host=HostResources(name=host or shard, ram_mb=ram_mb),
        port=port,
        slots=slots,
    )


def hosts_of(tree: NodeTree) -> tuple[str, ...]:
    """Names that nodes have, so that workers can be on the hosts they name."""
    return tuple(dict.fromkeys(node.name for node in tree.nodes))


def random_worker(
    rng: random.Random, shard: str, hosts: Sequence[str]
) -> ev.WorkerFacts:
    found = worker(
        shard,
        rng.choice((*hosts[:4], "elsewhere")),
        healthy=rng.random() < 0.85,
        slots=rng.choice((None, None, None, 1, 1, 2, 2, 0)),
        ram_mb=rng.choice((0.0, 0.0, 1.0, 2.5, 4.0)),
        port=rng.choice((0, 31)),
    )
    is_unknown = shard == "local" and rng.random() < 0.5
    return found._replace(host=UNKNOWN_HOST) if is_unknown else found


def random_workers(
    rng: random.Random, hosts: Sequence[str], known: Sequence[ev.WorkerFacts]
) -> tuple[ev.WorkerFacts, ...]:
    """All others, or as known but for one that changed, came or went."""
    if not known or rng.random() < 0.1:
        shards = rng.sample(SHARDS, rng.choice((0, 3, 4, 5, 5)))
        return tuple(random_worker(rng, shard, hosts) for shard in shards)
    shard = rng.choice(SHARDS)
    found = [one for one in known if one.shard != shard]
    if rng.random() < 0.8:
        at = rng.randint(0, len(found))
        found.insert(at, random_worker(rng, shard, hosts))
    return tuple(found)


def placed(rng: random.Random, config: Config, hosts: Sequence[str]) -> Config:
    """The config, with jobs that want certain workers, and another selector."""
    levels = config.settings.levels
    settings = replace(
        config.settings,
        remote_worker_selector=rng.choice(("roundrobin", "busiest")),
        resources={
            level: {
                name: replace(spec, weight=rng.choice((0, 1, 1, 3)))
                for name, spec in found.items()
            }
            for level, found in config.settings.resources.items()
        },
    )
    worker_level = settings.resources.get(WORKER_LEVEL, {})
    if worker_level and rng.random() < 0.4:
        keys = (rng.choice(SHARDS), rng.choice(hosts), f"{rng.choice(hosts)}:31")
        override = {
            key: {rng.choice(list(worker_level)): rng.randint(0, 4)} for key in keys
        }
        settings = replace(settings, worker_resources_override=override)
    jobs = {name: _placed(rng, job, levels, hosts) for name, job in config.jobs.items()}
    return replace(config, settings=settings, jobs=jobs)


def _placed(
    rng: random.Random, job: Job, levels: Sequence[LevelName], hosts: Sequence[str]
) -> Job:
    if rng.random() < 0.35:
        level = rng.choice((levels[1], levels[1], levels[1], *levels))
        job = replace(job, level_for_host_placement=level)
    if rng.random() < 0.1:
        job = replace(job, host_placement=rng.choice(hosts))
    if rng.random() < 0.2:
        found = LevelFilter(
            blacklist=frozenset(rng.sample(hosts, min(2, len(hosts)))),
            tag_whitelist=frozenset({"tagged"} if rng.random() < 0.5 else ()),
            fraction_of_nodes=rng.choice((1.0, 1.0, 0.7)),
        )
        job = replace(job, filters={**job.filters, WORKER_LEVEL: found})
    return job


class WorkerLife(Life):
    """One such world and what happens to it."""

    def __init__(self, seed: int, lowest_need: int = 0, *, deep: bool = False) -> None:
        super().__init__(seed, lowest_need, deep=deep)
        self.worker_rng = rng = random.Random(seed + 1)
        self.hosts = tuple(dict.fromkeys(h for t in self.trees for h in hosts_of(t)))
        self.configs = [placed(rng, config, self.hosts) for config in self.configs]
        if rng.random() < 0.7:
            self.watched.feed(self.draw_report())

    def draw_event(self) -> ev.Event:
        if self.worker_rng.random() < 0.25:
            return self.draw_of_workers()
        return super().draw_event()

    def draw_report(self) -> ev.WorkersReported:
        rng, known = self.worker_rng, self.watched.oracle.workers or ()
        workers = random_workers(rng, self.hosts, known)
        return ev.WorkersReported(workers, may_grow=rng.random() < 0.5)

    def draw_of_workers(self) -> ev.Event:
        rng, watched = self.worker_rng, self.watched
        running = watched.oracle.running
        is_loaded = watched.oracle.config is not None
        kinds = ["report"] * 5 + ["late"] * is_loaded
        # Journals tell of this host, workers of others: never of one task.
        kinds += ["adopt"] * (is_loaded and not self.has_old_copies)
        kinds += ["lost"] if running else []
        match rng.choice(kinds):
            case "report":
                return self.draw_report()
            case "adopt":
                found = tuple(self.draw_adopted() for _ in range(rng.randint(1, 2)))
                return ev.AttemptsAdopted(found)
            case "lost":
                task = rng.choice(list(running))
                one = running[task]
                is_stale = rng.random() < 0.1
                invocation = InvocationId(1, 9) if is_stale else one.invocation
                return ev.TaskLost(task, invocation, one.worker, rng.choice((1, 66)))
            case _:
                return self.draw_late()

    def draw_late(self) -> ev.LateStatus:
        """Draw a status of an attempt that runs, ended, was lost, or never was."""
        rng, oracle = self.worker_rng, self.watched.oracle
        tasks = [*oracle.running, *oracle.unstored, *oracle.statuses]
        task = rng.choice(tasks) if tasks else TaskId(JobName("j0"), NodeName("a"))
        invocation = InvocationId(1, rng.randrange(2))
        one = oracle.running.get(task)
        if one is not None and rng.random() < 0.6:
            invocation = one.invocation
        status = TaskStatus(
            bits=Bits(rng.choice((*REPORTS, 1056))), time=self.watched.now.wall
        )
        return ev.LateStatus(
            task,
            invocation,
            status,
            BackoffDuration(5, no_more=False),
            NodeName(rng.choice(SHARDS)),
        )

    def draw_adopted(self) -> ev.AdoptedAttempt:
        rng, core = self.worker_rng, self.watched.core
        tree = core.tree
        leaf = rng.randrange(len(tree))
        task = TaskId(JobName(rng.choice((*JOBS, "gone", "gone"))), tree.names[leaf])
        config = core.config
        resources = config.settings.resources if config is not None else {}
        path = tuple(
            (tree.node(index).level, tree.names[index]) for index in tree.path(leaf)
        )
        return ev.AdoptedAttempt(
            task=task,
            invocation=InvocationId(1, rng.randrange(3)),
            worker=NodeName(rng.choice((*SHARDS, "unheard-of"))),
            since=self.watched.now.wall - 10,
            needs={
                level: {name: rng.randint(0, 2) for name in found}
                for level, found in resources.items()
            },
            path=path,
            next_backoff=COST,
        )
