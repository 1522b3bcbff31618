"""What a decision of the pure scheduling core costs, in Bistro's own shape.

    python -m benchmarks.placement [--shape HOSTSxSHARDSxJOBS ...] [--policy NAME ...]

Hosts × shards × jobs, host limit 2, shard limit 1. Every task that starts ends at once,
until half of all tasks are done; no process, no database, no clock. Two ways to tell
the core: one event a call, and all that ended since the last call together, as the
engine does under load. Rates compare within one run only.
"""

import argparse
import gc
import random
import statistics
import time
import tracemalloc
from collections import deque
from collections.abc import Sequence

from bistro_tui.cli.collecting import loading
from bistro_tui.engine.config.model import (
    Config,
    Job,
    NodeOrder,
    ResourceSpec,
    Settings,
)
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling.actions import Action, StartTask, StoreStatus
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    Event,
    NodesLoaded,
    StartsPaused,
    StartsResumed,
    StatusesLoaded,
    StatusStored,
    TaskEnded,
    TimePassed,
)
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus

LEVELS = tuple(LevelName(name) for name in ("instance", "host", "shard", "worker"))
NOW = Now(wall=1_000_000.0, mono=0.0)
DONE = TaskStatus(bits=Bits.DONE, time=NOW.wall)

OF_ATTEMPTS = ("placement.py", "attempts.py", "<string>")
"""Where what a running attempt holds is made: its record, action, ids and numbers."""


def make_tree(hosts: int, shards: int) -> NodeTree:
    """Return ``hosts`` hosts with ``shards`` shards each."""
    nodes = [Node(name=NodeName("instance"), level=LEVELS[0], parent=-1)]
    nodes += [
        Node(name=NodeName(f"host{i}"), level=LEVELS[1], parent=0) for i in range(hosts)
    ]
    nodes += [
        Node(name=NodeName(f"host{i}.{j}"), level=LEVELS[2], parent=i + 1)
        for i in range(hosts)
        for j in range(shards)
    ]
    return NodeTree(nodes)


def make_config(jobs: int, policy: str, order: NodeOrder) -> Config:
    """Return a config of equal jobs but for their priorities."""
    limits = {
        LEVELS[1]: {ResourceName("host_concurrency"): ResourceSpec(limit=2, default=1)},
        LEVELS[2]: {ResourceName("db_concurrency"): ResourceSpec(limit=1, default=1)},
    }
    needs = {
        name: spec.default for found in limits.values() for name, spec in found.items()
    }
    names = [JobName(f"job{i}") for i in range(jobs)]
    return Config(
        settings=Settings(
            enabled=True,
            scheduler=policy,
            levels=LEVELS,
            level_for_tasks=LEVELS[2],
            node_order=order,
            resources=limits,
        ),
        jobs={
            name: Job(
                name=name,
                owner="benchmark",
                level_for_tasks=LEVELS[2],
                priority=1.0 + number,
                resources=needs,
            )
            for number, name in enumerate(names)
        },
    )


class Run:
    """One core and the tasks that run in it."""

    def __init__(self, shape: Sequence[int], policy: str, order: NodeOrder) -> None:
        hosts, shards, jobs = shape
        self.tasks = hosts * shards * jobs
        self.core = Core(random.Random(1))
        tree, config = make_tree(hosts, shards), make_config(jobs, policy, order)
        gc.collect()
        with loading():
            self.core.handle([StatusesLoaded({}), NodesLoaded(tree)], NOW)
            begin = time.perf_counter()
            actions = self.core.handle([ConfigLoaded(config)], NOW)
            self.first_pass = time.perf_counter() - begin
        self.first_starts = len(actions)
        self.running: deque[StartTask] = deque()
        self._take(actions)

    def _take(self, actions: Sequence[Action]) -> list[StoreStatus]:
        stores = []
        for action in actions:
            if type(action) is StartTask:
                self.running.append(action)
            elif type(action) is StoreStatus:
                stores.append(action)
        return stores

    def drain(self, batch: int, until: int) -> float:
        """End tasks, ``batch`` a call, until ``until`` have ended; return tasks/s."""
        core, running = self.core, self.running
        ended = 0
        begin = time.perf_counter()
        while ended < until and running:
            ends = [running.popleft() for _ in range(min(batch, len(running)))]
            stores = self._take(
                core.handle([TaskEnded(one[0], one[1], DONE) for one in ends], NOW)
            )
            self._take(
                core.handle([StatusStored(one[0], one[1]) for one in stores], NOW)
            )
            ended += len(ends)
        return ended / (time.perf_counter() - begin)

    def reaction(self, samples: int) -> float:
        """Return the median seconds from one end to the decision on the next start."""
        spent = []
        for _ in range(samples):
            if not self.running:
                break
            one = self.running.popleft()
            begin = time.perf_counter()
            actions = self.core.handle([TaskEnded(one[0], one[1], DONE)], NOW)
            spent.append(time.perf_counter() - begin)
            self._take(
                self.core.handle(
                    [StatusStored(s[0], s[1]) for s in self._take(actions)], NOW
                )
            )
        return statistics.median(spent)

    def idle(self, samples: int) -> float:
        """Return the median seconds of an event that starts nothing."""
        spent = []
        for _ in range(samples):
            begin = time.perf_counter()
            self.core.handle([TimePassed()], NOW)
            spent.append(time.perf_counter() - begin)
        return statistics.median(spent)


