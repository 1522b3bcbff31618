"""Nothing starts for a while when the host has no room for one more."""

import asyncio
import logging

from bistro_tui.engine.dispatch.decider import Feed
from bistro_tui.engine.dispatch.start_failures import (
    LONGEST_FOR_SPACE_SEC,
    LONGEST_SEC,
    StartFailures,
)
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.scheduling.events import StartsPaused, StartsResumed

log = logging.getLogger("bistro_tui")

START_FAILURES = "start failures"
"""The cause of these pauses."""


class StartPauses:
    """Ends each pause after a start that failed, when its time has come."""

    def __init__(self, failures: StartFailures, feed: Feed) -> None:
        """``failures`` tell how long they are; ``feed`` hears that one is over."""
        self._failures = failures
        self._feed = feed
        self._resuming: asyncio.TimerHandle | None = None

    def failed(self, task: TaskId, text: str) -> StartsPaused | None:
        """Return the pause that begins as ``task`` could not be started.

        None while one is in force.
        """
        lacks_space = text.startswith(("ENOSPC", "EDQUOT"))
        longest = LONGEST_FOR_SPACE_SEC if lacks_space else LONGEST_SEC
        delay = self._failures.failed(longest)
        if delay is None:
            return None
        wait = f"next try in {delay} s"
        log.warning("task %s could not be started: %s; %s", task, text, wait)
        self._resuming = asyncio.get_running_loop().call_later(delay, self._resume)
        return StartsPaused(START_FAILURES, f"could not start: {text}; {wait}")

    def close(self) -> None:
        """Let a pause that is in force have no end."""
        if self._resuming is not None:
            self._resuming.cancel()

    def _resume(self) -> None:
        self._resuming = None
        self._failures.resumed()
        self._feed([StartsResumed(START_FAILURES)])
