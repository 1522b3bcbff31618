"""Workers of an earlier run, when this one has none: they may still run its tasks."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.runners.workers_served import WorkersServed
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed

log = logging.getLogger("bistro_tui")

CAUSE = "former workers"

_GONE = InstanceId(1, 1)
"""Stands for whoever was served before: nothing of that is left."""


def await_former_workers(
    run: Path,
    options: EngineOptions,
    *,
    feed: Callable[[Sequence[Event]], None],
    at_end: Callable[[Callable[[], None]], object],
) -> None:
    """Let nothing start on this host before the leases of former workers are over.

    Without a listener nobody can tell what they still run. The wait is the longest
    that they were told of, or what a person says with the flag for the initial wait;
    what is given to ``at_end`` ends it early.
    """
    if options.has_remote_workers or options.runs_fake_tasks:
        return
    served, times = WorkersServed(run), options.pool_times
    if not served.ever:
        return
    wait = max(served.safe_wait, times.safe_initial_wait)
    if times.startup_wait_for_workers is not None:
        wait = times.startup_wait_for_workers
    text = (
        f"remote workers of an earlier run may have tasks for up to {wait:g} s; with"
        " --server-port they can tell, --CAUTION-startup-wait-for-workers 0 waits for"
        " none"
    )

    def over() -> None:
        with suppress(OSError):
            served.rest(_GONE)
        feed([StartsResumed(CAUSE)])

    if wait <= 0:
        return
    log.warning("nothing starts yet: %s", text)
    feed([StartsPaused(CAUSE, text)])
    at_end(asyncio.get_running_loop().call_later(wait, over).cancel)
