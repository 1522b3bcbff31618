"""What the core is told of a worker."""

from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.physical.host import Gpu, HostResources
from bistro_tui.engine.remote.messages import Usable
from bistro_tui.engine.remote.pool_actions import PoolRow
from bistro_tui.engine.scheduling.events import WorkerFacts


def facts_of(row: PoolRow) -> WorkerFacts:
    """Return one worker as the core sees it."""
    return WorkerFacts(
        shard=NodeName(row.shard),
        is_healthy=row.takes_tasks,
        host=_host(row.lock.hostname, row.usable),
        port=row.lock.port,
        slots=row.slots,
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
