"""What the ``doctor`` command answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli import doctor
from bistro_tui.cli.main import run
from bistro_tui.engine.doctor import examine
from bistro_tui.engine.doctor.finding import Finding, bad, ok, weak
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.store import StatusStore
from tests.engine.statuses_store.test_store import status, task

POINTS = [
    "Python", "containment", "pidfd", "task limits", "fds", "processes", "memory dir",
    "SQLite", "GPU", "terminal", "user",
]  # fmt: skip


def document(capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, Any]:
    code = run(["doctor", "--json", *flags])
    said = capsys.readouterr()
    assert said.err == ""
    return code, json.loads(said.out)


def found(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    def answer(*_: object) -> list[Finding]:
        return list(findings)

    monkeypatch.setattr(examine, "examine", answer)


def test_json_is_one_document_with_a_state_for_every_point(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, answer = document(capsys)
    assert list(answer) == ["checks"]
    checks = answer["checks"]
    assert [check["what"] for check in checks] == POINTS
    for check in checks:
        assert list(check) == ["what", "state", "text", "remedy"]
        assert check["state"] in ("ok", "weak", "bad")
        assert check["text"]
        assert bool(check["remedy"]) is (check["state"] != "ok")
    assert code == (1 if any(check["state"] == "bad" for check in checks) else 0)


def test_a_data_directory_is_looked_at_when_it_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config = tmp_path / "nightly.json"
    config.write_text("{}")

    _, named = document(capsys, "--data_dir", str(tmp_path / "data"))
    _, by_config = document(capsys, f"--config-file={config}")

    assert named["checks"][-1]["what"] == "data dir"
    assert named["checks"][-1]["text"].startswith(f"{tmp_path}/data: will be made")
    where = f"{tmp_path}/state/bistro-tui/nightly-"
    assert by_config["checks"][-1]["text"].startswith(where)
    assert [path.name for path in tmp_path.iterdir()] == ["nightly.json"]


def test_a_file_as_data_directory_is_bad(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, answer = document(capsys, f"--data-dir={tmp_path}/file")
    assert (code, answer["checks"][-1]["state"]) == (1, "bad")


def test_a_config_that_is_not_there_is_wrong_use(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["doctor", "--config-file", f"{tmp_path}/typo.json"]) == 2
    assert "typo.json: no such file" in capsys.readouterr().err


def test_people_get_one_line_a_check_with_the_remedy_behind_a_dash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, ok("fds", "many"), weak("terminal", "none", "use a pen"))
    assert run(["doctor"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "ok    fds       many",
        "weak  terminal  none — use a pen",
    ]
    assert said.err == "2 checks: 1 ok, 1 weak\n"


def test_something_bad_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, ok("a", "b"), bad("fds", "few", "more"))
    assert run(["doctor"]) == 1
    assert capsys.readouterr().err == "2 checks: 1 ok, 1 bad\n"
    assert document(capsys)[0] == 1


def test_on_a_terminal_long_lines_are_folded_under_their_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, weak("fds", "a few words " * 4, "some more words"))
    monkeypatch.setattr(doctor, "_width", lambda: 40)
    run(["doctor"])
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("weak  fds  a few words")
    assert rest
    assert all(line.startswith(" " * 11) and len(line) <= 40 for line in rest)


def test_foreign_names_cannot_drive_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "x\x1b]0;gotcha\x07")
    run(["doctor", "--data-dir", "/tmp/\x1b[2Jdir"])
    assert "\x1b" not in capsys.readouterr().out


async def test_the_databases_of_a_data_directory_are_looked_at(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    store = await StatusStore.open(data / "statuses.sql3", "task_statuses")
    await store.save([(task(node=str(i)), status(DONE)) for i in range(1200)])
    await store.close()
    (data / "task_logs.sql3").write_bytes(b"not a database at all")
    before = {one.name: one.read_bytes() for one in data.iterdir()}

    code, answer = document(capsys, f"--data-dir={data}")

    statuses, logs = answer["checks"][-2:]
    assert (statuses["what"], statuses["state"]) == ("statuses.sql3", "ok")
    assert statuses["text"].startswith("1,200 rows, version 2, ")
    assert "whole; a power cut takes nothing back" in statuses["text"]
    assert (code, logs["what"], logs["state"]) == (1, "task_logs.sql3", "bad")
    assert logs["remedy"] == f"bistro-tui doctor --salvage --data-dir {data}"
    assert {one.name: one.read_bytes() for one in data.iterdir()} == before
