"""What a scheduler with this config would do, worked out by the real core.

Node scripts run and stored statuses are read; no task starts and nothing is written.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bistro_tui.engine.blocked import why_blocked
from bistro_tui.engine.clock import Clock, Now
from bistro_tui.engine.config.load import LoadedConfig
from bistro_tui.engine.config.model import Config, Job
from bistro_tui.engine.ids import WORKER_LEVEL, JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.nodes.loader import NodesLoader, NodesResult
from bistro_tui.engine.nodes.plugged import find_node_source
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.plugged_policy import policy_named
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    HostReported,
    NodesLoaded,
    StartsPaused,
    StatusesLoaded,
)
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.system_zone import system_zone

_PLANNING = StartsPaused("plan", "only a plan is made")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """The tasks of one job: which could run first, and why the others could not."""

    name: JobName
    enabled: bool
    valid: bool
    level_for_tasks: LevelName
    runnable: int
    blocked: Mapping[Reason, int]
    """Every other task by its reason, the done ones too; zeros left out."""
    why: Mapping[Reason, str]
    """What blocks, by name, where there is more to say than the reason itself."""

    @property
    def tasks(self) -> int:
        """Return how many tasks the job has."""
        return self.runnable + sum(self.blocked.values())

    def as_json(self) -> dict[str, Any]:
        """Return the job's object in the document of ``plan --json``."""
        return {
            "name": self.name,
            "enabled": self.enabled,
            "valid": self.valid,
            "level_for_tasks": self.level_for_tasks,
            "tasks": self.tasks,
            "runnable": self.runnable,
            "blocked": {reason.value: count for reason, count in self.blocked.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole picture before the first start."""

    levels: tuple[LevelName, ...] = ()
    """From the top: ``instance``, then the configured ones."""
    nodes: Sequence[Node] = ()
    """In fetch order, the instance node first."""
    jobs: tuple[JobPlan, ...] = ()
    """In the order of the file."""
    errors: tuple[str, ...] = ()
    """Of jobs, with their places in the file, and of node sources."""
    is_refused: bool = False
    """The config cannot be used with these nodes: a scheduler would not start."""

    def as_json(self) -> dict[str, Any]:
        """Return the document of ``plan --json``."""
        nodes = tuple(self.nodes)
        return {
            "levels": list(self.levels),
            "nodes": [_node_json(node, nodes) for node in nodes],
            "jobs": [job.as_json() for job in self.jobs],
            "errors": list(self.errors),
        }


def _node_json(node: Node, nodes: Sequence[Node]) -> dict[str, Any]:
    return {
        "name": node.name,
        "level": node.level,
        "parent": nodes[node.parent].name if node.parent >= 0 else None,
        "enabled": node.enabled,
        "tags": sorted(node.tags),
    }


async def make_plan(
    loaded: LoadedConfig,
    config: Config,
    statuses: Mapping[TaskId, TaskStatus],
    options: EngineOptions,
    host: HostResources,
    *,
    instance: NodeName,
    clock: Clock,
    rng: random.Random,
) -> Plan:
    """Return the plan for a config that can be used; fetches the nodes.

    ``statuses`` are the stored ones that count, ``host`` is what was measured.
    """
    loader = NodesLoader(
        instance_name=instance,
        config_dir=options.config_path.absolute().parent,
        clock=clock,
        zone=system_zone(),
        rng=rng,
        find_source=find_node_source,
    )
    nodes = await loader.load(config.settings)
    job_errors = tuple(problem.as_line() for problem in loaded.problems)
    jobs = await asyncio.to_thread(
        judge, config, nodes.tree, statuses, host, now=clock.now(), rng=rng
    )
    return _plan(config, nodes, jobs, job_errors)


def _plan(
    config: Config,
    nodes: NodesResult,
    jobs: tuple[JobPlan, ...],
    job_errors: tuple[str, ...],
) -> Plan:
    return Plan(
        levels=tuple(
            level for level in config.settings.levels if level != WORKER_LEVEL
        ),
        nodes=nodes.tree.nodes,
        jobs=jobs,
        errors=(*job_errors, *nodes.errors),
        is_refused=nodes.is_refused,
    )


def judge(
    config: Config,
    tree: NodeTree,
    statuses: Mapping[TaskId, TaskStatus],
    host: HostResources,
    *,
    now: Now,
    rng: random.Random,
) -> tuple[JobPlan, ...]:
    """Return every job's tasks, judged as before the first start."""
    core = Core(rng, policies=policy_named)
    core.handle(
        [
            _PLANNING,
            HostReported(host),
            StatusesLoaded(statuses),
            NodesLoaded(tree),
            ConfigLoaded(config),
        ],
        now,
    )
    return tuple(_judge(core, config, job) for job in config.jobs.values())


def _judge(core: Core, config: Config, job: Job) -> JobPlan:
    blocked = dict(core.outlook(job.name))
    runnable = blocked.pop(Reason.RUNNABLE, 0)
    return JobPlan(
        name=job.name,
        enabled=job.enabled,
        valid=job.is_valid,
        level_for_tasks=job.level_for_tasks,
        runnable=runnable,
        blocked=blocked,
        why={
            reason: text
            for reason in blocked
            if (text := why_blocked(core, config, job, reason))
        },
    )
