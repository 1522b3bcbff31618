"""The links to workers, and which is the one of which instance."""

from collections.abc import Iterator

from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.link import Link


class WorkerLinks:
    """At most one link an instance: the newest."""

    def __init__(self) -> None:
        self._by_worker: dict[tuple[str, InstanceId], Link] = {}

    def __iter__(self) -> Iterator[Link]:
        return iter(tuple(self._by_worker.values()))

    def add(self, link: Link) -> None:
        """Use that link from now on; an older one of the same instance ends."""
        key = (link.peer.shard, link.peer.worker)
        older = self._by_worker.get(key)
        self._by_worker[key] = link
        if older is not None:
            older.end("the worker has connected anew")

    def remove(self, link: Link) -> bool:
        """Forget a link that is over; return whether its instance has none now."""
        key = (link.peer.shard, link.peer.worker)
        if self._by_worker.get(key) is not link:
            return False
        del self._by_worker[key]
        return True

    def find(self, shard: str, worker: InstanceId) -> Link | None:
        """Return the link of that instance, None without one."""
        return self._by_worker.get((shard, worker))
