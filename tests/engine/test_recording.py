"""Every attempt that is over is in the log store, once, before its status is."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.history import HistoryQuery, look_at_attempts, result_word
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.view import Reason
from tests.engine.test_engine import HELD, config_text, served, write

NOT_FOUND = "failed to start: /no/such: No such file or directory"
AT_ONCE = {"kill_subprocess": {"method": "kill"}}


def recorded(path: Path) -> list[AttemptRecord]:
    return look_at_attempts(path / "data" / "task_logs.sql3", HistoryQuery())


def words(path: Path) -> Counter[tuple[str, str, str]]:
    return Counter(
        (one.task.job, result_word(one.result_bits), one.exit_text)
        for one in recorded(path)
    )


@pytest.mark.parametrize("clean", [False, True], ids=["kept", "clean"])
async def test_whatever_an_attempt_comes_to_it_is_recorded_once(
    clean: bool, tmp_path: Path
) -> None:
    text = config_text(
        ok={"command": ["/bin/sh", "-c", 'echo done > "$2"', "x"]},
        bad={"command": ["/bin/sh", "-c", "exit 3", "x"], "backoff": ["fail"]},
        missing={"command": ["/no/such"], "backoff": ["fail"]},
    )
    write(tmp_path, text)
    async with served(tmp_path, exit_when_done=True, clean_statuses=clean) as run:
        await run.end()

    assert words(tmp_path) == {
        ("ok", "done", "exited with status 0"): 3,
        ("bad", "failed", "exited with status 3"): 3,
        ("missing", "failed", NOT_FOUND): 3,
    }
    for one in recorded(tmp_path):
        assert 0.0 <= one.seconds < 10.0
        assert one.ended >= one.started
        assert one.worker == "local"
        has_run = one.task.job != "missing"
        assert (one.peak_memory is not None) == has_run
        assert (one.cpu_seconds is not None) == has_run
        assert bool(one.detail) == (one.task.job != "ok")


async def test_one_that_is_killed_is_recorded_before_it_is_shown(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": HELD} | AT_ONCE))
    async with served(tmp_path) as run:
        shown = await run.until(
            lambda seen: [row.pid is not None for row in seen.running] == [True] * 2
        )
        assert recorded(tmp_path) == []
        await run.engine.control.kill_task(shown.running[0].task)
        shown = await run.until(lambda seen: len(seen.ended) == 1)
        (record,) = recorded(tmp_path)
        assert record.task == shown.ended[0].task
        assert record.exit_text == "killed by signal 9"
        assert record.seconds == shown.ended[0].seconds
        await run.stop()
    assert len(recorded(tmp_path)) == 3


async def test_what_is_only_pretended_is_not_recorded(tmp_path: Path) -> None:
    write(tmp_path, config_text(a={}))
    async with served(tmp_path, dry_run=True, exit_when_done=True) as run:
        assert (await run.end()).done == 3
    assert recorded(tmp_path) == []


async def test_a_job_is_expected_to_be_done_by_what_earlier_runs_took(
    tmp_path: Path,
) -> None:
    def command(word: str) -> dict[str, Any]:
        return {"command": ["/bin/sh", "-c", word, "x"]} | AT_ONCE

    write(tmp_path, config_text(a=command('echo done > "$2"')))
    async with served(tmp_path, exit_when_done=True) as run:
        await run.end()
    (tmp_path / "data" / "statuses.sql3").unlink()
    write(tmp_path, config_text(a=command("exec sleep 60")))
    async with served(tmp_path) as run:
        shown = await run.until(lambda seen: seen.jobs[0].eta is not None)
        (job,) = shown.jobs
        assert job.counts == {Reason.RUNNING: 2, Reason.RESOURCE: 1}
        assert job.eta is not None
        assert 0.0 < job.eta - shown.now < 60.0
