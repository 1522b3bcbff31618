"""What the ``logs`` command answers."""

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli import logs, near_lines
from bistro_tui.cli.main import run
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.query import LogQuery, QueryPage
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.present.words import date_time
from tests.engine.logs.tables import insert, make_tables

SECOND = 1_700_000_000


def line(
    number: int,
    text: bytes | None = None,
    *,
    of: str = "etl@n1",
    stream: Stream = Stream.STDOUT,
) -> StoredLine:
    """Return a line of that many seconds after ``SECOND``."""
    job, node = of.split("@")
    if text is None:
        text = b"%d\n" % number
    task = TaskId(JobName(job), NodeName(node))
    return StoredLine((SECOND + number) << 32, task, stream, text)


def keep(data_dir: Path, *lines: StoredLine) -> Path:
    with closing(make_tables(data_dir / "task_logs.sql3")) as connection:
        insert(connection, lines)
    return data_dir


def add(data_dir: Path, *lines: StoredLine) -> None:
    path = data_dir / "task_logs.sql3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        insert(connection, lines)


def shown(capsys: pytest.CaptureFixture[str], data_dir: Path, *words: str) -> list[str]:
    code = run(["logs", "--data-dir", str(data_dir), *words])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out.splitlines()


def document(
    capsys: pytest.CaptureFixture[str], data_dir: Path, *words: str
) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        "\n".join(shown(capsys, data_dir, "--json", *words))
    )
    assert set(answer) == {"next_line_id", "lines"}
    return answer


def test_lines_of_all_tasks_are_merged_with_names_before_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(
        tmp_path,
        line(1),
        line(2, stream=Stream.STDERR),
        line(3, of="b@n2"),
        line(4, b"{}", stream=Stream.STATUSES),
    )
    assert shown(capsys, tmp_path) == ["etl@n1 | 1", "etl@n1 | 2", "b@n2 | 3"]
    assert shown(capsys, tmp_path, "etl") == ["etl@n1 | 1", "etl@n1 | 2"]
    assert shown(capsys, tmp_path, "etl", "n1") == ["1", "2"]
    assert shown(capsys, tmp_path, "etl", "n1", "--stream", "stderr") == ["2"]
    assert shown(capsys, tmp_path, "etl", "n1", "--stream", "statuses") == ["{}"]


def test_the_last_hundred_lines_unless_more_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, *(line(i) for i in range(2_500)))
    task = ("etl", "n1")
    every = [str(i) for i in range(2_500)]
    assert shown(capsys, tmp_path, *task) == every[-100:]
    assert shown(capsys, tmp_path, *task, "-n", "3") == every[-3:]
    assert shown(capsys, tmp_path, *task, "--lines=1500") == every[-1500:]
    assert shown(capsys, tmp_path, *task, "-n", "0") == every
    assert shown(capsys, tmp_path, *task, "--asc", "-n", "2") == every[:2]
    assert shown(capsys, tmp_path, *task, "--desc", "-n", "2") == every[:-3:-1]
    assert shown(capsys, tmp_path, *task, "--desc", "-n", "0") == every[::-1]
    since = ("--since", str(SECOND + 2_300))
    assert shown(capsys, tmp_path, *task, *since) == every[2_300:]
    assert shown(capsys, tmp_path, *task, *since, "-n", "5") == every[-5:]
    assert shown(capsys, tmp_path, *task, *since, "--desc") == every[:2_299:-1]
    assert shown(capsys, tmp_path, *task, *since, "--asc", "-n1") == ["2300"]
    assert shown(capsys, tmp_path, *task, "--since", "1s") == []


