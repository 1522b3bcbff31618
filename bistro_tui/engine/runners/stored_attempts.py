"""Which attempts that a worker still tells of are over, and known to be."""

import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus

log = logging.getLogger("bistro_tui")


class LastAttempts(Protocol):
    """The part of the status store that knows attempts."""

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        """Return the last attempt at each of these tasks, where one is stored."""
        ...


class StoredAttempts:
    """A worker keeps a status until it was answered, and that answer may be lost.

    Its attempt would count as running after a restart, and then end once more.
    """

    def __init__(
        self,
        keeper: LastAttempts,
        status: Callable[[TaskId], TaskStatus | None],
        *,
        is_kept: bool = True,
    ) -> None:
        """``status`` returns what is known of a task.

        ``is_kept``: whether a scheduler after this one finds what is stored.
        """
        self._keeper, self._status = keeper, status
        self.is_kept = is_kept

    async def among(self, tasks: Sequence[RunningTask]) -> Collection[InvocationId]:
        """Return those of ``tasks`` whose real status is on disk."""
        try:
            last = await self._keeper.last_attempts([one.task for one in tasks])
        except (sqlite3.Error, OSError) as error:
            log.warning("attempts of before cannot be looked up: %s", error)
            return ()
        return {one.invocation for one in tasks if self._is_over(one, last)}

    def _is_over(
        self, running: RunningTask, last: Mapping[TaskId, LastAttempt]
    ) -> bool:
        stored, status = last.get(running.task), self._status(running.task)
        if stored is None or stored.invocation != running.invocation:
            return False
        # One that was only made for want of a real one proves nothing.
        return status is not None and Bits.OVERWRITEABLE not in status.bits
