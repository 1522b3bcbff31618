"""What can be looked at in the given time where every time is the program's default."""

import random
import time
from contextlib import AbstractContextManager

from tests.e2e.program import Place
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.faults import (
    PROCESSES,
    WIRES,
    disturb,
    frozen,
    frozen_past_its_lease,
    killed_and_back_at_once,
    refused,
)
from tests.faults.remote.network import Proxied
from tests.faults.remote.programs import Worker
from tests.faults.remote.scenarios import Size
from tests.faults.remote.times import DEFAULT

TO_BE_SURE = 60.0
"""Seconds that a start may come after the time that was waited for."""
SAFE = DEFAULT.pool.safe_initial_wait
OF_WORKERS = tuple(
    one
    for one in (*PROCESSES, *WIRES)
    if one.is_workers and one.name != frozen_past_its_lease.__name__
)
OF_SCHEDULERS = tuple(one for one in PROCESSES if not one.is_workers)
SPARING = tuple(
    one for one in OF_WORKERS if one in WIRES or one.name == frozen.__name__
)
"""After these no worker is a new one: such a one waits while another one is away, and
a scheduler that starts waits for the one that it replaced."""
TO_BE_KNOWN = 5.0
"""Seconds, with time to spare, until all workers know of a new one."""


def short(place: Place, rng: random.Random, size: Size, seconds: float) -> Cluster:
    """Let happen what is over long before a worker is lost."""
    run = _cluster(place, rng, size)
    with run.judged():
        _go_on(run, seconds)
    return run


def past_a_lease(
    place: Place, rng: random.Random, size: Size, seconds: float
) -> Cluster:
    """Let a worker be away until it is lost, and its tasks start elsewhere."""
    run = _cluster(place, rng, size)
    until = time.monotonic() + seconds
    with run.judged():
        worker, away = _choose(run)
        with away:
            _spare(run, worker, run.times.last_task_dies)
            assert worker.tasks() == [], f"alive after their lease\n{worker.tail()}"
            _spare(run, worker, SAFE - run.times.last_task_dies + TO_BE_SURE)
        _go_on(run, until - time.monotonic())
    return run


def past_an_initial_wait(
    place: Place, rng: random.Random, size: Size, seconds: float
) -> Cluster:
    """Let the scheduler be another one while a worker is away, and stays away."""
    run = _cluster(place, rng, size)
    until = time.monotonic() + seconds
    with run.judged():
        _, away = _choose(run)
        with away, killed_and_back_at_once(run, run.scheduler):
            run.faults.append("the scheduler is killed")
            before = run.number_of_starts()
            run.wait(SAFE - TO_BE_SURE)
            assert run.number_of_starts() == before, "started in the initial wait"
            run.wait_for_work()
        _go_on(run, until - time.monotonic())
    return run


LONG = (past_a_lease, past_an_initial_wait)
LONG_SEC = SAFE + 4 * TO_BE_SURE
"""Seconds that they need."""


def at_default_times(
    place: Place, rng: random.Random, size: Size, seconds: float
) -> Cluster:
    """Let one of these happen that fits into the time, and return what was judged."""
    scenario = rng.choice(LONG) if seconds >= LONG_SEC else short
    print(scenario.__name__, flush=True)
    return scenario(place, rng, size, seconds)


def _cluster(place: Place, rng: random.Random, size: Size) -> Cluster:
    return Cluster(
        *(place, rng, Proxied()),
        shards=size.shards,
        times=DEFAULT,
        mutant=size.mutant,
    )


def _choose(run: Cluster) -> tuple[Worker, AbstractContextManager[None]]:
    """Return who is away, and how."""
    run.wait_for_work()
    worker, begin = run.rng.choice(run.workers), run.rng.choice((frozen, refused))
    run.note(f"{begin.__name__} for long ({worker.shard})")
    run.faults.append(f"{begin.__name__} for long")
    return worker, begin(run, worker)


def _spare(run: Cluster, away: Worker, seconds: float) -> None:
    """Let things happen to the others for so long."""
    others = [one for one in run.workers if one is not away]
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if left < max(run.times.lengths[-1]):
            run.wait(left)
        else:
            disturb(run, run.rng.sample(SPARING, 2), among=others)


def _go_on(run: Cluster, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if run.rng.random() < 0.5:
            disturb(run, run.rng.sample(OF_WORKERS, 3))
        else:
            deck = [run.rng.choice(OF_SCHEDULERS), *run.rng.sample(SPARING, 2)]
            disturb(run, deck)
        run.wait_for_work()
        run.wait(TO_BE_KNOWN)
