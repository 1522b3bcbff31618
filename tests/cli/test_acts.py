"""What one-shot acts ask of a scheduler, and what they say of its answers."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.statuses.bits import ERROR_BACKOFF, FAILED
from tests.cli.fake_scheduler import Error, FakeScheduler
from tests.engine.recovery.builders import LeftRun, task

JOBS = ("etl", "web")


def of_job(word: str) -> Any:
    def answer(query: Mapping[str, Any]) -> Any:
        name = query["job_id"]
        return word if name in JOBS else Error(f"there is no job {name}")

    return answer


def kill(query: Mapping[str, Any]) -> Any:
    if query["job_id"] in JOBS and query["node_id"] == "db7":
        return "signaled"
    return Error(f"Unknown running task {query['job_id']}, {query['node_id']}")


def why(query: Mapping[str, Any]) -> Any:
    job, node = query["job"], query["node"]
    if job not in JOBS:
        return Error(f"there is no task {job}@{node}: there is no job {job}")
    if node not in ("db7", "db8"):
        return Error(f"there is no task {job}@{node}: level db has no node {node}")
    checks = [
        {"check": "not_done", "ok": True, "text": "it is not done"},
        {"check": "backoff", "ok": False, "text": "waits 60 s"},
    ]
    return {"reason": "backoff", "checks": checks}


def forgive(query: Mapping[str, Any]) -> Any:
    unknown = [job for job in query["jobs"] if job not in JOBS]
    return Error(f"Invalid job id: {unknown[0]}") if unknown else "forgiven"


def forgive_tasks(query: Mapping[str, Any]) -> Any:
    (task,) = query["tasks"]
    unknown = why(task)
    if isinstance(unknown, Error):
        return unknown
    if task["node"] == "db8":
        return Error("none of these tasks failed or waits for its backoff")
    return {"forgiven": 1}


def names(query: Mapping[str, Any]) -> dict[str, list[str]]:
    known = {"jobs": JOBS, "nodes": ("db7",)}[query["kind"]]
    return {"names": [name for name in known if name[:2] == query["near"][:2]]}


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", str(tmp_path / "d"))
    return FakeScheduler(
        answers={
            "enable_job": of_job("enabled"),
            "disable_job": of_job("disabled"),
            "kill_task": kill,
            "forgive_jobs": forgive,
            "forgive_tasks": forgive_tasks,
            "why": why,
            "names": names,
        }
    )


@pytest.fixture
def serving(scheduler: FakeScheduler, tmp_path: Path) -> Iterator[FakeScheduler]:
    with scheduler.on(tmp_path / "d"):
        yield scheduler


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["enable", "etl"], "etl is enabled"),
        (["disable", "etl", "web"], "etl is disabled\nweb is disabled"),
        (["kill", "etl", "db7"], "etl@db7 is being stopped"),
        (["kill", "etl", "db7", "--at-once"], "etl@db7 is being killed"),
        (["forgive", "web"], "forgave the failures of web"),
        (
            ["forgive", "etl", "--node", "db7", "--node", "db8"],
            "etl@db7: forgiven\netl@db8: no failure to forgive",
        ),
    ],
)
def test_what_was_done_is_said_and_stdout_stays_for_data(
    words: list[str],
    said: str,
    serving: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(words) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", said + "\n")
    assert run([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["errors"] == {}
    assert len(answer["results"]) == len(said.splitlines())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["enable", "elt"], "there is no job elt"),
        (["enable", ""], 'nothing has the name ""'),
        (["forgive", ""], 'nothing has the name ""'),
        (["disable", "etlx"], "there is no job etlx; did you mean etl?"),
        (["kill", "etl", "db8"], "etl@db8 is not running: backoff (waits 60 s)"),
        (
            ["kill", "etl", "db9"],
            "there is no task etl@db9: level db has no node db9; did you mean db7?",
        ),
        (["kill", "webs", "db7"], "there is no job webs; did you mean web?"),
        (["kill", "no", "db7"], "there is no job no"),
        (["forgive", "etlx"], "there is no job etlx; did you mean etl?"),
        (
            ["forgive", "etl", "--node", "db9"],
            "there is no task etl@db9: level db has no node db9; did you mean db7?",
        ),
        (["forgive", "webs", "--node=db7"], "there is no job webs; did you mean web?"),
    ],
)
def test_what_is_refused_is_exit_code_1_with_the_nearest_name(
    words: list[str],
    said: str,
    serving: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(words) == 1
    assert capsys.readouterr().err == f"bistro-tui: {said}\n"


@pytest.mark.parametrize(
    "text",
    [
        "Unknown job etlx",
        "Invalid job id: etlx",
        'the config has no job called "etlx"; did you mean "etl"?',
    ],
)
def test_an_unknown_job_is_told_of_in_one_way(
    text: str, serving: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    serving.answers |= dict.fromkeys(
        ("enable_job", "forgive_jobs", "kill_task"), Error(text)
    )
    for words in (["enable", "etlx"], ["forgive", "etlx"], ["kill", "etlx", "db7"]):
        assert run(words) == 1
        said = capsys.readouterr().err
        assert said == "bistro-tui: there is no job etlx; did you mean etl?\n"


def test_of_several_jobs_each_is_asked_for_whatever_became_of_others(
    serving: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["enable", "nobody", "etl", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "results": {"etl": "enabled"},
        "errors": {"nobody": "there is no job nobody"},
    }


@pytest.mark.parametrize(
    "words", [["enable", "etl"], ["kill", "etl", "db7"], ["forgive", "etl"], ["wait"]]
)
def test_where_nobody_answers_that_is_exit_code_5(
    words: list[str], scheduler: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 5
    assert "no scheduler runs on" in capsys.readouterr().err


def test_over_tcp_the_token_file_is_named_where_the_token_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scheduler = FakeScheduler(status=401, body=b'"kill_task needs the token"')
    with scheduler.on_a_port() as port:
        words = ["kill", "etl", "db7", "--url", f"http://127.0.0.1:{port}"]
        assert run(words) == 1
    said = capsys.readouterr().err
    assert "--token-file FILE or BISTRO_TUI_TOKEN_FILE" in said


def stored(data_dir: Path, table: str = "task_statuses") -> dict[str, tuple[int, int]]:
    with closing(sqlite3.connect(data_dir / "statuses.sql3")) as connection:
        query = (
            f"SELECT job_id || '@' || node_id, result, backoff_duration FROM {table}"
        )
        return {
            task: (result, delay) for task, result, delay in connection.execute(query)
        }


@pytest.fixture
def at_rest(tmp_path: Path) -> Path:
    """A data directory without a scheduler, with a status of each kind."""
    data_dir = tmp_path / "rest"
    DataDir(data_dir, host="here", now=0.0).close()
    with closing(sqlite3.connect(data_dir / "statuses.sql3")) as connection:
        for table in ("task_statuses", "a_b"):
            connection.execute(
                f"CREATE TABLE {table} (job_id TEXT, node_id TEXT, timestamp INTEGER,"
                " data TEXT, result INTEGER, result_bits INTEGER, status_time REAL,"
                " backoff_duration INTEGER, commit_number INTEGER, invocation TEXT,"
                " PRIMARY KEY(job_id, node_id))"
            )
            connection.executemany(
                f"INSERT INTO {table} VALUES (?, ?, 1, ?, ?, ?, 1.0, ?, 1, NULL)",
                [
                    ("etl", "n1", '{"at": 3}', 2, int(FAILED), 0),
                    ("etl", "n2", None, 0, int(ERROR_BACKOFF), 60),
                    ("etl", "n3", None, 1, 4, 0),
                    ("web", "n1", None, 2, int(FAILED), 0),
                ],
            )
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    return data_dir


def test_failures_are_forgiven_where_no_scheduler_runs(
    at_rest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forgive", "--data-dir", str(at_rest), "etl"]
    assert run(words) == 0
    said = capsys.readouterr().err
    assert said == f"forgave 2 failures of etl; no scheduler runs on {at_rest}\n"
    assert stored(at_rest) == {
        "etl@n1": (0, 0),
        "etl@n2": (0, 0),
        "etl@n3": (1, 0),
        "web@n1": (2, 0),
    }
    with closing(sqlite3.connect(at_rest / "statuses.sql3")) as connection:
        query = "SELECT data FROM task_statuses WHERE job_id = 'etl' AND node_id = 'n1'"
        assert connection.execute(query).fetchone() == ('{"at":3}',)
    assert run(words) == 0
    assert capsys.readouterr().err.startswith("forgave no failures of etl;")


@pytest.mark.parametrize("is_understood", [True, False])
def test_what_the_next_start_has_to_settle_keeps_its_wait_there(
    at_rest: Path, capsys: pytest.CaptureFixture[str], *, is_understood: bool
) -> None:
    left = LeftRun(at_rest / "run")
    left.add(1, of=task("n1"))
    left.add(2, of=task("n9" if not is_understood else "n2"))
    left.lines += [] if is_understood else ["S 3 {}"]
    left.write()
    words = ["forgive", "--data-dir", str(at_rest), "etl"]
    told = "how etl@n2 ended in the run before is not known yet: the next start of a"
    assert run(words) == 0
    said = capsys.readouterr().err
    assert said.startswith("forgave 1 failure of etl; no scheduler runs on ")
    assert told in said
    # What failed is not started: nothing of it can be left.
    assert stored(at_rest)["etl@n1"] == (0, 0)
    assert stored(at_rest)["etl@n2"] == (0, 60)
    assert run([*words, "--node", "n2"]) == 1
    assert told in capsys.readouterr().err
    # Another table is the business of another start, where its journal is understood.
    other = [*words, "--status-table", "a.b", "--node", "n2"]
    assert run(other) == (0 if is_understood else 1)


def test_only_the_failures_of_nodes_that_are_named_are_forgiven_there(
    at_rest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forgive", "--data-dir", str(at_rest), "etl", "--node", "n2"]
    assert run([*words, "--node", "n9"]) == 0
    assert capsys.readouterr().err.startswith("forgave 1 failure of etl;")
    assert stored(at_rest)["etl@n1"] == (2, 0)
    assert stored(at_rest)["etl@n2"] == (0, 0)
    assert run([*words, "web"]) == 2


def test_the_table_is_the_one_that_is_named(
    at_rest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forgive", "--data-dir", str(at_rest), "--status-table", "a.b", "web"]
    assert run([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"results": {"web": "forgiven"}, "errors": {}}
    assert stored(at_rest, "a_b")["web@n1"] == (0, 0)
    assert stored(at_rest)["web@n1"] == (2, 0)


def test_a_job_without_statuses_is_refused(
    at_rest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(at_rest)
    assert run(["forgive", "--data-dir", str(at_rest), "nobody"]) == 1
    assert "no status of nobody is stored in" in capsys.readouterr().err
    assert stored(at_rest) == before


def test_no_table_and_no_file_is_made_by_a_wrong_name(
    at_rest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forgive", "--data-dir", str(at_rest), "--status-table", "typo", "etl"]
    assert run(words) == 1
    with closing(sqlite3.connect(at_rest / "statuses.sql3")) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        assert ("typo",) not in connection.execute(query).fetchall()
    (tmp_path / "home").mkdir()
    assert run(["forgive", "--data-dir", str(tmp_path / "home"), "etl"]) == 1
    assert list((tmp_path / "home").iterdir()) == []


def test_a_data_directory_that_a_silent_scheduler_has_is_exit_code_4(
    at_rest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.client.once._COMING_SEC", 0.0)
    before = stored(at_rest)
    with closing(DataDir(at_rest, host="there", now=0.0)):
        assert run(["forgive", "--data-dir", str(at_rest), "etl"]) == 4
    assert "has it and does not answer" in capsys.readouterr().err
    assert stored(at_rest) == before


def test_a_store_that_cannot_be_used_is_exit_code_3_and_stays_as_it_is(
    at_rest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (at_rest / "statuses.sql3").write_bytes(b"x" * 4000)
    assert run(["forgive", "--data-dir", str(at_rest), "etl"]) == 3
    assert "statuses.sql3" in capsys.readouterr().err
    assert (at_rest / "statuses.sql3").read_bytes() == b"x" * 4000


def test_nothing_is_made_where_there_is_no_data_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["forgive", "--data-dir", str(tmp_path / "none"), "etl"]) == 5
    assert "no such directory" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ({"Q": 1, "gB": 2, "C": 5}, "forgave 3 failures of etl"),
        ({"Q": 1}, "forgave 1 failure of etl"),
        ({"C": 5, "E": 5}, "etl: no failures to forgive"),
        ({}, "etl: no failures to forgive"),
    ],
)
def test_forgiving_says_how_many_failures_there_were(
    codes: dict[str, int],
    said: str,
    serving: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serving.answers |= {
        "jobs": {"etl": {"level_for_tasks": "db"}},
        "histogram": {"histograms": {"etl": {"db": codes}}},
    }
    assert run(["forgive", "etl"]) == 0
    assert capsys.readouterr().err == f"{said}\n"
