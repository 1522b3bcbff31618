"""Times of a pool that go badly together are told, with what would not."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli import main, run
from bistro_tui.cli.ending import Ending
from bistro_tui.cli.remote_misfits import HEARTBEAT_SEC, misfit_of_worker, misfits
from bistro_tui.cli.worker import worker_command
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.worker.options import WorkerOptions


def test_the_defaults_go_together() -> None:
    assert list(misfits(PoolTimes())) == []
    given = {flag.name: flag.default for flag in worker_command.params}
    assert given["heartbeat_period_sec"] == HEARTBEAT_SEC
    assert WorkerOptions.__dataclass_fields__["heartbeat_period_sec"].default == (
        HEARTBEAT_SEC
    )
    assert misfit_of_worker(HEARTBEAT_SEC) == ""


@pytest.mark.parametrize(
    ("changed", "flag", "works"),
    [
        ({"heartbeat_grace_period": 0.2}, "--heartbeat-grace-period", 5),
        ({"healthcheck_grace_period": 2}, "--healthcheck-grace-period", 30),
        (
            {"healthcheck_period": 1, "healthcheck_grace_period": 1},
            "--healthcheck-grace-period",
            30,
        ),
        ({"lose_unhealthy_worker_after": 64}, "--lose-unhealthy-worker-after", 130),
        ({"worker_check_interval": 600}, "--lose-unhealthy-worker-after", 1320),
    ],
)
def test_what_does_not_fit_is_told_with_the_flag_and_a_value_that_works(
    changed: dict[str, Any], flag: str, works: int
) -> None:
    times = replace(PoolTimes(), **changed)
    (told,) = misfits(times)
    assert told.startswith(f"{flag} ")
    assert re.search(rf"\b{works}\b", told)
    better: dict[str, Any] = {flag.removeprefix("--").replace("-", "_"): works}
    assert list(misfits(replace(times, **better))) == []


@pytest.mark.parametrize(
    "changed",
    [
        # As the page on workers has it: to have tasks of a dead host elsewhere sooner.
        {"lose_unhealthy_worker_after": 70},
        {"healthcheck_period": 1, "worker_check_interval": 0.2},
        {"startup_wait_for_workers": 1},
        {"send_timeout_ms": 1, "receive_timeout_ms": 1},
    ],
)
def test_what_works_is_not_warned_of(changed: dict[str, Any]) -> None:
    assert list(misfits(replace(PoolTimes(), **changed))) == []


def test_a_worker_that_is_heard_of_too_seldom_is_told_so() -> None:
    assert misfit_of_worker(60) == ""
    told = misfit_of_worker(300)
    assert told.startswith("--heartbeat-period-sec 300 is more than the 60 s")
    assert "give 30 or less" in told
    assert "--healthcheck-grace-period of 600" in told


CONFIG = json.dumps(
    {
        "bistro_settings": {"enabled": True, "nodes": {"levels": ["n"]}},
        "bistro_job->j": {"owner": "t"},
    }
)
BRIEF = "--healthcheck-grace-period=1"


@pytest.mark.parametrize(
    ("flags", "is_warned"),
    [
        ((BRIEF, "--server-port=0"), True),
        ((BRIEF, "--server-port=0", "--runner=mixed"), True),
        # No worker can come.
        ((BRIEF,), False),
        ((BRIEF, "--server-port=0", "--dry-run"), False),
    ],
)
def test_a_scheduler_says_so_and_runs(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    is_warned: bool,
) -> None:
    config = tmp_path / "c.json"
    config.write_text(CONFIG)

    def serve(*_: object) -> Ending:
        return Ending(outcome=None, signal=None)

    monkeypatch.setattr(run, "_serve", serve)
    assert main.run([str(config), "--no-ui", *flags]) == 0
    told = capsys.readouterr().err
    assert (f"warning: {BRIEF.replace('=', ' ')} is less than" in told) is is_warned
