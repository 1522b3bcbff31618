"""Reports of a runner until they are acted on: many at a time, in short turns."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.dispatch.finds import Finds
from bistro_tui.engine.runners.protocol import AttemptAdopted, RunnerReport

TURN_SEC = 0.0025
"""How long reports are acted on in one turn of the loop; others want it too."""

FEWEST, MOST = 50, 1_000
"""Reports that are acted on together, whatever time that takes."""


class Turns:
    """All reports in the order they came, as many a turn as the machine can do."""

    def __init__(
        self,
        act_on: Callable[[deque[RunnerReport], int], None],
        *,
        finds: Finds,
        clock: Clock,
    ) -> None:
        """``act_on`` takes about so many reports, or all there are, from the left."""
        self._act_on = act_on
        self._finds = finds
        self._clock = clock
        self._reports: deque[RunnerReport] = deque()
        self._slice = FEWEST
        self._next: asyncio.Handle | None = None

    def add(self, report: RunnerReport) -> None:
        """Take note of a report; all of one turn of the loop are acted on together."""
        self._reports.append(report)
        if isinstance(report, AttemptAdopted):
            self._finds.expect((report,))
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._turn)

    def add_all(self, reports: Sequence[RunnerReport]) -> None:
        """Act on these at once, after what was reported before them.

        Not to be called from inside ``start`` or ``kill`` of the runner.
        """
        self._reports.extend(reports)
        self._finds.expect(reports)
        if self._next is None:
            self._turn()

    def flush(self) -> None:
        """Act on everything that was reported, now."""
        while self._reports:
            self._act_on_some()

    def close(self) -> None:
        """Act on everything that was reported, and on nothing by itself any more."""
        self.flush()
        if self._next is not None:
            self._next.cancel()

    def _turn(self) -> None:
        self._next = None
        try:
            self._act_on_some()
        finally:
            if self._reports and self._next is None:
                self._next = asyncio.get_running_loop().call_soon(self._turn)

    def _act_on_some(self) -> None:
        reports = self._reports
        number = min(self._slice, len(reports))
        if number < FEWEST:
            self._act_on(reports, number)
            return
        began = self._clock.now().mono
        self._act_on(reports, number)
        took = self._clock.now().mono - began
        if took > TURN_SEC:
            self._slice = max(FEWEST, int(number * TURN_SEC / took))
        elif number == self._slice:
            fitting = int(number * TURN_SEC / took) if took > 0 else MOST
            self._slice = min(MOST, 2 * number, fitting)
