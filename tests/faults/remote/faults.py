"""What can happen to a scheduler, its workers and their network.

Each fault begins, lasts as long as its ``with`` block, and is over after it, except
that who has ended is started again, and who was cut off has to come back by itself.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.engine.remote.proxy import Way
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.namespaces import Namespaces
from tests.faults.remote.network import Proxied, Wire
from tests.faults.remote.programs import Program, Worker

Spell = AbstractContextManager[None]

OFTEN = (3, 4, 2, 1)
"""How often a fault has which of the lengths of ``Times``."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, and whom it happens to."""

    name: str
    begin: Callable[[Cluster, Worker], Spell]
    is_workers: bool = True
    """Else it happens to the scheduler."""


# Who is killed, stopped and frozen.


@contextmanager
def killed(run: Cluster, program: Program) -> Iterator[None]:
    program.kill()
    yield
    program.start()


@contextmanager
def killed_and_back_at_once(run: Cluster, program: Program) -> Iterator[None]:
    program.kill()
    program.start()
    yield


@contextmanager
def killed_twice(run: Cluster, program: Program) -> Iterator[None]:
    """The second time while it starts."""
    program.kill()
    program.start()
    run.wait(run.rng.uniform(0.0, 0.8))
    program.kill()
    yield
    program.start()


@contextmanager
def asked_to_end(run: Cluster, program: Program) -> Iterator[None]:
    program.terminate()
    if isinstance(program, Worker):
        assert program.left() == [], "it ended, and its tasks did not"
    yield
    program.start()


@contextmanager
def frozen(run: Cluster, program: Program) -> Iterator[None]:
    program.signal(signal.SIGSTOP)
    yield
    program.signal(signal.SIGCONT)


@contextmanager
def frozen_and_killed(run: Cluster, program: Program) -> Iterator[None]:
    program.signal(signal.SIGSTOP)
    yield
    program.kill()
    program.start()


@contextmanager
def frozen_past_its_lease(run: Cluster, worker: Worker) -> Iterator[None]:
    """What it started is dead before it can look at it again."""
    # What has no warden any more only the worker can end, once it has seen that.
    run.wait_until(lambda: not worker.ends_others_tasks(), run.times.to_a_stop)
    if worker.is_running:
        worker.signal(signal.SIGSTOP)
        stopped = worker.process
        run.wait(run.times.last_task_dies)
        # It may have ended itself a moment before; then it is another one by now.
        if worker.process is stopped:
            assert worker.tasks() == [], f"alive after their lease\n{worker.tail()}"
    yield
    worker.signal(signal.SIGCONT)


@contextmanager
def wardens_killed(run: Cluster, worker: Worker) -> Iterator[None]:
    """What they started is the worker's to end."""
    worker.kill_wardens()
    yield


@contextmanager
def killed_with_its_wardens(run: Cluster, worker: Worker) -> Iterator[None]:
    """Only its next start can end what they started, so that comes at once."""
    pids = [worker.process.pid, *worker.wardens()] if worker.is_running else []
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            run.kill(pid, number)
    worker.kill()
    worker.start()
    yield


@contextmanager
def another_of_its_shard(run: Cluster, worker: Worker) -> Iterator[None]:
    """One of the two has to go, whoever it is."""
    name = f"other-{len(run.others)}"
    other = run.worker(name, worker.shard)
    run.others.append(other)
    other.start()
    yield
    run.rng.choice((other.kill, other.terminate))()


@contextmanager
def another_has_come_first(run: Cluster, worker: Worker) -> Iterator[None]:
    """The worker comes back while another has its shard."""
    worker.kill()
    with another_of_its_shard(run, worker):
        run.wait(run.rng.uniform(0.5, 3.0))
        worker.start()
        yield


# What happens to a worker's network, by its proxy.


def wire(run: Cluster, worker: Worker, how: Callable[[Wire], object]) -> None:
    assert isinstance(run.network, Proxied)
    run.network.change(worker.shard, how)


@contextmanager
def late(run: Cluster, worker: Worker, *ways: Way) -> Iterator[None]:
    """All comes in the end, unless the connection has ended meanwhile."""
    for way in ways:
        wire(run, worker, partial(Wire.hold, way=way))
    yield
    for way in ways:
        wire(run, worker, partial(Wire.go_on, way=way))


