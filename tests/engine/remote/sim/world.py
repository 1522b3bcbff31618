"""A simulated cluster with faults: one scheduler, some workers, one network."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.scheduling.core import Core
from tests.engine.remote.sim.disk import Disk
from tests.engine.remote.sim.events import Events, Host
from tests.engine.remote.sim.network import DOWN, UP, Network, Stream
from tests.engine.remote.sim.scheduler_node import SchedulerNode
from tests.engine.remote.sim.truth import Truth
from tests.engine.remote.sim.worker_node import Warden, WorkerNode

TIMES = PoolTimes(
    heartbeat_grace_period=2.0,
    healthcheck_period=2.0,
    healthcheck_grace_period=2.0,
    lose_unhealthy_worker_after=8.0,
    worker_check_interval=1.0,
    suicide_backoff_safety_margin_sec=1.0,
    suicide_task_kill_wait_ms=2_000,
)


_OFTEN = {
    "start_scheduler": 4.0,
    "go_on_scheduler": 4.0,
    "go_on_worker": 3.0,
    "wake": 2.0,
    "heal": 3.0,
    "reboot": 0.0,
}
"""Most of the time most of it works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a world is made of; mutants change one."""

    pool: type[Pool] = Pool
    machine: type[WorkerMachine] = WorkerMachine
    warden: type[Warden] = Warden
    has_lease: bool = True
    disk: type[Disk] = Disk
    scheduler: type[SchedulerNode] = SchedulerNode
    core: type[Core] = Core
    """Of a ``CoreNode``."""
    times: PoolTimes = TIMES
    later: tuple[PoolTimes, ...] = ()
    """Of which the schedulers after the first have one each; none: the same."""
    shards: tuple[str, ...] = ("a", "b", "c")
    """One host for each."""
    is_together: bool = False
    """The scheduler is on the host of the first worker."""
    trusts_blindly: bool = False
    """A worker says that nothing is left of its run before without having looked."""
    tasks: int = 5
    weights: dict[str, float] = field(default_factory=dict)
    """How often which fault comes; 1 unless given."""
    others: float = 1.0
    """How often all other faults come."""
    slowness: float = 0.01
    """Mean seconds that a message takes."""
    keeps_order: bool | None = None
    """Whether streams do; None: in half of the worlds."""


class World:
    """Faults are its methods; everything else goes on by itself."""

    def __init__(self, seed: int, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.rng = random.Random(seed)
        self.events = Events(self.rng)
        self.network = Network(self.events)
        self.network.slowness = self.rules.slowness
        if self.rules.keeps_order is not None:
            self.network.keeps_order = self.rules.keeps_order
        self.truth = Truth(self.events)
        self._count = 0
        self.disk = self.rules.disk()
        self.tasks: list[TaskId] = []
        for _ in range(self.rules.tasks):
            self._new_task()
        self.scheduler_host = Host(self.events, "S")
        self.hosts = [
            Host(self.events, f"{shard}{number}")
            for number, shard in enumerate(self.rules.shards)
        ]
        if self.rules.is_together:
            self.scheduler_host = self.hosts[0]
        self.scheduler = self._new_scheduler(is_first=True)
        self.workers = [self._new_worker(at) for at in range(len(self.hosts))]

    def _new_id(self) -> InstanceId:
        self._count += 1
        return InstanceId(1_000 + self._count, self._count)

    def _new_task(self) -> TaskId:
        task = TaskId(JobName("j"), NodeName(f"n{len(self.tasks)}"))
        self.tasks.append(task)
        return task

    def _new_scheduler(self, *, is_first: bool = False) -> SchedulerNode:
        times, later = self.rules.times, self.rules.later
        if later and not is_first:
            times = self.rng.choice(later)
        return self.rules.scheduler(
            self.events,
            self.scheduler_host,
            self.truth,
            self.tasks,
            instance=self._new_id(),
            times=times,
            pool=self.rules.pool,
            core=self.rules.core,
            disk=self.disk,
        )

    def _new_worker(self, at: int) -> WorkerNode:
        return self.worker_on(self.hosts[at], at)

    def worker_on(
        self, host: Host, at: int, *, lock: str = "", is_swept: bool = True
    ) -> WorkerNode:
        return WorkerNode(
            self.events,
            host,
            self.truth,
            self._dial,
            shard=self.rules.shards[at],
            instance=self._new_id(),
            machine=self.rules.machine,
            warden=self.rules.warden,
            has_lease=self.rules.has_lease,
            lock=lock or host.name,
            is_swept=is_swept,
        )

    def _dial(self, worker: WorkerNode) -> None:
        host = worker.process.host.address
        scheduler = self.scheduler
        ways = {(host, UP), (host, DOWN)}
        if ways & self.network.blocked or not scheduler.process.is_alive:
            return
        stream = Stream(self.network, host, worker, scheduler)

        def accept() -> None:
            scheduler.accept(stream, worker.shard, worker.id)
            self.events.after(self.network.delay(), lambda: worker.process.do(linked))

        def linked() -> None:
            if stream.workers_end.is_open:
                worker.linked(stream)

        self.events.after(self.network.delay(), lambda: scheduler.process.do(accept))

    # Going on.

    def run_for(self, seconds: float) -> None:
        self.events.run_for(seconds)
        self._look_after()

    def _look_after(self) -> None:
        """New instances and new work in place of what is over."""
        for at, worker in enumerate(self.workers):
            if worker.is_over and not worker.process.host.is_asleep:
                self.workers[at] = self._new_worker(at)
        if not self.scheduler.process.is_alive:
            return
        if self.events.is_calm and self.scheduler.has_limits:
            # What was asked for before would wait for room behind ever more of it.
            return
        todo = len(self.tasks) - len(self.truth.on_disk)
        while todo < self.rules.tasks:
            self.scheduler.add_task(self._new_task())
            todo += 1

    # Faults.

    def faults(self) -> dict[str, Callable[[], None]]:
        return {
            **self.scheduler.edits(),
            "crash_scheduler": self.crash_scheduler,
            "start_scheduler": self.start_scheduler,
            "stop_scheduler": self.scheduler.process.stop,
            "go_on_scheduler": self.scheduler.process.go_on,
            "crash_worker": lambda: self._some_worker().crash(),
            "end_worker": lambda: self._some_worker().machine.die("SIGTERM"),
            "stop_worker": lambda: self._some_worker().process.stop(),
            "go_on_worker": self.go_on_workers,
            "reboot": lambda: self.reboot(self.rng.choice(self.hosts)),
            "sleep": lambda: self._some_worker().process.host.sleep(),
            "wake": self.wake,
            "block": self.block,
            "heal": self.heal,
            "cut": self.cut,
            "slow": self.slow,
            "kill": self.kill,
        }

    def any_fault(self) -> None:
        weights, others = _OFTEN | self.rules.weights, self.rules.others
        faults = self.faults()
        names = list(faults)
        [name] = self.rng.choices(names, [weights.get(name, others) for name in names])
        self.events.tell(f"-- {name}")
        faults[name]()

    def _some_worker(self) -> WorkerNode:
        return self.rng.choice(self.workers)

    def crash_scheduler(self) -> None:
        self.scheduler.process.is_alive = False
        for stream in self.network.streams:
            if stream.schedulers_end.party is self.scheduler:
                stream.schedulers_end.end()

    def reboot(self, host: Host) -> None:
        if host.is_asleep:
            host.wake()
        host.boots += 1
        for one in self.workers:
            if one.process.host is host:
                one.lose_power()
        if self.scheduler_host is host:
            self.crash_scheduler()

    def start_scheduler(self) -> None:
        if not self.scheduler.process.is_alive:
            self.scheduler = self._new_scheduler()

    def go_on_workers(self) -> None:
        for worker in self.workers:
            worker.process.go_on()

    def wake(self) -> None:
        for at, host in enumerate(self.hosts):
            if host.is_asleep:
                host.wake()
                self.workers[at].process.catch_up()

    def block(self) -> None:
        host = self.rng.choice(self.hosts).name
        for way in self.rng.choice(((UP,), (DOWN,), (UP, DOWN))):
            self.network.block(host, way)

    def heal(self) -> None:
        for host, way in sorted(self.network.blocked):
            self.network.heal(host, way)

    def cut(self) -> None:
        streams = [one for one in self.network.streams if not one.is_cut]
        if streams:
            self.rng.choice(streams).cut()

    def slow(self) -> None:
        self.network.slowness = self.rng.choice((0.001, 0.01, 0.3, 2.0))

    def kill(self) -> None:
        task = self.rng.choice(self.tasks)
        attempts = self.truth.all_of.get(task)
        if attempts and self.scheduler.process.runs:
            self.scheduler.kill(task, self.rng.choice(attempts))

    # Laws.

    def settle(self, seconds: float = 150.0) -> None:
        """Without faults, everything is done and acknowledged in the end (I3)."""
        self.events.is_calm = True
        self.heal()
        self.network.slowness = 0.01
        self.wake()
        self.start_scheduler()
        self.scheduler.process.go_on()
        self.go_on_workers()
        asked = list(self.tasks)
        taken = [(one, set(one.taken)) for one in self.workers]
        for _ in range(int(seconds)):
            self.run_for(1.0)
            if self._lost_work(asked, taken) is None:
                return
        raise self.truth.broken("I3", self._lost_work(asked, taken) or "")

    def _lost_work(
        self, asked: list[TaskId], taken: list[tuple[WorkerNode, set[InvocationId]]]
    ) -> str | None:
        for task in asked:
            if task not in self.truth.on_disk:
                return f"{task} is never done: {self.scheduler.explain(task)}"
        for worker, invocations in taken:
            if worker.process.is_alive:
                for invocation, what in worker.taken.items():
                    if invocation in invocations and what != "acknowledged":
                        return f"{worker.shard}: {invocation} stays {what}"
        return None


def fresh_world(seed: int, rules: Rules | None) -> World:
    """Return a world in which everything has begun to work."""
    world = World(seed, rules)
    world.run_for(8.0)
    return world


def random_walk(seed: int, rules: Rules | None, steps: int) -> World:
    """Let faults come one after another; return the world if all held."""
    world = fresh_world(seed, rules)
    for _ in range(steps):
        world.any_fault()
        world.run_for(world.rng.choice((0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 12.0)))
    world.settle()
    return world
