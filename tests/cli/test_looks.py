"""What one-shot looks show of the answers of a scheduler."""

import io
import json
import re
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.ids import BEFORE_STARTS
from tests.cli.fake_scheduler import Error, FakeScheduler

EVIL = "a\x1b[2J\n\u202eb"
RUNNING = {
    "etl": {
        "db7": {"start_time": 1_700_000_100, "worker_shard": "local", "pid": 42,
                "invocation": "1-2"},
        "db3": {"start_time": 1_700_000_000, "worker_shard": "local", "pid": None,
                "invocation": "1-1"},
    }
}  # fmt: skip
JOB = {"enabled": True, "owner": "t", "level_for_tasks": "db", "priority": 1.0}
JOBS = {
    "etl": JOB,
    "off": JOB | {"enabled": False, "priority": 2.5},
    "bad": JOB
    | {"errors": {"error": "no owner", "nested": {"priority": {"error": "no number"}}}},
}
HISTOGRAM = {
    "histograms": {
        "etl": {
            "db": {"C": 2, "E": 5, "Q": 1, "gB": 3, "B": 4, "EE": 1},
            "rack": {"E": 9},
        }
    }
}
NODES: dict[str, dict[str, Any]] = {
    "results": {
        "instance": {
            "here": {"resources": {"concurrency": {"limit": 3, "default": 1}}}
        },
        "db": {"db3": {"resources": {}}, "db7": {"resources": {}, "disabled": True}},
    }
}
TASKS = [
    {"job": "etl", "node": f"db{number}", "status": "backoff", "since": 1_700_000_000,
     "attempts": 2, "next_run": 1_700_000_060, "why": "waits 60 s",
     "worker_shard": None}
    for number in range(5)
]  # fmt: skip
WORKERS: dict[str, Any] = {
    "workers": [
        {"shard": "local", "state": "HEALTHY", "host": "here", "running": 2,
         "resources": {"ram_mb": {"used": 1, "limit": 4}}, "last_heartbeat": 1.0}
    ],
    "initial_wait": "",
}  # fmt: skip
WHY = {
    "job": "etl", "node": "db7", "reason": "resource",
    "checks": [{"check": "job_enabled", "ok": True, "text": "the job is enabled"},
               {"check": "resources of db7", "ok": False, "text": "no slot is free"}],
    "holders": [{"job": "other", "node": "db7"}],
    "would_run_if": "runs when other@db7 ends",
}  # fmt: skip
STATS = {
    "tasks": {"running": 2, "done": 5, "failed": 0}, "starts_per_second": 1.25,
    "resources": {"instance": {"concurrency": {"limit": 3, "used": 2}}},
    "loop_lag_p99_ms": 1.5, "uptime_seconds": 65.0, "state": "running",
}  # fmt: skip


def of_names(query: Mapping[str, Any]) -> dict[str, list[str]]:
    known = {"jobs": list(JOBS), "nodes": ["here", "db3", "db7"]}[query["kind"]]
    return {"names": [name for name in known if name[:2] == query["near"][:2]]}


def jobs(query: Mapping[str, Any]) -> dict[str, Any]:
    wanted = query.get("jobs") or list(JOBS)
    return {name: job for name, job in JOBS.items() if name in wanted}


def nodes(query: Mapping[str, Any]) -> dict[str, Any]:
    wanted = query.get("nodes")
    kept = {
        level: {name: one for name, one in of.items() if not wanted or name in wanted}
        for level, of in NODES["results"].items()
    }
    return {"results": {level: of for level, of in kept.items() if of}}


