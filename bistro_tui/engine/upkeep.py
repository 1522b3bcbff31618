"""What an engine does by and by, whatever happens: measure, forget, keep small."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from bistro_tui.engine.batch_wait import BatchWait
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.disk import Disk
from bistro_tui.engine.done_rates import DoneRates
from bistro_tui.engine.earlier_runs import load_durations
from bistro_tui.engine.eta import Durations
from bistro_tui.engine.logs.retention import forget_old_lines
from bistro_tui.engine.measures import SAMPLE_SEC, Measures
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import Storage
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.steady_wall import LASTS_SEC


def upkeep(
    options: EngineOptions,
    storage: Storage,
    core: Core,
    *,
    disk: Disk,
    clock: Clock,
    measures: Measures,
    done_rates: DoneRates,
    durations: Durations,
    batch_wait: BatchWait,
) -> Sequence[tuple[str, Coroutine[Any, Any, None]]]:
    """Return what is to run until the engine ends, each with its name."""

    async def watch_clock() -> None:
        # A clock that was set for good is followed by who saw it stay so.
        while True:
            storage.logs.wall()
            await asyncio.sleep(LASTS_SEC / 4)

    async def measure() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + SAMPLE_SEC
            await asyncio.sleep(SAMPLE_SEC)
            late, now = loop.time() - due, clock.now().mono
            measures.sampled(now, late=late, starts=core.starts)
            done_rates.sampled(now)

    async def learn() -> None:
        if core.config is not None:
            reader, jobs = storage.log_store.reader, tuple(core.config.jobs)
            await load_durations(reader, jobs, durations)

    forgetting = forget_old_lines(
        storage.log_store,
        elapsed=lambda: clock.now().elapsed,
        wall=storage.logs.wall,
        older_than_sec=options.log_retention_sec,
        every_sec=options.log_prune_frequency_sec,
    )
    found = [
        ("clock", watch_clock()),
        ("measures", measure()),
        ("retention", forgetting),
        ("log limit", storage.log_store.keep_small()),
        ("log sync", storage.log_store.keep_synced()),
    ]
    if options.exit_when_done and options.has_remote_workers:
        found.append(("batch", batch_wait.run()))
    if not options.runs_fake_tasks:
        # Fake tasks need no disk, and tell nothing of how long tasks take.
        found += [("disk", disk.run()), ("durations", learn())]
    return found
