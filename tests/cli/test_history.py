"""What the ``history`` command answers."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli import history
from bistro_tui.cli.history_table import COLUMNS
from bistro_tui.cli.main import run
from bistro_tui.engine.history import RESULTS
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, FAILED
from tests.engine.logs.builders import ManualClock

SECOND = 1_700_000_000


def attempt(number: int, **changed: Any) -> AttemptRecord:
    job, node = changed.pop("of", ("etl", "n1"))
    record = AttemptRecord(
        invocation=InvocationId(SECOND + number, 2**63 - 1 - number),
        task=TaskId(JobName(job), NodeName(node)),
        started=SECOND + number + 0.25,
        ended=SECOND + number + 2.75,
        seconds=2.5,
        exit_text="exited with status 0",
        result_bits=int(DONE),
        detail="",
        worker="local",
        peak_memory=5 * 2**20,
        cpu_seconds=0.5,
    )
    return record._replace(**changed)


async def keep(data_dir: Path, *records: AttemptRecord) -> None:
    store = await LogStore.open(data_dir / "task_logs.sql3", clock=ManualClock())
    await store.append([], records)
    await store.close()


def document(
    capsys: pytest.CaptureFixture[str], data_dir: Path, *words: str
) -> list[dict[str, Any]]:
    assert run(["history", "--json", "--data-dir", str(data_dir), *words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["attempts"]
    found: list[dict[str, Any]] = answer["attempts"]
    return found


def starts(found: list[dict[str, Any]]) -> list[int]:
    return [int(one["started"]) - SECOND for one in found]


async def test_json_tells_everything_newest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = attempt(
        2, result_bits=int(FAILED), detail="no\x1b[31m", exit_text="killed by signal 9",
        peak_memory=None, cpu_seconds=None, of=("b", "\ud800"),
    )  # fmt: skip
    await keep(tmp_path, attempt(1), failed)
    first, second = document(capsys, tmp_path)
    assert first == {
        "job": "b",
        "node": "\ud800",
        "invocation": str(failed.invocation),
        "started": SECOND + 2.25,
        "ended": SECOND + 4.75,
        "seconds": 2.5,
        "status": "failed",
        "result_bits": 16,
        "exit": "killed by signal 9",
        "detail": "no\x1b[31m",
        "worker": "local",
        "peak_memory": None,
        "cpu_seconds": None,
    }
    assert list(second) == list(first)
    assert (second["peak_memory"], second["cpu_seconds"]) == (5 * 2**20, 0.5)


async def test_attempts_of_one_second_are_in_order_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_one_second = [
        attempt(0, invocation=InvocationId(SECOND, rand), started=SECOND + at)
        for rand, at in ((1, 0.5), (2, 0.1), (3, 0.9), (4, 0.3))
    ]
    await keep(tmp_path, *of_one_second)
    found = document(capsys, tmp_path)
    assert [one["started"] - SECOND for one in found] == pytest.approx(
        [0.9, 0.5, 0.3, 0.1]
    )
    (newest,) = document(capsys, tmp_path, "-n", "1")
    assert newest["started"] == SECOND + 0.9


async def test_job_node_time_result_and_number_narrow_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(
        tmp_path,
        attempt(1),
        attempt(2, of=("etl", "n2")),
        attempt(3, of=("b", "n1"), result_bits=int(FAILED)),
        attempt(4, result_bits=int(ERROR_BACKOFF)),
        attempt(5),
    )
    assert starts(document(capsys, tmp_path, "etl")) == [5, 4, 2, 1]
    assert starts(document(capsys, tmp_path, "etl", "n1")) == [5, 4, 1]
    assert starts(document(capsys, tmp_path, "--lines=2")) == [5, 4]
    assert starts(document(capsys, tmp_path, "-n0")) == [5, 4, 3, 2, 1]
    assert starts(document(capsys, tmp_path, f"--since={SECOND + 4}")) == [5, 4]
    assert starts(document(capsys, tmp_path, "--since", f"{SECOND + 4.5}")) == [5]
    assert starts(document(capsys, tmp_path, "--since=10m")) == []
    assert starts(document(capsys, tmp_path, "--status", "failed")) == [3]
    both = document(capsys, tmp_path, "--status=failed", "--status=error_backoff")
    assert starts(both) == [4, 3]


async def test_all_of_many_pages_come_once_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PAGE", 7)
    many = [
        attempt(n, invocation=InvocationId(SECOND + n // 10, n * 31 % 50))
        for n in range(50)
    ]
    await keep(tmp_path, *many)
    assert starts(document(capsys, tmp_path, "-n0")) == list(range(49, -1, -1))
    assert starts(document(capsys, tmp_path, "-n30")) == list(range(49, 19, -1))


async def test_a_table_shows_no_foreign_control_and_a_line_an_attempt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = attempt(
        2, detail="e\x1b[2J\nvil", result_bits=int(ERROR_BACKOFF), cpu_seconds=None
    )
    await keep(tmp_path, attempt(1, of=("job\n\x07", "n")), bad)
    assert run(["history", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    titles, *rows = said.out.splitlines()
    assert titles.split() == [column.title for column in COLUMNS]
    assert len(rows) == 2
    assert "error_backoff" in rows[0]
    assert rows[0].endswith("exited with status 0: e␛[2J␊vil")
    assert "job␊␇" in rows[1]
    shown = "2.5s job␊␇ n done 5.0M 0.5s exited with status 0"
    assert " ".join(rows[1].split()[2:]) == shown
    assert said.err == ""


async def test_where_others_ran_tasks_a_table_tells_who(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = attempt(2, worker="w\x1b1")
    await keep(tmp_path, attempt(1, worker=""), far)
    assert run(["history", "--data-dir", str(tmp_path)]) == 0
    titles, first, second = capsys.readouterr().out.splitlines()
    assert titles.split()[4:6] == ["WORKER", "RESULT"]
    assert first.split()[5:7] == ["w␛1", "done"]
    assert second.split()[5:7] == ["-", "done"]


@pytest.mark.parametrize("columns", [40, 80, 140])
async def test_a_table_is_no_wider_than_the_terminal(
    columns: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def size(_: int) -> os.terminal_size:
        return os.terminal_size((columns, 24))

    monkeypatch.setattr(os, "get_terminal_size", size)
    long = attempt(1, of=("職" * 60, "n" * 200), detail="x" * 300)
    await keep(tmp_path, long, attempt(2))
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    assert run(["history", "--data-dir", str(tmp_path)]) == 0
    from rich.cells import cell_len

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert max(map(cell_len, lines)) <= max(columns, 60)
    assert ("MEM" in lines[0]) == (columns > 80)


@pytest.mark.parametrize("long", ["j", "職", "\u202e"])
async def test_one_long_name_does_not_make_all_rows_wide(
    long: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = (long * 80, "n" * 255)
    await keep(tmp_path, attempt(1, of=names, detail="x" * 300), attempt(2))
    assert run(["history", "--data-dir", str(tmp_path)]) == 0
    titles, short, cut = capsys.readouterr().out.splitlines()
    assert max(len(titles), len(short)) < 160
    assert f"…  {'n' * 39}…  " in cut
    assert "x" * 300 in cut


async def test_nothing_recorded_is_an_empty_answer_and_makes_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(capsys, tmp_path) == []
    assert run(["history", "etl", "n1", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        f"no attempt of etl on n1 is recorded in {tmp_path}\n",
    )
    assert os.listdir(tmp_path) == []


async def test_a_store_from_before_attempts_is_empty_and_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "task_logs.sql3"
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE stdout (job_id, node_id, time_and_count, line)")
    before = path.read_bytes()
    assert document(capsys, tmp_path) == []
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database", b"foreign"])
def test_a_file_that_is_not_ours_is_refused(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "task_logs.sql3"
    if content == b"foreign":
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE attempts (whatever)")
    else:
        path.write_bytes(content)
    assert run(["history", "--data-dir", str(tmp_path)]) == 3
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("since", ["yesterday", "nan", "1x", "-m"])
def test_a_time_that_is_none_is_refused(
    since: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["history", "--data-dir", str(tmp_path), f"--since={since}"]
    assert run(words) == 2
    assert "--since" in capsys.readouterr().err


def test_every_word_of_a_result_can_be_asked_for() -> None:
    assert set(history._WORDS) == set(RESULTS)