def tasks(query: Mapping[str, Any]) -> dict[str, Any]:
    begin = int(query.get("after") or 0)
    end = begin + min(query["limit"], 2)
    return {"tasks": TASKS[begin:end], "next": str(end) if end < len(TASKS) else None}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", "d")
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[FakeScheduler]:
    answers = {
        "running_tasks": RUNNING,
        "jobs": jobs,
        "histogram": HISTOGRAM,
        "nodes": nodes,
        "sorted_node_names": {"instance": ["here"], "rack": [], "db": ["db3", "db7"]},
        "tasks": tasks,
        "workers": WORKERS,
        "errors": {},
        "why": WHY,
        "stats": STATS,
        "names": of_names,
    }
    with FakeScheduler(answers=answers).on(tmp_path / "d") as serving:
        yield serving


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> "Lines":
    return Lines(capsys)


class Lines:
    """Runs a command that has to succeed and gives the words of its lines."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said = ""

    def __call__(self, *words: str, code: int = 0) -> list[list[str]]:
        assert run(list(words)) == code
        shown = self._capsys.readouterr()
        self.said = shown.err
        return [line.split() for line in shown.out.splitlines()]


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize(
    ("words", "data"),
    [
        (["ps"], RUNNING),
        (["jobs"], JOBS),
        (["tasks", "--limit", "2"], {"tasks": TASKS[:2], "next": "2"}),
        (["tasks", "--limit", "3"], {"tasks": TASKS[:3], "next": "3"}),
        (["tasks", "etl", "--after", "4"], {"tasks": TASKS[4:], "next": None}),
        (["tasks", "-n0"], {"tasks": TASKS, "next": None}),
        (["nodes"], NODES),
        (["nodes", "--level", "db"], {"results": {"db": NODES["results"]["db"]}}),
        (["nodes", "--level", "rack"], {"results": {}}),
        (["workers"], WORKERS),
        (["errors"], {}),
        (["why", "etl", "db7"], WHY),
        (["top", "--once"], STATS),
    ],
)
def test_json_is_the_data_of_the_handler(
    words: list[str], data: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == data
    assert said.err == ""
    assert said.out.count("\n") == 1


@pytest.mark.usefixtures("scheduler")
def test_ps_shows_the_longest_running_first(lines: Lines) -> None:
    titles, first, second = lines("ps")
    assert titles == ["JOB", "NODE", "STARTED", "RUNS", "PID", "WORKER", "INVOCATION"]
    assert (first[0], first[1], first[5:]) == ("etl", "db3", ["-", "local", "1-1"])
    assert (second[0], second[1], second[5:]) == ("etl", "db7", ["42", "local", "1-2"])


def test_ps_tells_of_tasks_whose_worker_is_not_well(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    one = RUNNING["etl"]["db7"]
    shards = ("w1", "w2", "w3", "w4", "local", None)
    well: dict[str, Any] = dict(WORKERS["workers"][0])
    scheduler.answers |= {
        "running_tasks": {
            "etl": {f"n-{shard}": {**one, "worker_shard": shard} for shard in shards}
        },
        "workers": {
            "workers": [
                well | {"shard": "w1", "why": BEFORE_STARTS},
                well | {"shard": "w2", "why": "not connected"},
                well | {"shard": "w3", "state": "UNHEALTHY", "why": "no heartbeat"},
                well | {"shard": "w4", "state": "MUST_DIE"},
            ],
            "initial_wait": "",
        },
    }
    titles, *found = lines("ps")
    assert titles[-4:] == ["WORKER", "WORKER", "IS", "INVOCATION"]
    assert {row[1]: " ".join(row[7:-1]) for row in found} == {
        "n-w1": "-",
        "n-w2": "not connected",
        "n-w3": "UNHEALTHY: no heartbeat",
        "n-w4": "MUST_DIE",
        "n-local": "-",
        "n-None": "-",
    }
    # One that cannot be asked, or where all are well, has nothing to tell of that.
    for answer in (Error("no"), {"workers": [well | {"shard": "w1"}]}):
        scheduler.answers["workers"] = answer
        titles, *_ = lines("ps")
        assert titles[-2:] == ["WORKER", "INVOCATION"]


def test_why_tells_a_long_reason_once(scheduler: FakeScheduler, lines: Lines) -> None:
    text = "Waiting for all workers to connect: w2"
    checks = [
        {"check": "starts", "ok": False, "text": text},
        {"check": "worker", "ok": False, "text": "no worker takes tasks now: w1"},
    ]
    when = f"runs when the pause is over: {text}, and w1 takes tasks"
    scheduler.answers["why"] = WHY | {"checks": checks, "would_run_if": when}
    shown = [" ".join(line) for line in lines("why", "etl", "db7")]
    assert shown[-1] == "runs when the pause is over, and w1 takes tasks"


def test_ps_of_a_job_asks_for_it_alone(scheduler: FakeScheduler, lines: Lines) -> None:
    lines("ps", "etl")
    assert scheduler.asked == [{"handler": "running_tasks", "jobs": ["etl"]}]


def test_nothing_to_show_is_said_and_is_no_data(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    scheduler.answers |= {
        "running_tasks": {},
        "jobs": {},
        "tasks": {"tasks": [], "next": None},
        "nodes": {"results": {}},
        "workers": {"workers": [], "initial_wait": ""},
    }
    for command, said in (
        (["ps"], "no task runs"),
        (["jobs"], "there is no job"),
        (["tasks"], "there is no task"),
        (["tasks", "--status", "failed"], "there is no such task"),
        (["nodes"], "there is no node"),
        (
            ["workers"],
            "there is no worker; this starts one: bistro-tui worker --scheduler-host"
            " HOST --scheduler-port PORT --worker-command PROGRAM",
        ),
        (["errors"], "nothing is wrong"),
    ):
        assert lines(*command) == []
        assert lines.said == f"{said}\n"
    scheduler.answers["jobs"] = JOBS
    assert lines("ps", "etl") == []
    assert lines.said == "no task of etl runs\n"


@pytest.mark.usefixtures("scheduler")
def test_jobs_tell_how_far_each_is(lines: Lines) -> None:
    titles, etl, off, bad = lines("jobs")
    counts = ["TASKS", "RUNNING", "DONE", "FAILED", "BACKOFF", "WAITING"]
    assert titles[4:] == [*counts, "ERROR"]
    assert etl == ["etl", "enabled", "db", "1", "16", "2", "6", "1", "3", "4"]
    assert off == ["off", "disabled", "db", "2.5", *"------"]
    assert bad[:2] == ["bad", "invalid"]
    assert " ".join(bad[10:]) == "no owner; priority: no number"


def test_jobs_without_counts_are_shown_all_the_same(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    scheduler.answers["histogram"] = Error("not now")
    titles, etl = lines("jobs", "etl")
    assert titles[-1] == "WAITING"
    assert etl == ["etl", "enabled", "db", "1", *"------"]


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobs", "etlx"], "there is no job etlx; did you mean etl?"),
        (["jobs", "--json", "etl", "zzz"], "there is no job zzz"),
        (["nodes", "db3", "dbx"], "there is no node dbx; did you mean db3?"),
        (
            ["nodes", "db3", "--level", "instance"],
            "there is no node db3 on level instance",
        ),
        (["nodes", "--level", "racks"], "there is no level racks; did you mean rack?"),
        (
            ["nodes", "--level", "x"],
            "there is no level x; there are instance, rack, db",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    words: list[str], said: str, lines: Lines
) -> None:
    lines(*words, code=1)
    assert lines.said == f"bistro-tui: {said}\n"


@pytest.mark.parametrize(
    ("answer", "words", "said"),
    [
        (
            "there is no task etlx@db7: there is no job etlx; did you mean etl?",
            ["etlx", "db7"],
            "there is no job etlx; did you mean etl?",
        ),
        ("there is no job zz", ["zz", "zz"], "there is no job zz"),
        (
            "there is no task etl@dbx: level db has no node dbx",
            ["etl", "dbx"],
            "there is no task etl@dbx: level db has no node dbx; did you mean db3?",
        ),
        ("not now", ["etl", "db7"], "not now"),
    ],
)
def test_why_asks_what_was_meant(
    answer: str,
    words: list[str],
    said: str,
    scheduler: FakeScheduler,
    lines: Lines,
) -> None:
    scheduler.answers["why"] = Error(answer)
    lines("why", *words, code=1)
    assert lines.said == f"bistro-tui: {said}\n"


@pytest.mark.usefixtures("scheduler")
def test_tasks_name_the_job_unless_one_was_asked_for(lines: Lines) -> None:
    titles, first, *_ = lines("tasks")
    assert titles[:3] == ["JOB", "NODE", "STATUS"]
    assert first[:3] == ["etl", "db0", "backoff"]
    titles, first, *_ = lines("tasks", "etl")
    assert titles[:2] == ["NODE", "STATUS"]
    assert " ".join(first[-3:]) == "waits 60 s"


def test_tasks_are_asked_for_as_the_flags_say(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    flags = ["--status", "backoff", "--name", "db", "--limit", "3"]
    assert len(lines("tasks", "etl", *flags)) == 4
    first, second = scheduler.asked
    asked = {"handler": "tasks", "job": "etl", "status": "backoff", "name": "db"}
    assert first == asked | {"limit": 3}
    assert second == asked | {"limit": 1, "after": "2"}
    assert "--after '3'" in lines.said


def test_a_page_without_tasks_is_not_the_end(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    pages = iter([([], "1"), ([], "2"), (TASKS[:1], None)])
    scheduler.answers["tasks"] = lambda _: dict(
        zip(("tasks", "next"), next(pages), strict=True)
    )
    assert len(lines("tasks")) == 2
    assert lines.said == ""


def test_a_status_that_is_no_word_is_a_wrong_command_line(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    lines("tasks", "--status", "late", code=2)
    assert "'late' is not one of 'running', 'done', 'failed'" in lines.said
    assert scheduler.asked == []


@pytest.mark.usefixtures("scheduler")
def test_nodes_are_shown_with_their_limits(lines: Lines) -> None:
    assert lines("nodes") == [
        ["NODE", "LEVEL", "STATE", "LIMITS"],
        ["here", "instance", "enabled", "concurrency", "3", "(default", "1)"],
        ["db3", "db", "enabled"],
        ["db7", "db", "disabled"],
    ]


def test_workers_are_shown_and_what_is_waited_for_is_said(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    scheduler.answers["workers"] = WORKERS | {"initial_wait": "waits 5 s for workers"}
    _, worker = lines("workers")
    assert worker[:4] == ["local", "HEALTHY", "here", "2"]
    assert worker[-2:] == ["ram_mb", "1/4"]
    assert lines.said == "waits 5 s for workers\n"


def test_each_worker_has_a_line_with_its_state_and_what_it_has(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    local: dict[str, Any] = dict(WORKERS["workers"][0])
    states = ("MUST_DIE", "NEW", "UNHEALTHY")
    rows = [local | {"shard": f"w-{state}", "state": state} for state in states]
    scheduler.answers["workers"] = {"workers": [*rows, local], "initial_wait": ""}
    titles, *found = lines("workers")
    assert titles[:2] == ["SHARD", "STATE"]
    assert [row[:2] for row in found] == [
        ["local", "HEALTHY"],
        *(["w-" + state, state] for state in states),
    ]
    assert all(row[-2:] == ["ram_mb", "1/4"] for row in found)
    rows[0]["why"] = "not connected"
    titles, well, *sick = lines("workers")
    assert titles[-3:] == ["GETS", "NO", "TASKS"]
    assert well[-1] == "-"
    assert sick[0][-2:] == ["not", "connected"]


def test_errors_say_where_and_keep_their_lines(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    scheduler.answers["errors"] = {"config": "c.json: bad\nsecond", EVIL: EVIL}
    shown = [" ".join(line) for line in lines("errors")]
    assert shown[:2] == ["config: c.json: bad", "second"]
    assert shown[2:] == ["a␛[2J␊<U+202E>b: a␛[2J", "<U+202E>b"]


@pytest.mark.usefixtures("scheduler")
def test_why_shows_the_chain_the_holders_and_what_would_help(lines: Lines) -> None:
    assert [" ".join(line) for line in lines("why", "etl", "db7")] == [
        "etl@db7: resource",
        "ok job_enabled the job is enabled",
        "no resources of db7 no slot is free",
        "held by other@db7",
        "runs when other@db7 ends",
    ]


def test_why_does_not_alarm_where_all_is_as_it_should_be(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    checks = [
        {"check": "not_done", "ok": True, "text": "it is not done"},
        {"check": "not_running", "ok": False, "text": "attempt 1 runs"},
    ]
    found = {"reason": "running", "checks": checks, "holders": [], "would_run_if": ""}
    scheduler.answers["why"] = WHY | found
    shown = [" ".join(line) for line in lines("why", "etl", "db7")]
    assert shown[1:] == ["ok not_done it is not done", "-- not_running attempt 1 runs"]


def test_tasks_are_printed_as_their_pages_come(
    scheduler: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes, shown = list[int](), list[int]()

    def page(query: Mapping[str, Any]) -> dict[str, Any]:
        sizes.append(query["limit"])
        shown.append(capsys.readouterr().out.count("backoff"))
        return tasks(query)

    for words in (["tasks", "--limit", "0"], ["tasks", "--limit", "0", "--json"]):
        sizes.clear()
        shown.clear()
        scheduler.answers["tasks"] = page
        assert run(words) == 0
        assert sizes == [1_000, 10_000, 10_000]
        assert shown == [0, 2, 2]
        capsys.readouterr()


@pytest.mark.usefixtures("scheduler")
def test_top_shows_everything_once(lines: Lines) -> None:
    shown = [" ".join(line) for line in lines("top", "--once")]
    assert shown[0] == "running · up 1m05s · 1.2 starts/s · loop lag 1.5 ms"
    assert shown[1] == "7 tasks: 2 running, 5 done"
    assert "instance concurrency 2/3" in shown
    assert any(line.startswith("etl enabled") for line in shown)
    assert any(line.startswith("etl db3") for line in shown)


@pytest.mark.parametrize(
    ("progress", "jobs", "word"),
    [
        ({"done": 3, "is_done": True}, {"etl": JOB}, "all done"),
        ({"is_done": True}, {"etl": JOB | {"enabled": False}}, "nothing enabled"),
        ({"is_done": True}, {"etl": JOB}, "nothing to do"),
        ({"is_done": True, "running": 1}, {"etl": JOB}, "running"),
        ({"failed": 2}, {"etl": JOB}, "idle"),
        ({"blocked": 2, "can_progress": True}, {"etl": JOB}, "running"),
    ],
)
def test_top_says_how_it_is_in_the_words_of_the_screen(
    progress: dict[str, Any],
    jobs: dict[str, Any],
    word: str,
    scheduler: FakeScheduler,
    lines: Lines,
) -> None:
    nothing = {"done": 0, "failed": 0, "blocked": 0, "running": 0}
    flags = {"can_progress": False, "is_done": False}
    scheduler.answers |= {"progress": nothing | flags | progress, "jobs": jobs}
    shown = [" ".join(line) for line in lines("top", "--once")]
    assert shown[0].startswith(f"{word} · up ")


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        (
            {"RemoteWorkerRunner initial wait": "Waiting for all workers"},
            "initial wait",
        ),
        ({"worker w1": "lost"}, "paused"),
    ],
)
def test_top_tells_a_pause_from_a_wait_for_workers(
    errors: dict[str, str], word: str, scheduler: FakeScheduler, lines: Lines
) -> None:
    stats = scheduler.answers["stats"]
    assert isinstance(stats, dict)
    scheduler.answers |= {"errors": errors, "stats": stats | {"state": "paused"}}
    shown = [" ".join(line) for line in lines("top", "--once")]
    assert shown[0].startswith(f"{word} · up ")


def test_top_shows_what_is_wrong_and_not_more_tasks_than_fit(
    scheduler: FakeScheduler, lines: Lines
) -> None:
    one = RUNNING["etl"]["db7"]
    scheduler.answers |= {
        "running_tasks": {"etl": {f"n{number:03}": one for number in range(30)}},
        "errors": {"config": "is bad"},
    }
    shown = lines("top", "--once")
    assert ["config:", "is", "bad"] in shown
    assert sum(line[:1] == ["etl"] for line in shown) == 1 + 20
    assert lines.said == "and 10 more: bistro-tui ps\n"


@pytest.mark.usefixtures("scheduler")
def test_top_without_once_names_the_screen(lines: Lines) -> None:
    lines("top", code=2)
    assert "bistro-tui top --once" in lines.said
    assert "bistro-tui attach" in lines.said


@pytest.mark.parametrize(
    "words",
    [
        ["ps"],
        ["jobs"],
        ["tasks"],
        ["nodes"],
        ["workers"],
        ["why", "j", "n"],
        ["top", "--once"],
    ],
)
def test_no_name_reaches_the_terminal_as_it_is(
    words: list[str], scheduler: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    def evil(value: object) -> object:
        if isinstance(value, dict):
            return {
                EVIL
                if key in ("etl", "db7", "db3", "db", "here", "instance")
                else key: evil(one)
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [evil(one) for one in value]
        return EVIL if isinstance(value, str) else value

    scheduler.answers |= {
        "running_tasks": evil(RUNNING),
        "jobs": evil({"etl": JOB | {"errors": {"nested": {"etl": {"error": "x"}}}}}),
        "tasks": evil({"tasks": TASKS, "next": None}),
        "nodes": evil(NODES),
        "workers": evil(WORKERS),
        "why": evil(WHY),
        "stats": evil(STATS),
        "errors": {EVIL: EVIL},
    }
    assert run(words) == 0
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "a␛[2J" in shown.out


@pytest.mark.usefixtures("scheduler")
def test_query_prints_the_answer_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["query", '{"a": {"handler": "errors"}, "b": {"handler": "workers"}}']) == 0
    )
    assert json.loads(capsys.readouterr().out) == {
        "a": {"data": {}},
        "b": {"data": WORKERS},
    }


@pytest.mark.usefixtures("scheduler")
def test_query_reads_stdin_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"a": {"handler": "errors"}}'))
    monkeypatch.setattr("sys.stdin", stdin)
    assert run(["query", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {"a": {"data": {}}}


@pytest.mark.usefixtures("scheduler")
def test_a_subquery_with_an_error_is_printed_and_makes_the_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["query", '{"a": {"handler": "x"}, "b": {"handler": "errors"}}']) == 1
    answers = json.loads(capsys.readouterr().out)
    assert answers == {"a": {"error": "Unknown handler: x"}, "b": {"data": {}}}


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "[" * 100_000])
def test_a_query_that_is_no_request_is_a_wrong_command_line(
    text: str, scheduler: FakeScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["query", text]) == 2
    assert "e.g. bistro-tui query" in capsys.readouterr().err
    assert scheduler.asked == []


def test_a_look_that_is_interrupted_does_not_say_that_it_went_well(
    scheduler: FakeScheduler,
) -> None:
    def interrupt(_query: object) -> dict[str, str]:
        signal.raise_signal(signal.SIGINT)
        return {}

    scheduler.answers["errors"] = interrupt
    signal.signal(signal.SIGINT, lambda *_: None)
    assert run(["errors"]) == 130


@pytest.mark.usefixtures("scheduler")
def test_a_terminal_gets_colours_and_words_that_say_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for words in (["why", "etl", "db7"], ["jobs"], ["tasks"], ["top", "--once"]):
        shown = []
        for no_color in ("", "1"):
            monkeypatch.setenv("NO_COLOR", no_color)
            assert run(words) == 0
            shown.append(capsys.readouterr().out)
        assert "\x1b[" in shown[0]
        assert re.sub(r"\x1b\[[0-9]*m", "", shown[0]) == shown[1]
