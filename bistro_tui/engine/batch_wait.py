"""For whom a batch waits in which nothing runs any more: said, and kept for its end."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from bistro_tui.engine.blocked import waits_for_workers
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.core import Core

log = logging.getLogger("bistro_tui")

TOPIC: Final = "batch"
LOOK_SEC = 1.0
LASTS_SEC = 5.0
"""Nothing has run for so long when it is said first."""
REMIND_SEC = 3_600.0
"""How often the log says it again."""
_NAMED = 3
_ENDS = (
    "If that is not to come, take it out of the config, or stop the batch: bistro-tui"
    " stop, or Ctrl-C"
)


class BatchWait:
    """Looks now and then, as long as ``run`` does; all on the engine's loop."""

    def __init__(
        self, core: Core, *, clock: Clock, show: Callable[[str, str], None]
    ) -> None:
        """``show`` puts a text under a topic where people see it; empty: nothing."""
        self._core = core
        self._clock = clock
        self._show = show
        self._starts = -1
        self._since = clock.now()
        self._next_look: float | None = None
        self.waits: Mapping[JobName, str] = {}
        """What tasks of jobs waited for when it was looked at last."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SEC)

    def look(self) -> None:
        """Say for whom is waited, if that is all that happens for a while."""
        now = self._clock.now()
        # Of a pause it is said elsewhere.
        if not self._is_still() or self._core.closed is not None:
            self._starts, self._since, self._next_look = self._core.starts, now, None
            self._tell({})
        elif self._next_look is None:
            self._next_look = now.mono + LASTS_SEC
        elif now.mono >= self._next_look:
            # Each look is at every task that waits.
            self._next_look = now.mono + REMIND_SEC
            self._tell(waits_for_workers(self._core))

    def stopping(self) -> None:
        """Take note for the end of what is waited for now, before nothing may start."""
        if not self._core.is_stopping:
            is_busy = bool(self._core.state.attempts.live)
            self.waits = {} if is_busy else waits_for_workers(self._core)

    def added_to(self, blockers: Mapping[JobName, str]) -> Mapping[JobName, str]:
        """Return these, and what jobs wait for that they say nothing of."""
        return {**self.waits, **{job: text for job, text in blockers.items() if text}}

    def _is_still(self) -> bool:
        core = self._core
        return core.starts == self._starts and not (
            core.state.attempts.live
            or core.unstored
            or core.recovering()
            or core.is_stopping
        )

    def _tell(self, waits: Mapping[JobName, str]) -> None:
        if not waits and not self.waits:
            return
        self.waits = waits
        text = self._words() if waits else ""
        self._show(TOPIC, text)
        if text:
            log.warning("%s", text)

    def _words(self) -> str:
        named = [f"{job}: {text}" for job, text in self.waits.items()]
        more = len(named) - _NAMED
        named[_NAMED:] = [f"and {more} more jobs"] if more > 0 else []
        since = time.strftime("%F %T %Z", time.localtime(self._since.wall))
        return (
            f"nothing runs since {since}, the batch waits for workers:"
            f" {'; '.join(named)}. {_ENDS}"
        )
