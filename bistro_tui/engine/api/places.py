"""Places for large answers: memory that strangers can take is bounded.

A request has a place from before the first of its answers that may be large until it
was sent. So many others wait for theirs, first come, first served.
"""

import asyncio

from bistro_tui.engine.api.visitors import Phase, Visitor

SHORT = frozenset(
    {
        "delete_job",
        "disable_job",
        "enable_job",
        "forgive_jobs",
        "forgive_tasks",
        "kill_task",
        "progress",
        "refresh_time",
        "save_job",
        "set_job_priority",
        "set_limit",
        "stats",
        "stop",
        "workers",
    }
)
"""The handlers whose answers are always short."""


class Places:
    """The places of one door."""

    def __init__(self, places: int) -> None:
        self._free = asyncio.Semaphore(places)
        self._holders: dict[Visitor, None] = {}
        self._wanted = 0

    async def enter(self, visitor: Visitor) -> None:
        """Return once the visitor has a place, at once if it has one already."""
        if visitor in self._holders:
            return
        self._wanted += 1
        visitor.phase = Phase.WAITING
        try:
            await self._free.acquire()
        finally:
            self._wanted -= 1
            visitor.phase = Phase.ANSWERING
        self._holders[visitor] = None

    def leave(self, visitor: Visitor) -> None:
        """Free the visitor's place, if it has one."""
        if visitor in self._holders:
            del self._holders[visitor]
            self._free.release()

    def end_slow(self, now: float, longest_sec: float) -> None:
        """End those who are being sent an answer for so long, if others wait."""
        slow = [
            one
            for one in self._holders
            if one.sending_since is not None and now - one.sending_since >= longest_sec
        ]
        for one in slow[: self._wanted]:
            one.end()
