"""What whoever serves requests from outside needs of an open engine.

Everything here is used on the engine's loop only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bistro_tui.engine.board import Board
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.hiding import Hiding
from bistro_tui.engine.config.model import Config, Job
from bistro_tui.engine.control import Control
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.done_rates import DoneRates
from bistro_tui.engine.eta import Durations
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.inquiring_past import Past
from bistro_tui.engine.job_grids import JobGrids
from bistro_tui.engine.job_places import JobPlaces
from bistro_tui.engine.logs.lines import Lines
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.measures import Measures
from bistro_tui.engine.moment import Now
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.patience import Patience
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.tallies import Tallies
from bistro_tui.engine.view import RunningRow, Snapshot
from bistro_tui.engine.worker_rows import WorkersNow
from bistro_tui.engine.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts of one engine, from when it is open until it has stopped."""

    core: Core
    world: World
    control: Control
    past: Past
    board: Board
    measures: Measures
    worker: str
    """The name of what runs tasks."""
    lines: Lines
    """The lines of all tasks, here and on workers."""
    logs: LogWriter
    log_store: LogStore
    data_dir: DataDir
    options: EngineOptions
    clock: Clock
    started: Now
    latest: Callable[[], Snapshot]
    """Return the newest snapshot, made when somebody looks."""
    subscribe: Callable[[Callable[[], None]], Callable[[], None]]
    """Have a function called after each new snapshot; the result ends that."""
    running: Callable[[], Sequence[RunningRow]]
    """Return the attempts that run, oldest first."""
    workers: Callable[[], WorkersNow]
    """Return who runs tasks."""
    request_stop: Callable[[], None]
    durations: Durations
    done_rates: DoneRates
    tallies: Tallies = field(default_factory=Tallies)
    job_grids: JobGrids = field(default_factory=JobGrids)
    job_places: JobPlaces = field(default_factory=JobPlaces)
    job_texts: dict[JobName, tuple[Job, str]] = field(default_factory=dict)
    """The objects of jobs as JSON, as far as somebody asked for them."""
    hidden_texts: dict[JobName, tuple[Job, str]] = field(default_factory=dict)
    """The same for those who may not see secrets."""
    hides_secrets: bool = False
    """Whether who asks may only read."""
    hiding: Hiding = field(default_factory=Hiding)
    """What hides secrets from those wherever they turn up."""
    seen: Config | None = None
    """The config that all of one request is answered from; None: the present one."""

    patience: Patience = field(default_factory=Patience)
    """How long this request may still be kept waiting."""

    @property
    def config(self) -> Config | None:
        """The config to answer from, None before the first."""
        return self.core.config if self.seen is None else self.seen
