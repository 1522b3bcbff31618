"""Bistro's scheduling pass, written plainly: full scans, nothing remembered.

It keeps its own books from the same events and the core's own actions, so that the
core can be asked at every instant: may this start, and was anything left out?
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bistro_tui.engine.config.model import Config, Job, NodeOrder, PolicyName
from bistro_tui.engine.ids import (
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.moment import Now
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import UNKNOWN_HOST, HostResources
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StartTask, StoreStatus
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus

WORKER = LevelName("worker")
LOCAL = NodeName("local")


@dataclass
class Holder:
    taken: dict[tuple[LevelName, NodeName, str], int]


@dataclass
class Running(Holder):
    invocation: InvocationId
    worker: NodeName = LOCAL


@dataclass
class Recovering(Holder):
    """The old copies of one task, and what one of them takes wherever it may run."""

    invocations: set[InvocationId] = field(default_factory=set)


@dataclass
class Oracle:
    config: Config | None = None
    tree: NodeTree | None = None
    host: HostResources = UNKNOWN_HOST
    has_statuses: bool = False
    broken: bool = False
    stopping: bool = False
    pauses: set[str] = field(default_factory=set)
    limit: int | None = None
    workers: tuple[ev.WorkerFacts, ...] | None = None
    """None: only ``local``, which every job may use."""
    last_worker: NodeName | None = None
    """Who took the last task, or the nearest before it that is still there."""
    statuses: dict[TaskId, TaskStatus] = field(default_factory=dict)
    ready_at: dict[TaskId, float] = field(default_factory=dict)
    running: dict[TaskId, Running] = field(default_factory=dict)
    recovering: dict[TaskId, Recovering] = field(default_factory=dict)
    unstored: dict[TaskId, StoreStatus] = field(default_factory=dict)
    storing: set[tuple[TaskId, InvocationId | None]] = field(default_factory=set)
    """Attempts whose real ends are known from the events being taken in."""
    adopted: set[TaskId] = field(default_factory=set)
    """Whose newest end was one of a run before."""
    ready_when_stored: dict[TaskId, float] = field(default_factory=dict)

    # What happened.

    def take_in(self, event: ev.Event) -> None:
        match event:
            case ev.ConfigLoaded(config):
                self.config, self.broken = config, False
            case ev.ConfigBroken():
                self.broken = True
            case ev.NodesLoaded(tree):
                self.tree = tree
            case ev.HostReported(host):
                self.host = host
            case ev.StatusesLoaded(statuses):
                self.has_statuses = True
                self.statuses.update(statuses)
            case ev.TaskEnded(task, invocation, _) | ev.TaskNotStarted(
                task, invocation, _
            ):
                mine = self.running.get(task)
                if mine is not None and mine.invocation == invocation:
                    del self.running[task]
                    self.adopted.discard(task)
            case ev.StatusStored(task, serial):
                stored = self.unstored.get(task)
                if stored is not None and stored.serial == serial:
                    del self.unstored[task]
                    self.statuses[task] = stored.status
                    self.ready_at[task] = self.ready_when_stored[task]
            case _:
                self.take_in_for_all(event)

    def take_in_for_all(self, event: ev.Event) -> None:
        """What holds for all tasks at once, and what a run before left."""
        match event:
            case ev.AttemptsRecovering(found):
                for one in found:
                    self.take_in_old(one)
            case ev.AttemptGone(task, invocation) | ev.AttemptLeft(task, invocation, _):
                if isinstance(event, ev.AttemptLeft) and task not in self.running:
                    self.adopted.add(task)
                old = self.recovering.get(task)
                if old is not None:
                    old.invocations.discard(invocation)
                    if not old.invocations:
                        del self.recovering[task]
            case ev.StartsPaused(cause, _):
                self.pauses.add(cause)
            case ev.StartsResumed(cause):
                self.pauses.discard(cause)
            case ev.StartsLimited(limit, _):
                self.limit = limit
            case ev.StopRequested():
                self.stopping = True
            case _:
                self.take_in_news(event)

    def take_in_news(self, event: ev.Event) -> None:
        """What is heard of workers and of what they run."""
        match event:
            case ev.WorkersReported() | ev.AttemptsAdopted():
                self.take_in_workers(event)
            case ev.TaskLost(task, invocation):
                mine = self.running.get(task)
                self.adopted.discard(task)
                if mine is not None and mine.invocation == invocation:
                    del self.running[task]
            case _:
                pass

    def take_in_workers(self, event: ev.WorkersReported | ev.AttemptsAdopted) -> None:
        if isinstance(event, ev.WorkersReported):
            shards = [one.shard for one in event.workers]
            if self.last_worker is not None:
                old = [one.shard for one in self.workers or ()]
                before = old[: old.index(self.last_worker) + 1]
                left = [shard for shard in before if shard in shards]
                self.last_worker = left[-1] if left else None
            self.workers = event.workers
            return
        for one in event.found:
            stored = self.unstored.get(one.task)
            has_ended = (
                stored is not None
                and stored.invocation == one.invocation
                and Bits.OVERWRITEABLE not in stored.status.bits
            )
            known = self.statuses.get(one.task)
            needs_none = known is not None and (
                known.is_done
                or (known.is_failed and Bits.OVERWRITEABLE not in known.bits)
            )
            has_ended = has_ended or needs_none
            has_ended = has_ended or (one.task, one.invocation) in self.storing
            if one.task not in self.running and not has_ended:
                self.running[one.task] = Running(
                    invocation=one.invocation,
                    worker=one.worker,
                    taken={
                        (level, name, resource): amount
                        for level, name in (*one.path, (WORKER, one.worker))
                        for resource, amount in one.needs.get(level, {}).items()
                    },
                )

    def take_in_old(self, found: ev.RecoveringAttempt) -> None:
        """Book what an old copy takes, by the config and the nodes of this moment."""
        task = found.task
        if task not in self.recovering:
            self.recovering[task] = Recovering(dict(self.amounts_of_old(task)))
        self.recovering[task].invocations.add(found.invocation)

    def amounts_of_old(
        self, task: TaskId
    ) -> Iterator[tuple[tuple[LevelName, NodeName, str], int]]:
        """What a task takes on the paths of all nodes of its name."""
        config, tree = self.config, self.tree
        job = config.jobs.get(task.job) if config is not None else None
        if config is None or tree is None or job is None:
            return
        leaves = [
            index
            for index in tree.at_level(job.level_for_tasks)
            if tree.nodes[index].name == task.node
        ]
        places = [
            (tree.nodes[index].level, tree.nodes[index].name)
            for leaf in leaves
            for index in tree.path(leaf)
        ]
        for level, name in [*places, (WORKER, LOCAL)] if leaves else []:
            for resource in config.settings.resources.get(level, {}):
                yield (level, name, resource), job.resources[resource]

    def take_in_store(self, action: StoreStatus, now: Now) -> None:
        self.unstored[action.task] = action
        # Of a run before, nothing but the wall time of the end is known.
        began = action.status.time if action.task in self.adopted else now.wall
        ready_at = began + action.status.backoff_sec
        self.ready_when_stored[action.task] = now.mono + ready_at - now.wall
        if action.invocation is None and action.status.backoff_sec:
            # The delay of a lost task that is forgiven goes on as it was.
            known = self.ready_at.get(action.task, now.mono)
            self.ready_when_stored[action.task] = max(known, now.mono)

    def take_in_start(self, action: StartTask) -> None:
        """Book what the task takes, by its job's needs at this moment."""
        assert self.config is not None
        places = [
            (level, name)
            for level, name in zip(
                self.config.settings.levels, action.path_to_node, strict=False
            )
        ]
        self.take_in_turn(action.worker)
        self.running[action.task] = Running(
            invocation=action.invocation,
            worker=action.worker,
            taken={
                (level, name, resource): action.job.resources[resource]
                for level, name in [*places, (WORKER, action.worker)]
                for resource in self.config.settings.resources.get(level, {})
            },
        )

    def take_in_turn(self, worker: NodeName) -> None:
        assert self.config is not None
        is_in_turns = self.config.settings.remote_worker_selector == "roundrobin"
        if self.workers is not None and is_in_turns:
            self.last_worker = worker

    # What may start.

    def is_open(self) -> bool:
        return (
            self.config is not None
            and self.tree is not None
            and self.has_statuses
            and self.config.settings.enabled
            and not (self.broken and self.config.settings.on_bad_config != "keep")
            and not self.pauses
            and not self.stopping
            and (
                self.limit is None
                or self.workers is not None
                or len(self.running) < self.limit
            )
        )

    def may_start(self, now: Now) -> set[tuple[TaskId, tuple[NodeName, ...]]]:
        if not self.is_open() or self.config is None or self.tree is None:
            return set()
        return {
            (TaskId(job.name, self.tree.nodes[index].name), self.names(index))
            for job in self.config.jobs.values()
            for index in self.candidates(job, now)
            if self.fits(job, index)
        }

    def candidates(self, job: Job, now: Now) -> Iterator[int]:
        """The nodes of the job's level, in fetch order, that it could use now."""
        assert self.tree is not None
        if not job.enabled or job.errors:
            return
        for index in self.tree.at_level(job.level_for_tasks):
            task = TaskId(job.name, self.tree.nodes[index].name)
            if (
                task not in self.running
                and task not in self.recovering
                and task not in self.unstored
                and not self.is_finished(task)
                and self.ready_at.get(task, 0.0) <= now.mono
                and all(self.may_use(job, i) for i in self.tree.path(index))
                and all(self.is_done(on, task.node) for on in job.depends_on)
            ):
                yield index

    def is_finished(self, task: TaskId) -> bool:
        status = self.statuses.get(task)
        return status is not None and bool(status.bits & (Bits.DONE | Bits.FAILED))

    def is_done(self, job: JobName, node: NodeName) -> bool:
        assert self.config is not None
        status = self.statuses.get(TaskId(job, node))
        return (
            job in self.config.jobs and status is not None and Bits.DONE in status.bits
        )

    def may_use(self, job: Job, index: int) -> bool:
        assert self.tree is not None
        node = self.tree.nodes[index]
        accepted = job.filters.get(node.level)
        return node.enabled and (
            accepted is None
            or accepted.accepts(job=job.name, node=node.name, tags=node.tags)
        )

    def left(self, level: LevelName, name: NodeName, resource: str) -> int:
        assert self.config is not None
        settings = self.config.settings
        limit = settings.resources[level][ResourceName(resource)].limit
        if level == WORKER:
            limit = self.worker_limit(name, resource, limit)
        return limit - sum(
            holder.taken.get((level, name, resource), 0) for holder in self.holders()
        )

    def worker_limit(self, shard: NodeName, resource: str, limit: int) -> int:
        assert self.config is not None
        settings, host, port = self.config.settings, self.host, 0
        for one in self.workers or ():
            if one.shard == shard:
                port = one.port
                if one.shard != LOCAL or one.host != UNKNOWN_HOST:
                    host = one.host
        for key, amount in (("ram_mb", host.ram_mb), ("cpu_core", host.cpu_cores)):
            mapped = settings.physical_resources.get(key)
            if mapped is not None and mapped.logical_resource == resource and amount:
                left = amount - mapped.physical_reserve_amount
                limit = max(0, int(left / mapped.multiply_logical_by))
        overrides = settings.worker_resources_override
        for key in (f"{host.name}:{port}", host.name, shard):
            if (host.name and key in overrides) or key == shard:
                own = overrides.get(key, {})
                return own.get(ResourceName(resource), limit)
        return limit

    def takers(self, job: Job, path: Sequence[NodeName]) -> list[NodeName]:
        """The workers that would take a task on that path now, in their order."""
        assert self.config is not None
        settings, found = self.config.settings, []
        by_level = dict(zip(settings.levels, path, strict=False))
        level = job.level_for_host_placement
        required = job.host_placement or (by_level.get(level, "") if level else "")
        for one in self.workers or (ev.WorkerFacts(LOCAL, True, self.host),):
            if self.workers is not None:
                running = [r for r in self.running.values() if r.worker == one.shard]
                accepted = job.filters.get(WORKER)
                slots = [one.slots, self.limit if one.shard == LOCAL else None]
                if (
                    not one.is_healthy
                    or (required and one.host.name != required)
                    or any(n is not None and len(running) >= n for n in slots)
                    or (
                        accepted is not None
                        and not replace(accepted, tag_whitelist=frozenset()).accepts(
                            job=job.name, node=one.host.name, tags=frozenset()
                        )
                    )
                ):
                    continue
            if all(
                job.resources[resource] <= self.left(WORKER, one.shard, resource)
                for resource in settings.resources.get(WORKER, {})
            ):
                found.append(one.shard)
        return found if self.workers is None or self.workers else []

    def choices(self, job: Job, path: Sequence[NodeName]) -> list[NodeName]:
        """Which of the workers that would take it the selector may choose."""
        assert self.config is not None
        takers = self.takers(job, path)
        if self.workers is None or not takers:
            return takers
        specs = self.config.settings.resources.get(WORKER, {})
        if self.config.settings.remote_worker_selector == "busiest":
            left = {
                shard: sum(
                    spec.weight * (self.left(WORKER, shard, r) - job.resources[r])
                    for r, spec in specs.items()
                )
                for shard in takers
            }
            return [shard for shard in takers if left[shard] == min(left.values())]
        order = [one.shard for one in self.workers]
        begin = order.index(self.last_worker) + 1 if self.last_worker else 0
        order = order[begin:] + order[:begin]
        return [min(takers, key=order.index)]

    def holders(self) -> Iterator[Holder]:
        yield from self.running.values()
        yield from self.recovering.values()

    def fits(self, job: Job, index: int) -> bool:
        assert self.tree is not None
        assert self.config is not None
        places = [
            (self.tree.nodes[i].level, self.tree.nodes[i].name)
            for i in self.tree.path(index)
        ]
        return all(
            job.resources[resource] <= self.left(level, name, resource)
            for level, name in places
            for resource in self.config.settings.resources.get(level, {})
        ) and bool(self.takers(job, self.names(index)))

    def names(self, index: int) -> tuple[NodeName, ...]:
        assert self.tree is not None
        return tuple(self.tree.nodes[i].name for i in self.tree.path(index))


