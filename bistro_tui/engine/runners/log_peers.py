"""A worker's logs over the connection that there is to it now."""

import asyncio
from typing import Protocol, TypeVar

from bistro_tui.engine.logs.peers import PeerAway
from bistro_tui.engine.remote.link import Answered
from bistro_tui.engine.remote.messages import (
    LastLines,
    LogLines,
    LogTail,
    QueryLogs,
    ReadLog,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.worker_state import WorkerState

ANSWER_SEC = 2.5
"""How long an answer is waited for by nobody else."""

R = TypeVar("R", LogLines, LogTail)


class Asker(Protocol):
    """``Link.call`` of the connection there is, or one that answers ``NotSent``."""

    def __call__(
        self, body: QueryLogs | ReadLog, answered: Answered, *, timeout: float | None
    ) -> None:
        """Ask; ``answered`` is called once, later."""
        ...


class LinkPeer:
    """One worker that is known; a LogPeer. Everything is on the engine's loop."""

    def __init__(self, shard: str, call: Asker) -> None:
        self.shard = shard
        self.state = WorkerState.NEW
        """To be kept up to date by who made it."""
        self.newest_id = 0
        self._call = call

    @property
    def is_queryable(self) -> bool:
        """Whether it is new or healthy."""
        return self.state in (WorkerState.NEW, WorkerState.HEALTHY)

    @property
    def is_lost(self) -> bool:
        """Whether it has to die."""
        return self.state is WorkerState.MUST_DIE

    def heard(self, news: LastLines) -> None:
        """Take note of lines that it has."""
        for _, _, line in news.rows:
            self.newest_id = max(self.newest_id, line.line_id)

    async def query(self, question: QueryLogs) -> LogLines:
        """Return a page of its lines. Raises PeerAway."""
        return await self._ask(question, LogLines)

    async def read(self, question: ReadLog) -> LogTail:
        """Return its newest lines. Raises PeerAway."""
        return await self._ask(question, LogTail)

    async def _ask(self, question: QueryLogs | ReadLog, kind: type[R]) -> R:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def answered(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        self._call(question, answered, timeout=ANSWER_SEC)
        outcome = await answer
        if isinstance(outcome, (Refused, NotSent, Unknown)):
            raise PeerAway(outcome.text)
        if not isinstance(outcome, kind):
            raise PeerAway("answered something else")
        return outcome
