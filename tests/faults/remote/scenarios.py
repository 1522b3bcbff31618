"""Which faults come together in one life of a pool of workers."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.e2e.program import Place
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.faults import (
    AWAY,
    CABLES,
    PROCESSES,
    WIRES,
    Fault,
    disturb,
    start_without_one,
)
from tests.faults.remote.namespaces import Namespaces
from tests.faults.remote.network import Proxied
from tests.faults.remote.times import LONG_LEASE, SCALED, TAKEN_OVER, Times

KILLS = tuple(one for one in PROCESSES if one.name.endswith("killed"))


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is to be done, and to what."""

    times: int
    """How often each fault happens."""
    workers: int = 3
    mutant: str = ""
    """One of ``mutants.MUTANTS``; empty: the program as it is."""

    @property
    def shards(self) -> list[str]:
        return [f"w{number + 1}" for number in range(self.workers)]


Scenario = Callable[[Place, random.Random, Size], Cluster]


def processes(place: Place, rng: random.Random, size: Size) -> Cluster:
    """Let all happen to programs that can, and return what was judged."""
    run = Cluster(
        *(place, rng, Proxied()),
        shards=size.shards,
        times=_either(rng),
        mutant=size.mutant,
    )
    return _disturbed(run, [*PROCESSES] * size.times)


def connections(place: Place, rng: random.Random, size: Size) -> Cluster:
    """Let all happen to connections that can; tasks run here as well."""
    run = Cluster(
        *(place, rng, Proxied()),
        shards=size.shards,
        runner="mixed",
        times=_either(rng),
        mutant=size.mutant,
    )
    return _disturbed(run, [*WIRES, *KILLS] * size.times)


def cables(place: Place, rng: random.Random, size: Size) -> Cluster:
    """Let all happen to cables that can, with TLS and a network for each worker."""
    network = Namespaces(rng.randrange(10**6))
    run = Cluster(place, rng, network, shards=size.shards, mutant=size.mutant)
    return _disturbed(run, [*CABLES, *KILLS] * size.times)


def starts(place: Place, rng: random.Random, size: Size) -> Cluster:
    """Let schedulers start while a worker is away that may keep its tasks for long."""
    run = Cluster(
        *(place, rng, Proxied()),
        shards=size.shards,
        times=LONG_LEASE,
        mutant=size.mutant,
    )
    with run.judged():
        start_without_one(run, [*AWAY] * size.times)
    return run


SCENARIOS: Mapping[str, Scenario] = {
    "processes": processes,
    "connections": connections,
    "starts": starts,
    "cables": cables,
}


def _either(rng: random.Random) -> Times:
    """Return with which tasks are lost, or such with which they are taken over."""
    return rng.choice((SCALED, TAKEN_OVER))


def _disturbed(run: Cluster, deck: list[Fault]) -> Cluster:
    with run.judged():
        disturb(run, deck)
    return run