def test_lines_are_searched_for_text_and_by_regex(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [b"Error 17\n", b"fine\n", b"error (18\n", b"\xffok\n"]
    keep(tmp_path, *(line(i, text) for i, text in enumerate(texts)))
    task = ("etl", "n1")
    assert shown(capsys, tmp_path, *task, "--grep", "error") == ["error (18"]
    found = shown(capsys, tmp_path, *task, "--grep", "ERROR", "--ignore-case")
    assert found == ["Error 17", "error (18"]
    assert shown(capsys, tmp_path, *task, "--grep", "r (") == ["error (18"]
    assert shown(capsys, tmp_path, *task, "--regex", "^fine$|ok") == ["fine", "�ok"]
    assert run(["logs", "--data-dir", str(tmp_path), "--regex", "("]) == 2
    assert "--regex: is not a valid regex: missing" in capsys.readouterr().err


def test_json_is_the_data_of_task_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, *(line(i, b"\xff\n") for i in range(3)))
    ids = [str((SECOND + i) << 32) for i in range(3)]
    rows = [["etl", "n1", SECOND + i, "\ufffd\n", ids[i]] for i in range(3)]
    assert document(capsys, tmp_path) == {"next_line_id": "-1", "lines": rows}
    older = document(capsys, tmp_path, "-n", "2")
    assert older == {"next_line_id": ids[0], "lines": rows[1:]}
    rest = document(capsys, tmp_path, "--desc", "--line-id", older["next_line_id"])
    assert rest == {"next_line_id": "-1", "lines": rows[:1]}
    first = document(capsys, tmp_path, "--asc", "-n", "2")
    assert first == {"next_line_id": ids[2], "lines": rows[:2]}
    begin = first["next_line_id"]
    assert document(capsys, tmp_path, "--asc", "--line-id", begin)["lines"] == rows[2:]
    assert document(capsys, tmp_path, "nobody") == {"next_line_id": "-1", "lines": []}


def test_a_large_answer_is_still_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, *(line(i) for i in range(2_100)))
    assert len(document(capsys, tmp_path, "-n", "0")["lines"]) == 2_100


def test_output_cannot_drive_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, line(1, b"\x1b]0;x\x07\n", of="\x1b[2J@n\n1"))
    (found,) = shown(capsys, tmp_path)
    assert found == "␛[2J@n␊1 | ␛]0;x␇"


def test_raw_gives_the_bytes_but_not_to_a_terminal(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(tmp_path, line(1, b"\x1b[31m\xff\0\r\n"), line(2, b"no end"))
    words = ["logs", "--raw", "--data-dir", str(tmp_path)]
    assert run(words) == 0
    assert capfdbinary.readouterr().out == b"\x1b[31m\xff\0\r\nno end"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run(words) == 2
    said = capfdbinary.readouterr()
    assert said.out == b""
    assert b"--raw gives bytes that could drive a terminal" in said.err


@pytest.mark.parametrize("is_there", [True, False])
def test_where_there_are_no_lines_that_is_said_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_there: bool
) -> None:
    if is_there:
        keep(tmp_path)
    before = sorted(os.listdir(tmp_path))
    assert run(["logs", "x", "y\x1b", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"there are no lines of x@y␛ in {tmp_path}/task_logs.sql3\n"
    assert sorted(os.listdir(tmp_path)) == before


def test_a_file_that_is_no_log_store_is_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "task_logs.sql3"
    path.write_bytes(b"x" * 5000)
    assert run(["logs", "--data-dir", str(tmp_path)]) == 3
    assert str(path) in capsys.readouterr().err
    assert path.read_bytes() == b"x" * 5000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-f", "--desc"], "--follow and --asc or --desc"),
        (["-f", "--line-id", "1"], "--follow and --line-id"),
        (["--since", "1d", "--line-id", "1"], "--since and --line-id"),
        (["--grep", "a", "--regex", "b"], "--grep and --regex"),
        (["--raw", "--json"], "--raw and --json"),
        (["--since", "yesterday"], "--since: 'yesterday' is neither"),
        (["--stream", "stdin"], "--stream"),
        (["a", "b", "c"], "c"),
    ],
)
def test_what_cannot_be_meant_is_wrong_use(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["logs", "--data-dir", str(tmp_path), *words]) == 2
    assert said in capsys.readouterr().err


def test_following_shows_what_comes_once_and_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, *(line(i) for i in range(5)))
    coming = [[line(5), line(6, of="b@n1")], [], [line(i) for i in range(7, 2_000)]]

    def wait(_seconds: float) -> None:
        if not coming:
            raise KeyboardInterrupt
        add(tmp_path, *coming.pop(0))

    monkeypatch.setattr("bistro_tui.cli.logs.time.sleep", wait)
    assert run(["logs", "-f", "etl", "n1", "-n2", "--data-dir", str(tmp_path)]) == 130
    expected = [str(i) for i in range(3, 2_000) if i != 6]
    assert capsys.readouterr().out.splitlines() == expected


