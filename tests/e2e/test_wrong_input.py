"""Wrong input is answered like a colleague would, and never with a traceback."""

import json
import os
import pty
import signal
import sqlite3
import subprocess

import pytest

from tests.e2e.program import DONE, PROGRAM, Finished, Place, config_of, shell
from tests.faults.watching import wait_until

pytestmark = pytest.mark.slow

GOOD = config_of(("a", {"command": DONE}))


@pytest.fixture(autouse=True)
def _good_config(place: Place) -> None:
    place.write_config(GOOD)


def refused(run: Finished, *, code: int, words: list[str]) -> None:
    assert run.code == code, run.err
    assert run.out == ""
    assert "Traceback" not in run.err
    for word in words:
        assert word in run.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["no config given", "bistro-tui CONFIG.json"]),
        (("confg.json", "--no-ui"), ["confg.json", "no such file", "config.json"]),
        ((".", "--no-ui"), ["is a directory"]),
        (("config.json", "--no-ui", "--data-dirr=x"), ["--data-dirr", "--data-dir"]),
        (("config.json", "--no-ui", "--runner=x"), ["--runner", "local"]),
        (("config.json", "--no-ui", "--runner=remote"), ["--server-port"]),
        (("config.json", "--no-ui", "--runner=mixed"), ["--server-port"]),
        (
            ("config.json", "--no-ui", "--server-port=1", "--heartbeat-grace-period=x"),
            ["--heartbeat-grace-period", "seconds"],
        ),
        (("config.json", "other.json", "--no-ui"), ["other.json"]),
        (("config.json", "--no-ui", "--json"), ["--exit-when-done"]),
        (("config.json",), ["stdin and stderr are no terminals", "--no-ui"]),
        (("config.toml", "--no-ui"), ["config.toml"]),
        (("config.json", "--no-ui", "--status-table="), ["--status-table"]),
        (
            ("config.json", "--no-ui", "--instance-node-name=node1"),
            ["config.json", "node1"],
        ),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_what_to_do(
    place: Place, arguments: tuple[str, ...], words: list[str]
) -> None:
    refused(place.run(*arguments), code=2, words=words)


def test_text_that_is_not_json_is_shown_with_its_line_and_a_caret(
    place: Place,
) -> None:
    place.write("config.json", '{\n  "bistro_settings": {\n    "enabled": tru\n  }\n}')

    run = place.run("config.json", "--no-ui")

    refused(run, code=2, words=["config.json:3:16"])
    shown, caret = run.err.splitlines()[1:3]
    assert '"enabled": tru' in shown
    assert shown.index("tru") == caret.index("^")


def test_a_settings_error_names_its_path_and_place(place: Place) -> None:
    bad = config_of(("a", {"command": DONE}), settings={"scheduler": "round_robin"})
    place.write_config(bad)

    run = place.run("config.json", "--no-ui")

    refused(run, code=2, words=["bistro_settings.scheduler", "roundrobin"])


def test_a_flag_without_effect_is_accepted_with_a_warning(place: Place) -> None:
    run = place.batch(
        place.path / "config.json", "--http_server_threads=2", "--noclean_statuses"
    )

    assert run.code == 0
    assert "warning: --http-server-threads has no effect" in run.err


def test_flags_can_be_set_by_the_environment(place: Place) -> None:
    run = place.run(
        "config.json",
        env={
            "BISTRO_TUI_DATA_DIR": str(place.data),
            "BISTRO_TUI_NO_UI": "1",
            "BISTRO_TUI_EXIT_WHEN_DONE": "1",
        },
    )

    assert run.code == 0, run.err
    assert (place.data / "statuses.sql3").exists()


def test_a_data_dir_that_is_a_file_exits_3(place: Place) -> None:
    place.write("data", "")

    run = place.batch(place.path / "config.json")

    refused(run, code=3, words=[str(place.data), "not a directory", "--data-dir"])


def test_a_corrupt_database_exits_3_and_stays_as_it_is(place: Place) -> None:
    place.data.mkdir(mode=0o700)
    garbage = b"this is no database" * 100
    (place.data / "statuses.sql3").write_bytes(garbage)

    run = place.batch(place.path / "config.json")

    refused(run, code=3, words=["statuses.sql3"])
    assert (place.data / "statuses.sql3").read_bytes() == garbage