def memory(shape: Sequence[int], order: NodeOrder) -> None:
    """Print what the core allocates for one shape, in bytes."""
    hosts, shards, jobs = shape
    tasks, nodes = hosts * shards * jobs, hosts * shards
    tree, config = make_tree(hosts, shards), make_config(jobs, "roundrobin", order)
    core = Core(random.Random(1))
    tracemalloc.start()
    held = [0]
    starts: list[Action] = []
    steps: tuple[Sequence[Event], ...] = (
        (StartsPaused("memory", ""), StatusesLoaded({}), NodesLoaded(tree)),
        (ConfigLoaded(config),),
        (StartsResumed("memory"),),
    )
    for events in steps:
        starts += core.handle(events, NOW)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    found = tracemalloc.take_snapshot().statistics("filename")
    attempts = sum(
        one.size for one in found if one.traceback[0].filename.endswith(OF_ATTEMPTS)
    )
    tracemalloc.stop()
    print(
        f"{'x'.join(map(str, shape)):>14} {order.value:<14}"
        f" {held[1] / nodes:8.1f} a node"
        f" {(held[2] - held[1]) / tasks:6.1f} a task while paused"
        f" {(held[3] - held[1] - attempts) / (tasks - len(starts)):6.1f} a waiting task"
        f" with every host full ({len(starts)} run, {attempts / len(starts):.0f} each)",
        flush=True,
    )


def measure(shape: Sequence[int], policy: str, order: NodeOrder, batch: int) -> None:
    """Print one line of figures for one shape."""
    run = Run(shape, policy, order)
    idle, reaction = run.idle(1000), run.reaction(1000)
    one_by_one = run.drain(1, min(run.tasks // 4, 40_000))
    rate = run.drain(batch, run.tasks // 2)
    print(
        f"{'x'.join(map(str, shape)):>14} {policy:<20} {order.value:<14}"
        f" {run.tasks:>9} {run.first_starts:>7} {run.first_pass * 1e3:>9.0f}"
        f" {idle * 1e6:>7.1f} {reaction * 1e6:>9.1f} {one_by_one:>10,.0f}"
        f" {rate:>9,.0f}",
        flush=True,
    )
    gc.unfreeze()
    gc.collect()


def main() -> None:
    """Measure the shapes asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", action="append", default=[])
    parser.add_argument("--policy", action="append", default=[])
    parser.add_argument("--order", default="random")
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--memory", action="store_true")
    asked = parser.parse_args()
    shapes = asked.shape or ["400x25x1", "12000x25x1", "400x25x30"]
    if asked.memory:
        for shape in shapes:
            memory([int(part) for part in shape.split("x")], NodeOrder(asked.order))
        return
    print(
        f"{'shape':>14} {'policy':<20} {'order':<14} {'tasks':>9} {'starts':>7}"
        f" {'first ms':>9} {'idle us':>7} {'react us':>9} {'single/s':>10}"
        f" {'batch/s':>9}"
    )
    for shape in shapes:
        for policy in asked.policy or ["roundrobin"]:
            numbers = [int(part) for part in shape.split("x")]
            measure(numbers, policy, NodeOrder(asked.order), asked.batch)


if __name__ == "__main__":
    main()
