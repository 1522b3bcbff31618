"""Workers that the config names: what each would have if it were there."""

from collections.abc import Container, Iterator, Sequence

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.ids import WORKER_LEVEL, ResourceName
from bistro_tui.engine.physical.limits import counts_a_model
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.scheduling.worker_rooms import WorkerRoom


class NamedWorkers:
    """The names in ``worker_resources_override``, but for that of this host."""

    def __init__(self, settings: Settings) -> None:
        specs = settings.resources.get(WORKER_LEVEL, {})
        mapped = {one.logical_resource for one in settings.physical_resources.values()}
        self.measured: frozenset[ResourceName] = frozenset(
            name for name in specs if name in mapped or counts_a_model(name)
        )
        """What a worker may have any number of until it has told."""
        self._by_host: dict[str, list[tuple[str, Sequence[int | None]]]] = {}
        for name, override in settings.worker_resources_override.items():
            if name == LOCAL_WORKER.node:
                continue
            limits = [
                override.get(resource, None if resource in self.measured else one.limit)
                for resource, one in specs.items()
            ]
            self._by_host.setdefault(_host(name), []).append((name, limits))

    def missing(self, room: WorkerRoom, host: str, there: Container[str]) -> list[str]:
        """Return those that would have room and are not ``there``.

        Only such on ``host``, if that is not empty. Of a name that may be a host's or a
        worker's it is taken to be the host's.
        """
        return [
            name
            for name, limits in self._on(host)
            if name not in there
            and room.accepts(_host(name))
            and all(
                limit is None or need <= limit
                for need, limit in zip(room.needs, limits, strict=True)
            )
        ]

    def _on(self, host: str) -> Iterator[tuple[str, Sequence[int | None]]]:
        if host:
            yield from self._by_host.get(host, ())
        else:
            for named in self._by_host.values():
                yield from named


def _host(name: str) -> str:
    host, _, port = name.rpartition(":")
    return host if host and port.isdecimal() else name
