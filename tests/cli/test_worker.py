"""The worker command, as far as it goes without a scheduler."""

from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli import worker_run
from bistro_tui.cli.main import run
from bistro_tui.engine.errors import DoorUnusable, NobodyListens
from bistro_tui.engine.remote import token_place
from bistro_tui.engine.remote.worker_token import WorkerToken

GIVEN = ["--scheduler-host", "::", "--scheduler-port", "6789", "--worker-command", "x"]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the flags of each worker that would be run."""
    found: list[dict[str, Any]] = []

    def remember(flags: dict[str, Any]) -> int:
        found.append(flags)
        return 7

    monkeypatch.setattr(worker_run, "run_worker", remember)
    return found


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ([], "--scheduler-host and --scheduler-port and --worker-command"),
        (GIVEN[:4], "needs --worker-command."),
        (GIVEN[2:], "needs --scheduler-host."),
        (["--scheduler-host=", *GIVEN[2:]], "needs --scheduler-host."),
        ([*GIVEN[:4], "--worker_command="], "needs --worker-command."),
    ],
)
def test_what_a_worker_cannot_do_without_is_named(
    words: list[str], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["worker", *words]) == 2
    said = capsys.readouterr().err
    assert missing in said
    assert "Like this: bistro-tui worker --scheduler-host HOST" in said


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        (
            "no-such-program-at-all",
            "no-such-program-at-all: there is no such program on",
        ),
        ("./none", "./none: there is no such program. Tasks of jobs"),
        ("./text", "./text: it may not be executed; chmod +x"),
        ("./made", "./made: it is no program"),
        ("./good", ""),
    ],
)
def test_a_worker_command_that_cannot_run_is_warned_of(
    command: str,
    wrong: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(home)
    (home / "text").write_text("")
    (home / "made").mkdir()
    (home / "good").write_text("")
    (home / "good").chmod(0o700)
    worker_run.warn_of_command(command)
    assert wrong in caplog.text
    assert bool(wrong) == bool(caplog.text)


@pytest.mark.parametrize("port", ["0", "65536", "many"])
def test_a_port_to_dial_is_one_to_65535(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["worker", *GIVEN, "--scheduler-port", port]) == 2
    said = capsys.readouterr().err
    assert "--scheduler-port" in said
    assert f"'{port}' is not a port number from 1 to 65535" in said


@pytest.mark.parametrize(
    ("host", "instead"),
    [
        ("http://localhost", "--scheduler-host localhost"),
        ("https://a.example:26780/x", "--scheduler-host a.example --scheduler-port 26"),
        ("localhost:26780", "--scheduler-host localhost --scheduler-port 26780"),
        ("[::1]:26780", "--scheduler-host ::1 --scheduler-port 26780"),
        ("me@a.example", "--scheduler-host a.example"),
        ("a.example/pool", "--scheduler-host a.example"),
        ("a b", "give a host's name or its address"),
        (" ", "give a host's name or its address"),
        ("a..b", "give a host's name or its address"),
        ("/tmp/x", "give a host's name or its address"),
        ("\x1b[2J", "give a host's name or its address"),
        ("[::1", "give a host's name or its address"),
        ("x" * 254, "give a host's name or its address"),
    ],
)
def test_what_cannot_be_a_host_is_not_dialed(
    host: str,
    instead: str,
    seen: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [f"--scheduler-host={host}", *GIVEN[2:], "--token-file=t"]
    assert run(["worker", *words]) == 2
    said = capsys.readouterr().err
    assert "is no host name" in said
    assert instead in said
    assert "\x1b" not in said
    assert seen == []


@pytest.mark.parametrize(
    "host",
    [
        *("::", "[::1]", "0.0.0.0", "fe80::1%eth0", "localhost", "db-7.a.example."),
        *("db_7", "büro.example", " localhost "),
    ],
)
def test_any_name_and_any_address_is_a_host(
    host: str, seen: list[dict[str, Any]]
) -> None:
    assert run(["worker", f"--scheduler-host={host}", *GIVEN[2:]]) == 7
    assert [flags["scheduler_host"] for flags in seen] == [host]


def test_bistros_spellings_and_the_environment_are_known(
    seen: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BISTRO_TUI_SCHEDULER_HOST", "far.example")
    words = "--scheduler_port=1 --worker_command=./w.sh --shard_id=s --data_dir=d"
    assert run(["worker", *words.split(), "--heartbeat_period_sec=0.5"]) == 7
    (flags,) = seen
    assert flags["scheduler_host"] == "far.example"
    options = worker_run._options(flags)
    assert (options.scheduler_port, options.worker_command) == (1, "./w.sh")
    assert (options.shard, options.directory) == ("s", Path("d"))
    assert options.heartbeat_period_sec == 0.5


@pytest.mark.parametrize("given", ["0", "-3"])
def test_a_period_that_is_none_counts_as_a_second(
    given: str, seen: list[dict[str, Any]]
) -> None:
    flag = f"--heartbeat-period-sec={given}"
    assert run(["worker", *GIVEN, flag]) == 7
    assert worker_run._options(seen[0]).heartbeat_period_sec == 1.0


@pytest.mark.parametrize("given", ["inf", "nan", "1000001", "often", ""])
def test_a_period_is_a_number_of_seconds(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["worker", *GIVEN, f"--heartbeat-period-sec={given}"]) == 2
    said = capsys.readouterr().err
    assert f"'{given}' is not a number of seconds up to 1000000" in said


def test_each_shard_has_a_directory_of_its_own(
    seen: list[dict[str, Any]], home: Path
) -> None:
    for shard in ("w1", "a/b", "%"):
        assert run(["worker", *GIVEN, "--shard-id", shard]) == 7
    places = [worker_run._options(flags).directory for flags in seen]
    kept = home / "state" / "bistro-tui"
    assert places[0] == kept / "worker-w1"
    assert {place.parent for place in places} == {kept}
    assert len(set(places)) == 3


@pytest.mark.parametrize("shard", ["local", " ", "a\nb", "x" * 256, "\x1b[2J"])
def test_a_shard_has_a_name_that_can_be_shown_and_is_no_schedulers(
    shard: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["worker", *GIVEN, "--shard-id", shard]) == 2
    said = capsys.readouterr().err
    assert "--shard-id" in said
    assert "\x1b" not in said


def test_flags_of_bistro_without_a_use_here_are_accepted_with_a_warning(
    seen: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--server_address=10.0.0.1",
        "--server_disable_ipv6",
        "--log_db_file_name=x",
        "--log_performance",
    ]
    assert run(["worker", *GIVEN, *words]) == 7
    said = capsys.readouterr().err
    assert said.count("has no effect") == 4
    assert "--server-address has no effect: a worker listens nowhere" in said
    assert len(seen) == 1


def test_without_a_scheduler_to_be_known_by_there_is_no_token(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_run, "START_SEC", 0.2)
    assert run(["worker", *GIVEN]) == 2
    said = capsys.readouterr().err
    assert "no scheduler of yours listens on this host for workers at port 6789" in said
    assert "--server-port 6789" in said
    assert run(["worker", *GIVEN, "--token-file", str(home / "none")]) == 2
    said = capsys.readouterr().err
    assert f"--token-file {home}/none: No such file" in said
    assert not (home / "state").exists()


def test_a_scheduler_that_starts_at_the_same_moment_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def token(_host: str, port: int) -> WorkerToken:
        asked.append(port)
        if len(asked) < 3:
            raise NobodyListens("not yet")
        raise DoorUnusable("found")

    monkeypatch.setattr(token_place, "token_on_this_host", token)
    assert run(["worker", *GIVEN]) == 2
    assert asked == [6789] * 3


def test_help_shows_what_counts_and_starts_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["worker", "--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("--scheduler-host", "--token-file", "worker.token", "Exit codes"):
        assert word in shown
    assert "--thrift" not in shown
