"""The tasks of all jobs by reason, counted as often as that does not harm."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.totals import each_count, sum_of

Counts: TypeAlias = Mapping[JobName, Mapping[Reason, int]]

_OLDEST_SEC = 0.1

_PACE = 10
"""However many ask, counting takes no more than one part of so many of the time."""


class Tallies:
    """What was counted last. Used on the engine's loop only."""

    def __init__(self) -> None:
        self._counts: Counts = {}
        self._good_until = float("-inf")
        self._summed: Counts | None = None
        self._total: Mapping[Reason, int] = {}
        """Of ``_summed``."""
        self._counting = asyncio.Lock()

    async def counts(
        self, state: State, rest: Callable[[], Awaitable[object]]
    ) -> Counts:
        """Return the counts of each job, zeros left out; removed ones that run too.

        They may be a tenth of a second old, where counting takes as much as a
        hundredth. ``rest`` is awaited between jobs.
        """
        time = asyncio.get_running_loop().time
        async with self._counting:
            began = time()
            if began >= self._good_until:
                counts = {}
                for job, found in each_count(state):
                    counts[job] = found
                    await rest()
                self._counts, ended = counts, time()
                self._good_until = ended + min(_OLDEST_SEC, _PACE * (ended - began))
            return self._counts

    async def total(
        self, state: State, rest: Callable[[], Awaitable[object]]
    ) -> Mapping[Reason, int]:
        """Return the same for all jobs together, zeros included."""
        counts = await self.counts(state, rest)
        if self._summed is not counts:
            self._summed, self._total = counts, sum_of(counts)
        return self._total
