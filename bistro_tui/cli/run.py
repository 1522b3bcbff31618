"""Running the engine, with or without a screen, and what its end means."""

import logging
import os
import random
import socket
from pathlib import Path
from typing import Any

from bistro_tui.cli import exit_codes
from bistro_tui.cli.collecting import loading
from bistro_tui.cli.ending import Ending
from bistro_tui.cli.notify import ServiceManager, take_service_manager
from bistro_tui.cli.remote_misfits import misfits
from bistro_tui.cli.summary import summary_json, summary_text
from bistro_tui.cli.talk import print_data, say
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import (
    BistroError,
    DataDirHeld,
    DataDirUnusable,
)
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import check_names
from bistro_tui.engine.processes.dispositions import stop_passing_on_ignored_signals
from bistro_tui.engine.remote.times import PoolTimes

_LONGEST_SEC = 1e9
"""Thirty years: clocks and timers can do with that."""


def run(config_path: Path, flags: dict[str, Any]) -> int:
    """Run the scheduler to its end and return the exit code."""
    stop_passing_on_ignored_signals()
    manager = take_service_manager(os.environ, pid=os.getpid())
    options = _options(config_path, flags)
    instance = NodeName(flags["instance_node_name"] or socket.gethostname())
    if options.has_remote_workers:
        for text in misfits(options.pool_times):
            say(f"warning: {text}")
    try:
        check_names(options)
        engine = Engine(
            options, instance=instance, clock=SystemClock(), rng=random.Random()
        )
        ending = _serve(engine, flags, manager)
    except DataDirHeld as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_HELD
    except DataDirUnusable as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_UNUSABLE
    except BistroError as error:
        say(f"bistro-tui: {error}")
        return exit_codes.USAGE
    return _conclude(ending, options, as_json=flags["json"])


def _serve(engine: Engine, flags: dict[str, Any], manager: ServiceManager) -> Ending:
    # Imported late: each of the two needs much that the other does not.
    if flags["no_ui"]:
        with loading():
            from bistro_tui.cli.headless import serve_headless

        return serve_headless(engine, log_format=flags["log_format"], manager=manager)
    with loading():
        from bistro_tui.cli.screen_settings import screen_settings
        from bistro_tui.cli.with_ui import serve_with_ui

    return serve_with_ui(
        engine,
        keep_running=flags["keep_running"],
        log_format=flags["log_format"],
        settings=screen_settings(flags),
    )


def _options(config_path: Path, flags: dict[str, Any]) -> EngineOptions:
    return EngineOptions(
        config_path=config_path,
        config_name=flags["config_name"],
        config_loader=flags["config_loader"],
        status_store=flags["status_store"],
        runner=flags["runner"],
        data_dir=flags["data_dir"],
        status_table=flags["status_table"],
        clean_statuses=flags["clean_statuses"],
        worker_command=flags["worker_command"],
        exit_when_done=flags["exit_when_done"],
        config_update_ms=flags["config_update_ms"],
        nodes_update_ms=flags["nodes_update_ms"],
        nodes_retry_ms=flags["nodes_retry_ms"],
        log_retention_sec=flags["log_retention"],
        log_prune_frequency_sec=flags["log_prune_frequency"],
        log_max_bytes=flags["log_max_bytes"],
        log_status_changes_every_ms=flags["log_status_changes_every_ms"],
        dry_run=flags["dry_run"],
        benchmark_run=flags["benchmark_run"],
        test_task_duration_ms=flags["test_task_duration"],
        test_failure_rate=flags["test_failure_rate"],
        nvidia_smi=flags["nvidia_smi"],
        refresh_usable_physical_resources_sec=flags[
            "refresh_usable_physical_resources_sec"
        ],
        physical_resources_subprocess_timeout_ms=flags[
            "physical_resources_subprocess_timeout_ms"
        ],
        http_server_port=flags["http_server_port"],
        http_server_address=flags["http_server_address"],
        http_tls_cert=flags["http_tls_cert"],
        http_tls_key=flags["http_tls_key"],
        http_token_file=flags["http_token_file"],
        monitor_samples=flags["monitor_samples"],
        server_port=flags["server_port"],
        server_address=flags["server_address"],
        server_tls_cert=flags["server_tls_cert"],
        server_tls_key=flags["server_tls_key"],
        pool_times=_pool_times(flags),
    )


def _pool_times(flags: dict[str, Any]) -> PoolTimes:
    wait = flags["caution_startup_wait_for_workers"]
    return PoolTimes(
        heartbeat_grace_period=_period(flags["heartbeat_grace_period"]),
        healthcheck_period=_period(flags["healthcheck_period"]),
        healthcheck_grace_period=_period(flags["healthcheck_grace_period"]),
        lose_unhealthy_worker_after=_period(flags["lose_unhealthy_worker_after"]),
        worker_check_interval=_period(flags["worker_check_interval"]),
        startup_wait_for_workers=min(wait, _LONGEST_SEC) if wait >= 0 else None,
        suicide_backoff_safety_margin_sec=_period(
            flags["caution_worker_suicide_backoff_safety_margin_sec"]
        ),
        suicide_task_kill_wait_ms=flags["caution_worker_suicide_task_kill_wait_ms"],
        allow_bump_unhealthy_worker=flags["allow_bump_unhealthy_worker"],
        unsure_if_running_check_initial_period=_period(
            flags["unsure_if_running_check_initial_period"]
        ),
        send_timeout_ms=flags["thrift_send_timeout_ms"],
        receive_timeout_ms=flags["thrift_receive_timeout_ms"],
    )


def _period(seconds: float) -> float:
    """Return the seconds; what is not above 0 counts as 1, as in Bistro."""
    return min(seconds, _LONGEST_SEC) if seconds > 0 else 1.0


def _conclude(ending: Ending, options: EngineOptions, *, as_json: bool) -> int:
    logging.shutdown()
    outcome = ending.outcome
    if outcome is not None and outcome.lost:
        say(f"bistro-tui: {outcome.lost}")
        return exit_codes.DATA_DIR_UNUSABLE
    if not options.exit_when_done:
        return exit_codes.OK
    if outcome is not None:
        try:
            print_data(summary_json(outcome) if as_json else summary_text(outcome))
        finally:
            for problem in outcome.problems:
                say(f"not complete: {problem}")
        if outcome.ended_by_itself:
            return exit_codes.OK if outcome.is_complete else exit_codes.NOT_DONE
    return 128 + ending.signal if ending.signal is not None else exit_codes.NOT_DONE
