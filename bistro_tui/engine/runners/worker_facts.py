"""What the core is told of a worker."""

from collections.abc import Iterable

from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.physical.host import Gpu, HostResources
from bistro_tui.engine.remote.messages import Usable
from bistro_tui.engine.remote.pool_actions import PoolRow
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.scheduling.events import WorkerFacts


def all_facts(rows: Iterable[PoolRow]) -> tuple[WorkerFacts, ...]:
    """Return the workers as the core sees them: those that are not gone."""
    return tuple(_facts(row) for row in rows if row.state is not WorkerState.MUST_DIE)


def _facts(row: PoolRow) -> WorkerFacts:
    return WorkerFacts(
        shard=NodeName(row.shard),
        is_healthy=row.takes_tasks,
        host=_host(row.lock.hostname, row.usable),
        port=row.lock.port,
        slots=row.slots,
        is_leaving=row.is_leaving,
        held=row.held,
    )


def _host(name: str, usable: Usable) -> HostResources:
    return HostResources(
        name=name,
        cpu_cores=usable.cpu_cores,
        ram_mb=usable.memory_mb,
        gpus=tuple(
            Gpu(bus_id=card.bus_id, name=card.name, memory_mb=card.memory_mb)
            for card in usable.gpus
        ),
    )
