"""Everything that a run of the engine can be told, beside the config itself."""

from dataclasses import dataclass, field
from pathlib import Path

from bistro_tui.engine.remote.times import PoolTimes

LOCAL, REMOTE, MIXED = "local", "remote", "mixed"
"""The runners for this host, for workers that connect to it, and for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """One run's options; names and defaults are those of the command line."""

    config_path: Path
    config_name: str = ""
    """CONFIG as it was given, for config loaders; empty: the path."""
    config_loader: str = "file"
    status_store: str = "sqlite"
    runner: str = "auto"
    """``auto``, ``local``, ``remote``, ``mixed``, or a plug-in's name."""
    data_dir: Path | None = None
    """None: the default place for this config."""
    status_table: str = "task_statuses"
    clean_statuses: bool = False
    worker_command: str | None = None
    exit_when_done: bool = False
    config_update_ms: int = 10_000
    nodes_update_ms: int = 300_000
    nodes_retry_ms: int = 30_000
    log_retention_sec: int = 2_592_000
    log_prune_frequency_sec: int = 3_600
    log_max_bytes: int = 2 * 2**30
    """Of the log store; 0: no limit."""
    log_status_changes_every_ms: int = 0
    """At most one ended task is logged in this time; 0: each one."""
    dry_run: bool = False
    benchmark_run: bool = False
    test_task_duration_ms: int = 5_000
    test_failure_rate: float = 0.0
    nvidia_smi: str = "nvidia-smi"
    """A path or a name for PATH; empty: nobody is asked for GPUs."""
    refresh_usable_physical_resources_sec: int = 60
    physical_resources_subprocess_timeout_ms: int = 1_000
    monitor_samples: int = 10
    """At most so many node names for each count of a histogram."""
    http_server_port: int | None = None
    """Of REST over TCP; 0 picks one, None opens none."""
    http_server_address: str | None = None
    """None: loopback, both families."""
    http_tls_cert: Path | None = None
    http_tls_key: Path | None = None
    http_token_file: Path | None = None
    """None: a token of our own, kept in the data directory."""
    server_port: int | None = None
    """For remote workers; 0 picks one, None: nobody listens."""
    server_address: str | None = None
    """None: loopback, both families."""
    server_tls_cert: Path | None = None
    server_tls_key: Path | None = None
    pool_times: PoolTimes = field(default_factory=PoolTimes)

    @property
    def runs_fake_tasks(self) -> bool:
        """Whether tasks are pretended: nothing is stored and no command is needed."""
        return self.dry_run or self.benchmark_run

    @property
    def runner_name(self) -> str:
        """Which runner is meant, where tasks are not pretended."""
        if self.runner != "auto":
            return self.runner
        has_door = self.server_port is not None and not self.worker_command
        return REMOTE if has_door else LOCAL

    @property
    def has_remote_workers(self) -> bool:
        """Whether tasks run on workers that connect to this scheduler."""
        return self.runner_name in (REMOTE, MIXED) and not self.runs_fake_tasks

    @property
    def needs_commands(self) -> bool:
        """Whether a job can only run if it, or ``worker_command``, names a program."""
        return self._is_local and not self.worker_command and not self.runs_fake_tasks

    @property
    def runs_here(self) -> bool:
        """Whether tasks run on this host, or are pretended to."""
        return self._is_local or self.runs_fake_tasks

    @property
    def _is_local(self) -> bool:
        return self.runner_name in (LOCAL, MIXED)

    @property
    def keeps_statuses(self) -> bool:
        """Whether statuses are read from and written to the database."""
        return not (self.clean_statuses or self.runs_fake_tasks)
