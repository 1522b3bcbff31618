"""Workers of an earlier run, when this one has none: they may still run its tasks."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.remote.clamping import clamped
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.initial_wait import OVERRIDDEN
from bistro_tui.engine.runners.workers_served import WorkersServed
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed

log = logging.getLogger("bistro_tui")

CAUSE = "former workers"

_FLAG = "--CAUTION-startup-wait-for-workers"

_GONE = InstanceId(1, 1)
"""Stands for whoever was served before: nothing of that is left."""


def await_former_workers(
    served: WorkersServed,
    options: EngineOptions,
    *,
    clock: Clock,
    exit_wait_before: Callable[[], float],
    feed: Callable[[Sequence[Event]], None],
    at_end: Callable[[Callable[[], None]], object],
) -> None:
    """Let nothing start on this host before the leases of former workers are over.

    ``served`` knows of these. Without a listener nobody can tell what they still run.
    The wait is the longest that they were told of, or what a person says with the flag
    for the initial wait; it is over when the wall second is before the one that
    ``exit_wait_before`` returns.
    What is given to ``at_end`` ends it early.
    """
    if options.has_remote_workers or options.runs_fake_tasks:
        return
    if not served.ever:
        return
    times = clamped(options.pool_times)
    safe = max(served.safe_wait, times.safe_initial_wait)
    custom = times.startup_wait_for_workers
    wait = safe if custom is None else custom
    text = _words(wait, safe)
    if wait <= 0:
        log.warning("nothing is waited for: %s", text)
        return
    log.warning("nothing starts yet: %s", text)
    feed([StartsPaused(CAUSE, text)])

    def look(left: float) -> bool:
        now = clock.now().wall
        if exit_wait_before() > now:
            log.warning("%s", OVERRIDDEN)
        elif left > 0:
            return False
        elif wait >= safe:
            # A wait that a person cut short says nothing of the next start.
            with suppress(OSError):
                served.rest(_GONE)
        feed([StartsResumed(CAUSE)])
        return True

    _look_until(
        look, wait, clock=clock, every=times.worker_check_interval, at_end=at_end
    )


def _words(wait: float, safe: float) -> str:
    """Return what is risked by waiting, or what risks it by not doing so."""
    if wait < safe:
        return (
            f"{_FLAG} is {wait:g} s, less than the {safe:g} s for which remote workers"
            " of an earlier run may have tasks: these may be started a second time;"
            " with --server-port they can tell"
        )
    return (
        f"remote workers of an earlier run may have tasks for up to {safe:g} s; with"
        f" --server-port they can tell. If they surely run nothing, {_FLAG} 0 waits for"
        " none; tasks that they do run may be started a second time then"
    )


def _look_until(
    look: Callable[[float], bool],
    wait: float,
    *,
    clock: Clock,
    every: float,
    at_end: Callable[[Callable[[], None]], object],
) -> None:
    """Call ``look`` with the seconds left of ``wait``, now and then, until it is True.

    Not at once: what is known at first is told after this.
    """
    loop = asyncio.get_running_loop()
    until = clock.now().elapsed + wait
    timers: list[asyncio.TimerHandle] = []

    def again() -> None:
        left = until - clock.now().elapsed
        if not look(left):
            timers[:] = [loop.call_later(min(left, every), again)]

    timers.append(loop.call_later(0, again))
    at_end(lambda: timers[0].cancel())
