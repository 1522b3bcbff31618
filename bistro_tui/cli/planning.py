"""Making a plan from a command line: loads what it needs and can be interrupted."""

import asyncio
import random
import signal
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bistro_tui.cli.talk import say
from bistro_tui.engine.clock import Clock, Now, SystemClock
from bistro_tui.engine.config.commands import missing_commands, with_commands_missing
from bistro_tui.engine.config.load import locate_problems
from bistro_tui.engine.config.problems import render_problems
from bistro_tui.engine.errors import ConfigUnusable
from bistro_tui.engine.ids import NodeName, TaskId
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import make_config_loader, open_status_store
from bistro_tui.engine.physical.reader import make_host_reader
from bistro_tui.engine.plan import Plan, make_plan
from bistro_tui.engine.statuses.status import TaskStatus


class Terminated(Exception):
    """SIGTERM came before the plan was made."""


class _ClockAt:
    """A clock that stands at one wall time, while timeouts go on as always."""

    def __init__(self, clock: Clock, wall: float) -> None:
        self._clock, self._wall = clock, wall

    def now(self) -> Now:
        """Return that wall time."""
        return Now(wall=self._wall, mono=self._clock.now().mono)


def plan_config(name: str, flags: Mapping[str, Any], *, now: float | None) -> Plan:
    """Return the plan for a config; ``now`` is the wall second to plan for.

    Raises ConfigUnusable, DataDirUnusable or PluginError; Terminated or
    KeyboardInterrupt once the node scripts are gone.
    """
    # Until here a signal ended the program as if nothing had been asked for.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    options = EngineOptions(
        config_path=Path(name),
        config_name=name,
        config_loader=flags["config_loader"],
        status_store=flags["status_store"],
        runner=flags["runner"],
        data_dir=flags["data_dir"],
        status_table=flags["status_table"],
        clean_statuses=flags["clean_statuses"],
        worker_command=flags["worker_command"],
        dry_run=flags["dry_run"],
        benchmark_run=flags["benchmark_run"],
        nvidia_smi=flags["nvidia_smi"],
        physical_resources_subprocess_timeout_ms=flags[
            "physical_resources_subprocess_timeout_ms"
        ],
    )
    clock: Clock = SystemClock()
    if now is not None:
        clock = _ClockAt(clock, now)
    instance = NodeName(flags["instance_node_name"] or socket.gethostname())
    return asyncio.run(_until_terminated(_planned(options, instance, clock)))


async def _planned(options: EngineOptions, instance: NodeName, clock: Clock) -> Plan:
    rng = random.Random()
    loaded = await make_config_loader(options, clock=clock, rng=rng).load()
    config = loaded.config
    if config is None:
        problems = render_problems(loaded.settings_problems, loaded.text)
        raise ConfigUnusable(loaded.trouble or problems)
    for warning in loaded.warnings:
        say(f"warning: {warning.as_line()}")
    if options.needs_commands:
        missing = locate_problems(loaded, missing_commands(config))
        loaded = replace(loaded, problems=(*loaded.problems, *missing))
        config = with_commands_missing(config)
    statuses = await _statuses(options, clock)
    measured = await make_host_reader(options, clock).measure(config.settings)
    for trouble in measured.troubles:
        say(f"warning: {trouble}")
    return await make_plan(
        loaded,
        config,
        statuses,
        options,
        measured.host,
        instance=instance,
        clock=clock,
        rng=rng,
    )


async def _until_terminated(making: Coroutine[Any, Any, Plan]) -> Plan:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(making)
    terminated: list[bool] = []

    def terminate() -> None:
        terminated.append(True)
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await task
    except asyncio.CancelledError:
        if terminated:
            raise Terminated from None
        raise


async def _statuses(
    options: EngineOptions, clock: Clock
) -> Mapping[TaskId, TaskStatus]:
    if options.data_dir is None or not options.keeps_statuses:
        return {}
    store = await open_status_store(
        options, options.data_dir, clock=clock, read_only=True
    )
    try:
        found = await store.load()
    finally:
        await store.close()
    if not found:
        say(f"warning: {options.data_dir} holds no statuses: all tasks count as new")
    return found
