"""What a runner is made with, whoever wrote it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.logs.sink import LogSink
from bistro_tui.engine.runners.protocol import ReportSink, ReportsSink, TaskRunner
from bistro_tui.engine.statuses.attempts import StatusHome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerContext:
    """Everything that a runner may need of the engine."""

    report: ReportSink
    """Where starts and ends are told."""
    report_all: ReportsSink
    """Where all that a turn of the loop brought is told together."""
    sink: LogSink
    """Where the lines go that tasks print."""
    clock: Clock
    rng: random.Random
    data_dir: DataDir
    """Open and ours; ``job_dir`` gives each job a directory."""
    config_dir: Path
    """What a relative path in a job counts from."""
    worker_command: str | None
    """The value of ``--worker-command``."""
    environment: Mapping[str, str]
    """The user's."""
    instance: NodeName
    """The name of the root node."""
    host: str
    statuses: StatusHome
    """Where statuses are kept, for what outlives a run and asks where it belongs."""


RunnerFactory: TypeAlias = Callable[[RunnerContext], TaskRunner]
"""What an entry point of ``bistro_tui.runners`` names; called on the engine's loop."""
