"""What is learned from the log of earlier runs."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Never

import pytest

from bistro_tui.engine import earlier_runs
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.earlier_runs import load_durations
from bistro_tui.engine.eta import Durations
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.logs.attempts import SCHEMA
from bistro_tui.engine.logs.reader import LogReader
from tests.engine.test_history import INSERT, row

JOBS = tuple(JobName(name) for name in "abcde")


async def load(path: Path, durations: Durations) -> None:
    reader = LogReader(path, clock=SystemClock())
    try:
        await load_durations(reader, JOBS, durations)
    finally:
        await reader.close()


async def test_every_job_is_looked_up_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_runs, "JOBS_AT_ONCE", 2)
    path = tmp_path / "task_logs.sql3"
    with closing(sqlite3.connect(path)) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        for number, job in enumerate(JOBS):
            connection.execute(INSERT, row(number, job=job, took=10.0 + number))
        connection.commit()
    durations = Durations()
    durations.add(JOBS[0], 20.0)
    await load(path, durations)
    assert [durations.mean(job) for job in JOBS] == [15.0, 11.0, 12.0, 13.0, 14.0]


async def test_a_log_that_cannot_be_read_is_told_and_costs_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    durations = Durations()
    await load(tmp_path / "no such", durations)
    assert durations.mean(JOBS[0]) is None
    (said,) = caplog.messages
    assert "durations of earlier attempts cannot be read" in said
    assert "no such" in said


async def test_nothing_about_durations_is_a_reason_to_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Strange(LogReader):
        async def run(self, ask: object) -> Never:
            raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    reader = Strange(tmp_path / "l.sql3", clock=SystemClock())
    await load_durations(reader, JOBS, Durations())
    assert "durations of earlier attempts cannot be read" in caplog.text
    assert "surrogates not allowed" in caplog.text