def one_pass(oracle: Oracle, now: Now, start: "Starter") -> None:
    """One pass of Bistro where node order and job order leave nothing to chance.

    Lists of candidates are made once; nodes are taken from the end of each.
    """
    config, tree = oracle.config, oracle.tree
    if not oracle.is_open() or config is None or tree is None:
        return
    lists: list[tuple[Job, list[int]]] = []
    for job in config.jobs.values():
        nodes = list(oracle.candidates(job, now))
        if config.settings.node_order is NodeOrder.LEXICOGRAPHIC:
            nodes.sort(key=lambda i: (tree.nodes[i].name, i))
        lists.append((job, nodes))
    match config.settings.scheduler:
        case PolicyName.RANKED_PRIORITY:
            lists.sort(key=lambda one: -one[0].priority)
        case PolicyName.LONG_TAIL:
            lists.sort(key=lambda one: len(one[1]))
        case _:
            assert len(lists) <= 1, "the order of the jobs is left to chance"
    for job, nodes in lists:
        while nodes:
            index = nodes.pop()
            task = TaskId(job.name, tree.nodes[index].name)
            if task not in oracle.running and oracle.fits(job, index):
                start(task, oracle.names(index))


class Starter:
    """Books the starts of a pass; the attempts get made-up invocations."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self.started: list[tuple[TaskId, tuple[NodeName, ...]]] = []
        self.workers: list[NodeName] = []

    def __call__(self, task: TaskId, path: Sequence[NodeName]) -> None:
        oracle = self._oracle
        assert oracle.config is not None
        settings = oracle.config.settings
        job = oracle.config.jobs[task.job]
        worker = oracle.choices(job, path)[0]
        oracle.take_in_turn(worker)
        places = [
            *zip(settings.levels, path, strict=False),
            (WORKER, worker),
        ]
        oracle.running[task] = Running(
            invocation=InvocationId(0, 0),
            worker=worker,
            taken={
                (level, name, resource): job.resources[resource]
                for level, name in places
                for resource in settings.resources.get(level, {})
            },
        )
        self.started.append((task, tuple(path)))
        self.workers.append(worker)