@contextmanager
def lost(run: Cluster, worker: Worker, *ways: Way) -> Iterator[None]:
    wire(run, worker, lambda it: it.lost.update(ways))
    yield
    wire(run, worker, lambda it: it.lost.difference_update(ways))


@contextmanager
def slow(run: Cluster, worker: Worker, way: Way) -> Iterator[None]:
    def delayed(it: Wire, seconds: float) -> None:
        it.proxy.faults[way].delay_sec = seconds

    wire(run, worker, lambda it: delayed(it, run.rng.uniform(0.05, 0.4)))
    yield
    wire(run, worker, lambda it: delayed(it, 0.0))


@contextmanager
def frames_twice(run: Cluster, worker: Worker, way: Way) -> Iterator[None]:
    wire(run, worker, lambda it: it.proxy.faults[way].twice.update(range(2, 500)))
    yield
    wire(run, worker, lambda it: it.proxy.faults[way].twice.clear())


@contextmanager
def reset(run: Cluster, worker: Worker) -> Iterator[None]:
    wire(run, worker, lambda it: it.proxy.cut())
    yield


@contextmanager
def refused(run: Cluster, worker: Worker) -> Iterator[None]:
    def shut(it: Wire) -> None:
        it.proxy.is_shut = True
        it.proxy.cut()

    wire(run, worker, shut)
    yield
    wire(run, worker, lambda it: setattr(it.proxy, "is_shut", False))


# What happens to a worker's network, by its namespace.


def cable(run: Cluster) -> Namespaces:
    assert isinstance(run.network, Namespaces)
    return run.network


@contextmanager
def link_down(run: Cluster, worker: Worker, *, is_workers: bool) -> Iterator[None]:
    cable(run).link(worker.shard, is_workers=is_workers, is_on=False)
    yield
    cable(run).link(worker.shard, is_workers=is_workers, is_on=True)


@contextmanager
def swallowed(run: Cluster, worker: Worker, *ups: bool) -> Iterator[None]:
    for is_up in ups:
        cable(run).swallow(worker.shard, is_up=is_up)
    yield
    for is_up in ups:
        cable(run).pass_on(worker.shard, is_up=is_up)


@contextmanager
def slow_cable(run: Cluster, worker: Worker) -> Iterator[None]:
    for is_up in (True, False):
        cable(run).slow(worker.shard, is_up=is_up)
    yield
    for is_up in (True, False):
        cable(run).pass_on(worker.shard, is_up=is_up)


@contextmanager
def unplugged(run: Cluster, worker: Worker) -> Iterator[None]:
    """Both connections are half open: neither kernel hears that the other is gone."""
    cable(run).unplug(worker.shard)
    yield
    cable(run).plug(worker.shard)


def of_scheduler(begin: Callable[[Cluster, Program], Spell]) -> Fault:
    return Fault(
        name=f"the scheduler is {begin.__name__}",
        begin=lambda run, _: begin(run, run.scheduler),
        is_workers=False,
    )


def of_worker(begin: Callable[[Cluster, Worker], Spell], name: str = "") -> Fault:
    return Fault(name=name or begin.__name__, begin=begin)


