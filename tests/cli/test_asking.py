"""Which scheduler a one-shot command asks, and what its exit code says."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.cli.asking import connected
from bistro_tui.cli.main import run
from bistro_tui.cli.talk import WrongUse
from bistro_tui.client.errors import NoAnswer
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.live import announced
from tests.cli.fake_scheduler import Error, FakeScheduler


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state" / "bistro-tui"


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[FakeScheduler]:
    with FakeScheduler(answers={"errors": {}}).on(tmp_path / "d") as serving:
        yield serving


def says(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_data_directory_is_asked(tmp_path: Path, scheduler: FakeScheduler) -> None:
    assert run(["errors", "--data-dir", "d"]) == 0
    assert len(scheduler.asked) == 1


def test_a_config_is_asked_for_in_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    with FakeScheduler(answers={"errors": {}}).on(default_data_dir(Path("c.json"))):
        assert run(["errors", "--config-file", "c.json"]) == 0


def test_with_no_flag_the_only_live_one_is_asked(state: Path) -> None:
    data = DataDir(state / "c-1", host=socket.gethostname(), now=1.0)
    with FakeScheduler(answers={"errors": {}}).on(state / "c-1") as scheduler:
        assert run(["errors", "--json"]) == 0
    assert len(scheduler.asked) == 1
    data.close()


def test_a_url_is_asked(scheduler: FakeScheduler) -> None:
    with scheduler.on_a_port() as port:
        assert run(["errors", "--url", f"http://127.0.0.1:{port}"]) == 0


def test_a_token_comes_from_a_file(tmp_path: Path, scheduler: FakeScheduler) -> None:
    (tmp_path / "token").write_text(" t0ken\n")
    with scheduler.on_a_port() as port:
        url = f"http://127.0.0.1:{port}"
        assert run(["errors", "--url", url, "--token-file", "token"]) == 0
    assert scheduler.headers[-1]["Authorization"] == "Bearer t0ken"


def test_every_flag_can_come_from_the_environment_and_a_typed_one_wins(
    tmp_path: Path, scheduler: FakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("t0ken")
    with scheduler.on_a_port() as port:
        monkeypatch.setenv("BISTRO_TUI_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("BISTRO_TUI_TOKEN_FILE", "token")
        assert run(["errors"]) == 0
        assert "Authorization" in scheduler.headers[-1]
        assert run(["errors", "--data-dir", "d"]) == 0
        assert "Authorization" not in scheduler.headers[-1]
    assert run(["errors"]) == 5


def test_a_typed_config_wins_over_a_data_directory_of_the_environment(
    tmp_path: Path, scheduler: FakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.json").write_text("{}")
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", "d")
    assert run(["errors"]) == 0
    assert run(["errors", "--config-file", "c.json"]) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--url", "http://h:1", "--data-dir", "d"], "cannot be given together"),
        (["--url", "h:1"], "did you mean http://h:1?"),
        (["--url", "http://t0ken@h:1"], "--token-file FILE"),
        (["--url", "http://h:1", "--token-file", "none"], "none: No such file"),
        (["--url", "http://h:1", "--token-file", "empty"], "empty: holds no token"),
        (["--url", "http://h:1", "--token-file", "bad"], "bad: holds no token"),
        (["--url", "https://h:1", "--tls-ca", "none"], "none: no such file"),
        (["--config-file", "none.json"], "none.json: no such file"),
        (["--data-dir", "empty"], "is not a directory"),
        (["--config-file", "."], "is a directory"),
        ([], "no scheduler of yours runs"),
        (["c.json"], "unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anybody_is_asked(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bad").write_bytes(b"\xff\n\n")
    assert run(["errors", *words]) == 2
    said = says(capsys)
    assert message in said
    assert "t0ken" not in said


@pytest.mark.parametrize("place", ["nowhere", "d"])
def test_where_no_scheduler_answers_the_code_is_5(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d").mkdir()
    assert run(["ps", "--data-dir", place]) == 5
    assert f"no scheduler runs on {place}" in says(capsys)


def test_where_a_worker_has_the_directory_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(DataDir(tmp_path / "d", host=socket.gethostname(), now=1.0)) as held:
        (held.run / "worker").write_text("{}")
        assert run(["ps", "--data-dir", "d"]) == 5
    said = says(capsys)
    assert said.startswith("bistro-tui: no scheduler runs on d: a worker has it (pid ")
    assert "ask its scheduler" in said


def test_for_a_config_that_nobody_runs_it_says_what_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.json").write_text("{}")
    assert run(["jobs", "--config-file", "c.json"]) == 5
    assert "bistro-tui plan c.json tells what would run" in says(capsys)


def test_what_is_refused_is_told_with_code_1_and_cannot_drive_the_terminal(
    scheduler: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler.answers["errors"] = Error("no\x1b[2J")
    assert run(["errors", "--data-dir", "d"]) == 1
    assert says(capsys) == "bistro-tui: no␛[2J\n"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (["ps"], {"running_tasks": [1]}),
        (["jobs"], {"jobs": {"j": 7}}),
        (["tasks"], {"tasks": {"tasks": [{}], "next": None}}),
        (["nodes"], {"nodes": []}),
        (["workers"], {"workers": {}}),
        (["why", "j", "n"], {"why": "because"}),
        (["top", "--once"], {"stats": {}}),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(
    command: list[str],
    answer: dict[str, object],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scheduler.answers |= answer
    assert run([*command, "--data-dir", "d"]) == 5
    assert "of another version" in capsys.readouterr().err


def test_used_by_itself_it_raises_what_went_wrong(tmp_path: Path) -> None:
    with (
        pytest.raises(NoAnswer, match="no such directory"),
        connected(data_dir=tmp_path / "none"),
    ):
        pass
    with (
        pytest.raises(WrongUse, match="together"),
        connected(data_dir=tmp_path, url="http://h:1"),
    ):
        pass


def test_a_silent_one_is_named_by_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.json").write_text("{}")
    monkeypatch.setattr("bistro_tui.client.once.LOOK_SEC", 0.01)
    monkeypatch.setattr("bistro_tui.client.once._ACT_SEC", 0.01)
    monkeypatch.setattr("bistro_tui.client.once._PATIENCE_SEC", {"forgive_jobs": 0.01})
    host = socket.gethostname()
    data = DataDir(tmp_path / "d", host=host, now=1.0, config=tmp_path / "c.json")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "d" / "run" / "api.sock"))
        door.listen()
        for words in (["ps"], ["forgive", "x"]):
            for place in (["--data-dir", "d"], ["--config-file", "c.json"]):
                with announced(tmp_path / "d"):
                    assert run([*words, *place]) == 5
                said = says(capsys)
                assert f"pid {os.getpid()} on {host}, started" in said
                assert "but does not answer" in said
                assert "starts one" not in said
    data.close()


def test_a_config_given_like_a_job_is_hinted_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.json").write_text("{}")
    assert run(["ps", "c.json"]) == 2
    assert "a config is named by --config-file c.json" in says(capsys)
    answers: dict[str, object] = {
        "running_tasks": {},
        "jobs": {},
        "names": {"names": []},
    }
    with FakeScheduler(answers=answers).on(tmp_path / "d"):
        assert run(["ps", "c.json", "--data-dir", "d"]) == 1
    assert "a config is named by --config-file c.json" in says(capsys)


def test_a_token_file_is_named_where_its_token_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("t0ken")
    with FakeScheduler(status=401, body=b'"no"').on_a_port() as port:
        url = f"http://127.0.0.1:{port}"
        assert run(["errors", "--url", url, "--token-file", "token"]) == 1
    assert says(capsys) == "bistro-tui: the token in token is not this scheduler's\n"


def test_one_that_goes_away_is_not_said_to_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = DataDir(tmp_path / "d", host=socket.gethostname(), now=1.0)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "d" / "run" / "api.sock"))
        door.listen()

        def close_one() -> None:
            guest, _ = door.accept()
            guest.close()

        thread = threading.Thread(target=close_one)
        thread.start()
        assert run(["errors", "--data-dir", "d"]) == 5
        thread.join()
    data.close()
    said = says(capsys)
    assert "the scheduler on d went away before it answered" in said
    assert f"pid {os.getpid()}" not in said
