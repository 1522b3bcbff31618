"""Which runner the options mean, and what follows from that."""

from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.options import EngineOptions


def options(**chosen: Any) -> EngineOptions:
    return EngineOptions(config_path=Path("c.json"), **chosen)


@pytest.mark.parametrize(
    ("chosen", "runner"),
    [
        ({}, "local"),
        ({"server_port": 0}, "remote"),
        ({"server_port": 1, "worker_command": "w"}, "local"),
        ({"server_port": 1, "worker_command": ""}, "remote"),
        ({"runner": "mixed", "server_port": 1, "worker_command": "w"}, "mixed"),
        ({"runner": "local", "server_port": 1}, "local"),
        ({"runner": "acme", "server_port": 1}, "acme"),
    ],
)
def test_a_port_for_workers_makes_them_run_the_tasks_unless_this_host_can(
    chosen: dict[str, Any], runner: str
) -> None:
    assert options(**chosen).runner_name == runner


@pytest.mark.parametrize(
    ("chosen", "has_workers", "needs_commands"),
    [
        ({}, False, True),
        ({"worker_command": "w"}, False, False),
        ({"runner": "remote"}, True, False),
        ({"runner": "mixed"}, True, True),
        ({"runner": "mixed", "worker_command": "w"}, True, False),
        ({"runner": "mixed", "dry_run": True}, False, False),
        ({"runner": "remote", "benchmark_run": True}, False, False),
    ],
)
def test_a_job_needs_a_command_where_it_may_run_on_this_host(
    chosen: dict[str, Any], has_workers: bool, needs_commands: bool
) -> None:
    found = options(**chosen)

    assert found.has_remote_workers == has_workers
    assert found.needs_commands == needs_commands