PROCESSES = (
    of_scheduler(killed),
    of_scheduler(killed_and_back_at_once),
    of_scheduler(killed_twice),
    of_scheduler(asked_to_end),
    of_scheduler(frozen),
    of_scheduler(frozen_and_killed),
    of_worker(killed),
    of_worker(killed_and_back_at_once),
    of_worker(killed_twice),
    of_worker(asked_to_end),
    of_worker(frozen),
    of_worker(frozen_and_killed),
    of_worker(frozen_past_its_lease),
    of_worker(wardens_killed),
    of_worker(killed_with_its_wardens),
    of_worker(another_of_its_shard),
    of_worker(another_has_come_first),
)
WIRES = (
    of_worker(lambda run, it: late(run, it, Way.UP), "late to the scheduler"),
    of_worker(lambda run, it: late(run, it, Way.DOWN), "late to the worker"),
    of_worker(lambda run, it: late(run, it, *Way), "late both ways"),
    of_worker(lambda run, it: lost(run, it, Way.UP), "lost to the scheduler"),
    of_worker(lambda run, it: lost(run, it, Way.DOWN), "lost to the worker"),
    of_worker(lambda run, it: lost(run, it, *Way), "lost both ways"),
    of_worker(lambda run, it: slow(run, it, Way.UP), "slow to the scheduler"),
    of_worker(lambda run, it: slow(run, it, Way.DOWN), "slow to the worker"),
    of_worker(lambda run, it: frames_twice(run, it, Way.UP), "twice to the scheduler"),
    of_worker(lambda run, it: frames_twice(run, it, Way.DOWN), "twice to the worker"),
    of_worker(reset),
    of_worker(refused),
)
STARTS = tuple(
    one
    for one in PROCESSES
    if not one.is_workers and not one.name.endswith("is frozen")
)
"""After these the scheduler is another one."""
AWAY = (
    of_worker(frozen),
    of_worker(refused),
    of_worker(lambda run, it: late(run, it, *Way), "late both ways"),
    of_worker(lambda run, it: lost(run, it, *Way), "lost both ways"),
)
"""The worker goes on, and the scheduler does not hear of it."""
CABLES = (
    of_worker(
        lambda run, it: link_down(run, it, is_workers=True), "the worker's link is down"
    ),
    of_worker(
        lambda run, it: link_down(run, it, is_workers=False), "its link here is down"
    ),
    of_worker(lambda run, it: swallowed(run, it, True), "swallowed to the scheduler"),
    of_worker(lambda run, it: swallowed(run, it, False), "swallowed to the worker"),
    of_worker(lambda run, it: swallowed(run, it, True, False), "swallowed both ways"),
    of_worker(slow_cable),
    of_worker(unplugged),
)


def start_without_one(run: Cluster, deck: list[Fault]) -> None:
    """Let the scheduler start while a worker is away, once for each of these.

    It happens to the worker; what happens to the scheduler is over before that is.
    """
    rng = run.rng
    rng.shuffle(deck)
    for away in deck:
        worker = rng.choice(run.workers)
        ends = rng.choice(STARTS)
        run.wait_for_work()
        run.wait(rng.uniform(0.5, 1.5))
        run.note(f"{away.name} ({worker.shard}), {ends.name}")
        run.faults += [away.name, ends.name]
        with away.begin(run, worker):
            run.wait(rng.uniform(0.0, 0.3))
            with ends.begin(run, worker):
                run.wait(rng.uniform(0.0, 0.5))
            run.wait(rng.uniform(*rng.choices(run.times.lengths, OFTEN)[0]))
        run.look()


def disturb(run: Cluster, deck: list[Fault], among: Sequence[Worker] = ()) -> None:
    """Let all of these happen, up to one at a time for each worker ``among`` all."""
    rng = run.rng
    workers = among or run.workers
    rng.shuffle(deck)
    while deck:
        chosen = _dealt(rng, deck, most=len(workers))
        targets = rng.sample(workers, len(chosen))
        run.wait_for_work()
        run.wait(rng.uniform(0.0, 0.6))
        with ExitStack() as spells:
            for fault, worker in zip(chosen, targets, strict=True):
                on = f" ({worker.shard})" if fault.is_workers else ""
                run.note(fault.name + on)
                run.faults.append(fault.name)
                spells.enter_context(fault.begin(run, worker))
            length = rng.choices(run.times.lengths, OFTEN)[0]
            run.wait(rng.uniform(*length))
        run.look()


def _dealt(rng: Random, deck: list[Fault], *, most: int) -> list[Fault]:
    """Take what happens together: once at most to the scheduler, once to a worker."""
    chosen = [deck.pop()]
    for _ in range(rng.choice((*range(most), most - 1))):
        if any(not one.is_workers for one in chosen):
            fits = [one for one in deck if one.is_workers]
        else:
            fits = [*deck]
        if fits:
            deck.remove(fits[-1])
            chosen.append(fits[-1])
    return chosen
