"""Workers as those see them who want to read their logs."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bistro_tui.engine.remote.messages import LogLines, LogTail, QueryLogs, ReadLog


class PeerAway(Exception):
    """A worker did not answer; the text says why."""


class LogPeer(Protocol):
    """One worker that is known, whether it can be asked or not."""

    @property
    def shard(self) -> str:
        """Its name; no two have the same."""
        ...

    @property
    def is_queryable(self) -> bool:
        """Whether it may be asked: it is new or healthy."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether it was given up; else one that is not queryable is unhealthy."""
        ...

    @property
    def newest_id(self) -> int:
        """The greatest line id that it told of without being asked; 0: none."""
        ...

    async def query(self, question: QueryLogs) -> LogLines:
        """Return a page of its lines. Raises PeerAway."""
        ...

    async def read(self, question: ReadLog) -> LogTail:
        """Return its newest lines. Raises PeerAway."""
        ...


@runtime_checkable
class HasLogPeers(Protocol):
    """A runner whose tasks' lines are kept by workers."""

    def log_peers(self) -> Sequence[LogPeer]:
        """Return all workers that are known now."""
        ...
