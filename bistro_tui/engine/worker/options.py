"""Everything that a worker can be told."""

from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.datadir import job_dir_name, state_dir
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.remote.token_place import TokenPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """One run's options; names and defaults are those of the command line."""

    scheduler_host: str
    scheduler_port: int
    worker_command: str
    """For jobs without a command."""
    shard: str
    """What the scheduler calls this worker; no two that are alive have the same."""
    data_dir: Path | None = None
    """None: the default place for this shard."""
    token_file: Path | None = None
    """None: that of a scheduler of the same user on this host."""
    server_port: int = 0
    """Tells workers of one host apart where limits are set for one; 0: nothing."""
    heartbeat_period_sec: float = 15.0
    nvidia_smi: str = "nvidia-smi"
    """A path or a name for PATH; empty: nobody is asked for GPUs."""
    refresh_usable_physical_resources_sec: float = 60.0
    physical_resources_subprocess_timeout_ms: int = 1_000
    log_retention_sec: int = 2_592_000
    log_prune_frequency_sec: int = 3_600
    log_max_bytes: int = 2 * 2**30
    """Of the log store; 0: no limit."""

    @property
    def token_place(self) -> TokenPlace:
        """Where its token is, now and whenever its scheduler has another one."""
        return TokenPlace(
            host=self.scheduler_host, port=self.scheduler_port, file=self.token_file
        )

    @property
    def directory(self) -> Path:
        """Where its data lies."""
        return self.data_dir or default_data_dir(self.shard)


def default_data_dir(shard: str) -> Path:
    """Return the data directory of a worker: one for each shard of this user."""
    return state_dir() / f"worker-{job_dir_name(JobName(shard))}"