def test_a_bistro_database_is_honoured(place: Place) -> None:
    place.data.mkdir(mode=0o700)
    with sqlite3.connect(place.data / "statuses.sql3") as bistro:
        bistro.execute(
            "CREATE TABLE task_statuses (job_id TEXT, node_id TEXT, timestamp INTEGER,"
            " data TEXT, result INTEGER, PRIMARY KEY (job_id, node_id))"
        )
        bistro.execute(
            "INSERT INTO task_statuses VALUES ('a', 'node11', 1400000000, NULL, 1)"
        )
    bistro.close()

    run = place.batch(place.path / "config.json")

    assert (run.json["done"], run.json["started"]) == (4, 3)


def test_a_held_data_dir_exits_4_naming_the_holder(place: Place) -> None:
    held = config_of(("a", {"command": shell('echo up; sleep 30; echo done > "$2"')}))
    place.write_config(held, "held.json")
    first = place.start("held.json", "--no-ui", "--data-dir", place.data)
    assert first.stderr is not None
    try:
        first.stderr.readline()  # it serves

        second = place.run("config.json", "--no-ui", "--data-dir", place.data)

        refused(second, code=4, words=[str(first.pid), str(place.data)])
    finally:
        first.terminate()
        first.communicate(timeout=60)
    assert first.returncode == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_batch_says_by_which_signal(
    place: Place, number: signal.Signals, code: int
) -> None:
    held = config_of(("a", {"command": shell("touch up; exec sleep 30")}))
    place.write_config(held, "held.json")
    process = place.start(
        "held.json", "--no-ui", "--exit-when-done", "--json", "--data-dir", place.data
    )
    up = place.data / "jobs" / "a" / "up"
    wait_until(up.exists, "a task runs", 60)

    process.send_signal(number)
    out, _ = process.communicate(timeout=60)

    assert process.returncode == code
    assert json.loads(out)["done"] == 0
    stored = place.rows("statuses.sql3", "SELECT DISTINCT result FROM task_statuses")
    assert stored == [(0,)]


def test_a_piped_stdout_is_fine_with_a_screen(place: Place) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "config.json", "--exit-when-done", "--data-dir", place.data],
        cwd=place.path,
        env=place.environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    drawn = b""
    try:
        while chunk := os.read(mine, 65536):
            drawn += chunk
    except OSError:
        pass
    out, _ = process.communicate(timeout=60)
    os.close(mine)

    assert process.returncode == 0
    assert out.startswith(b"4 done")
    assert b"\x1b[?1049l" in drawn


def test_a_summary_for_which_there_is_no_room_is_no_success(place: Place) -> None:
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [PROGRAM, "config.json", "--no-ui", "--exit-when-done", "--dry-run"],
            cwd=place.path,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.endswith(
        "bistro-tui: stdout could not be written: No space left on device\n"
    )


def test_a_closed_stderr_is_no_hindrance(place: Place) -> None:
    run = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', PROGRAM, "validate", "none.json"],
        cwd=place.path,
        env=place.environment(),
        capture_output=True,
        timeout=60,
    )
    assert run.returncode == 2
    assert not list(place.path.glob("state/bistro-tui/crash-*"))


def test_validate_names_every_error_with_its_place(place: Place) -> None:
    bad = config_of(
        ("a", {"command": DONE, "priority": "x"}), settings={"working_wait": "y"}
    )
    place.write_config(bad)

    run = place.run("validate", "config.json", "--json")

    assert run.code == 2
    assert run.json["ok"] is False
    found = {(e["path"], e["job"]) for e in run.json["errors"]}
    assert found >= {("bistro_settings.working_wait", None)}
    assert all(e["line"] > 1 and e["column"] > 1 for e in run.json["errors"])


def test_validate_of_a_good_config_exits_0(place: Place) -> None:
    run = place.run("validate", "config.json", "--json")

    assert run.code == 0
    assert run.json == {"ok": True, "errors": [], "warnings": []}


def test_help_and_version_answer_on_stdout(place: Place) -> None:
    run = place.run("--help")

    assert run.code == 0
    for word in ("--no-ui", "--data-dir", "--exit-when-done", "validate", "Exit codes"):
        assert word in run.out
    assert place.run("--version").out.startswith("bistro-tui ")
