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
        """Return those of ``tasks`` whose real status, or a newer one's, is on disk."""
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
        if stored is None or status is None:
            return False
        is_made = Bits.OVERWRITEABLE in status.bits
        if stored.invocation == running.invocation:
            # One that was only made for want of a real one proves nothing.
            return not is_made
        if not running.is_over or stored.commit <= running.commits:
            # What is alive counts, whatever is stored.
            return False
        # Forgiving is a commit, too, and may be one of an earlier attempt's status.
        # Where the task was lost, its end is judged as a late one all the same: nothing
        # may take the place of the wait for the newer attempt, but that it is done.
        return is_made or stored.invocation.start_time >= running.invocation.start_time