def test_following_as_json_is_an_object_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(_seconds: float) -> None:
        if (tmp_path / "task_logs.sql3").exists():
            raise KeyboardInterrupt
        keep(tmp_path, line(1), line(2))

    monkeypatch.setattr("bistro_tui.cli.logs.time.sleep", wait)
    assert run(["logs", "-f", "--json", "--data-dir", str(tmp_path)]) == 130
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    (row,) = second["lines"]
    assert first["next_line_id"] == str(((SECOND + 1) << 32) + 1)
    assert row == ["etl", "n1", SECOND + 2, "2\n", str((SECOND + 2) << 32)]


def test_following_costs_what_is_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, *(line(i) for i in range(5_000)))
    asked: list[int | None] = []
    page = near_lines._page

    def remember(path: Path, query: LogQuery, clock: Clock) -> QueryPage:
        asked.append(query.line_id)
        return page(path, query, clock)

    monkeypatch.setattr(near_lines, "_page", remember)
    looks = iter(range(3))

    def wait(_seconds: float) -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr("bistro_tui.cli.logs.time.sleep", wait)
    words = ["logs", "-f", "--grep", "nowhere", "--data-dir", str(tmp_path)]
    assert run(words) == 130
    after = (SECOND + 4_999 << 32) + 1
    assert asked[-3:] == [after] * 3
    assert capsys.readouterr().out == ""


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    keep(tmp_path, *(line(i) for i in range(50_000)))
    program = str(Path(sys.executable).with_name("bistro-tui"))
    for words in ("-n0", "-f"):
        with subprocess.Popen(
            [program, "logs", words, "--data-dir", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline().startswith(b"etl@n1 | ")
            process.stdout.close()
            assert process.wait(30) == 0
            assert process.stderr.read() == b""


def test_the_examples_of_the_page_about_logs_can_be_given() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "logs.md"
    examples = [
        shlex.split(text, comments=True)[2:]
        for text in page.read_text().splitlines()
        if text.startswith("bistro-tui logs")
    ]
    assert len(examples) > 5
    for words in examples:
        words = words[: words.index(">")] if ">" in words else words
        logs.logs_command.make_context("logs", words)


@pytest.mark.parametrize("flag", ["-T", "--timestamps"])
def test_lines_have_their_times_where_that_is_asked_for(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, line(1), line(2, of="b@n2"))
    first, second = shown(capsys, tmp_path, flag)
    assert first == f"{date_time(SECOND + 1)} etl@n1 | 1"
    assert second == f"{date_time(SECOND + 2)} b@n2 | 2"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (b'{"event": "running", "command": ["sh"]}', "running"),
        (
            b'{"event": "process_exited", "message": "exited with status 0"}\n',
            "process_exited: exited with status 0",
        ),
        (
            b'{"event": "got_status", "raw_status": "done", "status":'
            b' {"result_bits": 4}}',
            "got_status: done",
        ),
        (
            b'{"event": "got_status", "status": {"result_bits": 16, "data":'
            b' {"exception": "no\\u001b disk"}}}',
            "got_status: failed: no␛ disk",
        ),
        (b'{"event": 3}', '{"event": 3}'),
        (b"[1", "[1"),
    ],
)
def test_events_are_shown_in_short(
    event: bytes, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, line(1, event, stream=Stream.STATUSES))
    statuses = ("etl", "n1", "--stream", "statuses")
    assert shown(capsys, tmp_path, *statuses) == [text]
    (as_json,) = document(capsys, tmp_path, *statuses)["lines"]
    assert as_json[3] == event.decode()


def test_a_job_that_has_no_lines_is_answered_with_the_nearest_that_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, line(1), line(2), line(3, of="backup@n2", stream=Stream.STDERR))
    for word, near in (("elt", "etl"), ("backup_", "backup")):
        assert run(["logs", "--data-dir", str(tmp_path), word]) == 0
        assert capsys.readouterr().err.endswith(f"; did you mean {near}?\n")
    assert run(["logs", "--data-dir", str(tmp_path), "etl", "n9"]) == 0
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["logs", "history"])
def test_a_config_that_nothing_ran_with_is_said_to_be_one(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config = tmp_path / "c.json"
    config.write_text("{}")
    assert run([command, "--config-file", str(config)]) == 0
    said = capsys.readouterr().err
    assert said.startswith(
        f"nothing has run with {config} here (there is no {tmp_path}"
    )
    assert said.endswith("was it run with --data-dir?\n")
