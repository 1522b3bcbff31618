"""Which faults come together in one life of a pool of workers."""

import random
from collections.abc import Callable, Mapping

from tests.e2e.program import Place
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.faults import CABLES, PROCESSES, WIRES, Fault, disturb
from tests.faults.remote.namespaces import Namespaces
from tests.faults.remote.network import Proxied

KILLS = tuple(one for one in PROCESSES if one.name.endswith("killed"))
Scenario = Callable[[Place, random.Random, int], Cluster]


def processes(place: Place, rng: random.Random, times: int) -> Cluster:
    """Let all happen to programs that can, and return what was judged."""
    run = Cluster(place, rng, Proxied())
    return _disturbed(run, [*PROCESSES] * times)


def connections(place: Place, rng: random.Random, times: int) -> Cluster:
    """Let all happen to connections that can; tasks run here as well."""
    run = Cluster(place, rng, Proxied(), runner="mixed")
    return _disturbed(run, [*WIRES, *KILLS] * times)


def cables(place: Place, rng: random.Random, times: int) -> Cluster:
    """Let all happen to cables that can, with TLS and a network for each worker."""
    run = Cluster(place, rng, Namespaces(rng.randrange(10**6)))
    return _disturbed(run, [*CABLES, *KILLS] * times)


SCENARIOS: Mapping[str, Scenario] = {
    "processes": processes,
    "connections": connections,
    "cables": cables,
}


def _disturbed(run: Cluster, deck: list[Fault]) -> Cluster:
    with run.judged():
        disturb(run, deck)
    return run
