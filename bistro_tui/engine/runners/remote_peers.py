"""The workers that can be asked for lines of tasks."""

from collections.abc import Callable, Iterable, Sequence

from bistro_tui.engine.remote.link import Answered, Link
from bistro_tui.engine.remote.messages import LastLines, QueryLogs, ReadLog
from bistro_tui.engine.remote.outcomes import NotSent
from bistro_tui.engine.remote.pool_actions import PoolRow
from bistro_tui.engine.runners.log_peers import LinkPeer


class RemotePeers:
    """One a shard, for as long as the scheduler knows the shard."""

    def __init__(
        self,
        link_of: Callable[[str], Link | None],
        call_soon: Callable[..., object],
    ) -> None:
        self._link_of, self._call_soon = link_of, call_soon
        self._peers: dict[str, LinkPeer] = {}

    def current(self, rows: Iterable[PoolRow]) -> Sequence[LinkPeer]:
        """Return the peers of these workers, in their order."""
        found: list[LinkPeer] = []
        for row in rows:
            peer = self._peer(row.shard)
            peer.state = row.state
            found.append(peer)
        if len(self._peers) > len(found):
            self._peers = {peer.shard: peer for peer in found}
        return found

    def heard(self, shard: str, news: LastLines) -> None:
        """Take note of lines that a worker has."""
        self._peer(shard).heard(news)

    def _peer(self, shard: str) -> LinkPeer:
        peer = self._peers.get(shard)
        if peer is None:

            def call(
                body: QueryLogs | ReadLog, answered: Answered, *, timeout: float | None
            ) -> None:
                link = self._link_of(shard)
                if link is None:
                    self._call_soon(answered, NotSent("it is not connected"))
                else:
                    link.call(body, answered, timeout=timeout)

            peer = self._peers[shard] = LinkPeer(shard, call)
        return peer
