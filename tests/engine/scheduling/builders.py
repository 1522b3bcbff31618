"""Small worlds for the tests of the core."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import (
    Config,
    Job,
    KillMethod,
    KillSettings,
    NodeOrder,
    PolicyName,
    ResourceSpec,
    Settings,
)
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    Event,
    NodesLoaded,
    StatusesLoaded,
    StatusStored,
    TaskEnded,
    TimePassed,
)
from bistro_tui.engine.scheduling.reasons import Explanation, Reason
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.invariants import check_invariants

LEVELS = tuple(LevelName(name) for name in ("instance", "host", "db", "worker"))
DONE = Bits.DONE
FAILED = Bits.FAILED
INCOMPLETE = Bits.INCOMPLETE
INCOMPLETE_BACKOFF = Bits(584)
ERROR_BACKOFF = Bits(96)
START = Now(wall=1_000_000.0, mono=50.0)


def limits(
    **by_level: Mapping[str, int],
) -> dict[LevelName, dict[ResourceName, ResourceSpec]]:
    """``limits(host={"slots": 2})``: every job takes 1 of it unless it says more."""
    return {
        LevelName(level): {
            ResourceName(name): ResourceSpec(limit=limit, default=1)
            for name, limit in resources.items()
        }
        for level, resources in by_level.items()
    }


def make_job(
    name: str,
    *,
    level: str = "db",
    needs: Mapping[str, int] | None = None,
    depends_on: Sequence[str] = (),
    enabled: bool = True,
    errors: Sequence[str] = (),
    priority: float = 1.0,
    backoff: Backoff | None = None,
    filters: Mapping[str, LevelFilter] | None = None,
    kill_orphans: float | None = None,
    kill: KillSettings | None = None,
) -> Job:
    return Job(
        name=JobName(name),
        enabled=enabled,
        owner="owner",
        level_for_tasks=LevelName(level),
        priority=priority,
        resources={ResourceName(r): amount for r, amount in (needs or {}).items()},
        depends_on=tuple(JobName(job) for job in depends_on),
        errors=tuple(errors),
        backoff=backoff or Backoff(steps=(10, 20), repeat=False),
        filters={LevelName(lv): found for lv, found in (filters or {}).items()},
        kill_orphan_tasks_after_sec=kill_orphans,
        kill_subprocess=kill or KillSettings(method=KillMethod.TERM),
    )


def make_config(
    *jobs: Job,
    resources: Mapping[LevelName, Mapping[ResourceName, ResourceSpec]] | None = None,
    policy: PolicyName = PolicyName.ROUNDROBIN,
    order: NodeOrder = NodeOrder.ORIGINAL,
    enabled: bool = True,
    on_bad_config: str = "pause",
    kill_orphans: float | None = None,
    worker_override: Mapping[str, int] | None = None,
) -> Config:
    """Complete the jobs with the default of every resource, as the parser does."""
    known = resources or {}
    defaults = {
        name: spec.default for level in known.values() for name, spec in level.items()
    }
    settings = Settings(
        enabled=enabled,
        scheduler=policy,
        levels=LEVELS,
        level_for_tasks=LevelName("db"),
        node_order=order,
        resources=known,
        on_bad_config=on_bad_config,
        kill_orphan_tasks_after_sec=kill_orphans,
        worker_resources_override={}
        if worker_override is None
        else {
            "local": {ResourceName(r): limit for r, limit in worker_override.items()}
        },
    )
    return Config(
        settings=settings,
        jobs={
            job.name: replace(job, resources={**defaults, **job.resources})
            for job in jobs
        },
    )


def make_tree(
    hosts: Mapping[str, Sequence[str]], disabled: Sequence[str] = ()
) -> NodeTree:
    """``make_tree({"h1": ["a", "b"]})``: hosts, then each host's dbs."""
    nodes = [Node(name=NodeName("top"), level=LEVELS[0], parent=-1)]
    nodes += [
        Node(name=NodeName(h), level=LEVELS[1], parent=0, enabled=h not in disabled)
        for h in hosts
    ]
    nodes += [
        Node(
            name=NodeName(db),
            level=LEVELS[2],
            parent=parent,
            enabled=db not in disabled,
            tags=frozenset({"tagged"}) if db.endswith("t") else frozenset(),
        )
        for parent, dbs in enumerate(hosts.values(), start=1)
        for db in dbs
    ]
    return NodeTree(nodes)


def task_id(text: str) -> TaskId:
    """Return the task that prints as ``text``, ``job@node``."""
    job, node = text.split("@")
    return TaskId(JobName(job), NodeName(node))


class World:
    """A core with a clock set by hand and a store that writes when told to."""

    def __init__(
        self,
        config: Config | None = None,
        tree: NodeTree | None = None,
        statuses: Mapping[TaskId, TaskStatus] | None = None,
        seed: int = 0,
    ) -> None:
        self.core = Core(random.Random(seed))
        self.now = START
        self.running: dict[TaskId, StartTask] = {}
        self.unstored: list[StoreStatus] = []
        if config is not None:
            tree = tree if tree is not None else make_tree({"h1": ["a", "b"]})
            self.first = self.feed(
                StatusesLoaded(statuses or {}), NodesLoaded(tree), ConfigLoaded(config)
            )

    def feed(self, *events: Event) -> list[Action]:
        actions = self.core.handle(events, self.now)
        for action in actions:
            match action:
                case StartTask(task=task):
                    self.running[task] = action
                case StoreStatus():
                    self.unstored.append(action)
                case KillTask():
                    pass
        check_invariants(self.core, self.now)
        return actions

    def end(self, task: str, bits: Bits = DONE, *, store: bool = True) -> list[str]:
        """End a running task and store its status; return what starts then."""
        ended = self.running.pop(task_id(task))
        reported = TaskStatus(bits=bits, time=self.now.wall)
        actions = self.feed(TaskEnded(ended.task, ended.invocation, reported))
        if store:
            actions += self.store()
        return started(actions)

    def store(self) -> list[Action]:
        """Let everything that waits for the disk be on it."""
        events = [StatusStored(one.task, one.serial) for one in self.unstored]
        self.unstored.clear()
        return self.feed(*events)

    def wait(self, seconds: float) -> list[Action]:
        self.now = Now(self.now.wall + seconds, self.now.mono + seconds)
        return self.feed(TimePassed())

    def reload(self, config: Config) -> list[Action]:
        return self.feed(ConfigLoaded(config))

    def reason(self, task: str) -> Reason:
        return self.core.reason(task_id(task))

    def explain(self, task: str) -> Explanation:
        return self.core.explain(task_id(task), self.now)

    @property
    def running_names(self) -> list[str]:
        return sorted(str(task) for task in self.running)


def started(actions: Sequence[Action]) -> list[str]:
    """Return the tasks that start, in order."""
    return [str(action.task) for action in actions if isinstance(action, StartTask)]


def killed(actions: Sequence[Action]) -> list[tuple[str, KillMethod]]:
    """Return the tasks that are killed, in order, and how."""
    return [
        (str(action.task), action.kill.method)
        for action in actions
        if isinstance(action, KillTask)
    ]
