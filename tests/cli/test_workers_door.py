"""The flags of a scheduler with remote workers."""

from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.cli.run import _options
from bistro_tui.cli.run_command import run_command
from bistro_tui.cli.spelling import spelled_plainly
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.remote.times import PoolTimes


def options(*argv: str) -> EngineOptions:
    words = spelled_plainly(["c.json", *argv])
    values: dict[str, Any] = run_command.make_context("run", words).params
    return _options(Path("c.json"), values | {"config_name": "c.json"})


def test_without_flags_the_times_are_those_of_bistro() -> None:
    found = options()

    assert found.pool_times == PoolTimes()
    assert (found.server_port, found.server_address) == (None, None)


def test_every_time_has_the_name_that_bistro_gave_it() -> None:
    found = options(
        "--heartbeat_grace_period=1.5",
        "--healthcheck_period=2",
        "--healthcheck_grace_period=3",
        "--lose_unhealthy_worker_after=4",
        "--worker_check_interval=0.1",
        "--CAUTION_startup_wait_for_workers=0",
        "--CAUTION_worker_suicide_backoff_safety_margin_sec=6",
        "--CAUTION_worker_suicide_task_kill_wait_ms=7",
        "--allow_bump_unhealthy_worker",
        "--unsure_if_running_check_initial_period=8",
        "--thrift_send_timeout_ms=9",
        "--thrift_receive_timeout_ms=10",
        "--server_port=0",
        "--server_address=::",
    )

    assert found.pool_times == PoolTimes(
        heartbeat_grace_period=1.5,
        healthcheck_period=2,
        healthcheck_grace_period=3,
        lose_unhealthy_worker_after=4,
        worker_check_interval=0.1,
        startup_wait_for_workers=0,
        suicide_backoff_safety_margin_sec=6,
        suicide_task_kill_wait_ms=7,
        allow_bump_unhealthy_worker=True,
        unsure_if_running_check_initial_period=8,
        send_timeout_ms=9,
        receive_timeout_ms=10,
    )
    assert (found.server_port, found.server_address) == (0, "::")


def test_what_is_not_above_0_counts_as_1_and_no_wait_means_the_safe_one() -> None:
    found = options(
        "--healthcheck-period=0",
        "--worker-check-interval=-5",
        "--CAUTION-startup-wait-for-workers=-1",
        "--CAUTION-worker-suicide-task-kill-wait-ms=0",
    ).pool_times

    assert (found.healthcheck_period, found.worker_check_interval) == (1.0, 1.0)
    assert (found.startup_wait_for_workers, found.suicide_task_kill_wait_ms) == (
        None,
        1,
    )


@pytest.mark.parametrize("value", ["x", "nan", "inf", ""])
def test_a_time_that_is_none_is_told(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["c.json", "--no-ui", f"--heartbeat-grace-period={value}"]) == 2
    assert f"{value!r} is not a number of seconds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("CAUTION-worker-suicide-task-kill-wait-ms", "a whole number"),
        ("thrift-send-timeout-ms", "a whole number"),
        ("server-port", "a port number from 0 to 65535"),
        ("log-retention", "a whole number from 0 on"),
    ],
)
def test_a_number_that_is_none_is_told(
    flag: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["c.json", "--no-ui", f"--{flag}=abc"]) == 2
    assert f"'abc' is not {words}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "warning"),
    [
        (["--server-port=0", "--worker-command=x"], "--runner mixed"),
        (["--server-port=0", "--runner=local"], "--runner mixed"),
        (["--server-address=::1"], "--server-address has no effect without"),
        (["--server-port=0", "--runner=remote", "--worker-command=x"], "its own"),
        (["--server-port=0", "--dry-run"], "no effect with --dry-run"),
        (["--server-port=0", "--benchmark-run"], "no effect with --benchmark-run"),
        (["--dry-run", "--runner=remote"], ""),
        (["--server-port=0"], ""),
        (["--server-port=0", "--runner=mixed", "--worker-command=x"], ""),
        (["--server-port=0", "--server-address=::1"], ""),
    ],
)
def test_a_flag_that_nobody_uses_is_told(
    argv: list[str],
    warning: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([str(tmp_path / "no.json"), "--no-ui", *argv]) == 2
    said = capsys.readouterr().err
    assert said.count("warning") == bool(warning)
    assert warning in said


@pytest.mark.parametrize("runner", ["remote", "mixed"])
def test_workers_need_a_port_to_connect_to(
    runner: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["c.json", "--no-ui", f"--runner={runner}"]) == 2
    assert f"--runner {runner} --server-port" in capsys.readouterr().err
