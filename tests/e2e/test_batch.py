"""The program without a screen, run to its end."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.program import DONE, REPOSITORY, Place, config_of, shell

pytestmark = pytest.mark.slow


def test_the_sample_config_ends_with_everything_done_after_one_retry_each(
    place: Place,
) -> None:
    sample = REPOSITORY / "sample_configs" / "simple.json"
    config = place.path / shutil.copy(sample, place.path)

    run = place.batch(config)

    assert run.code == 0, run.err
    assert (run.json["done"], run.json["failed"], run.json["blocked"]) == (8, 0, 0)
    assert run.json["started"] == 12
    assert run.json["jobs"]["fails_once"] == {"done": 4, "failed": 0, "blocked": 0}
    assert "Task simple_job, node11 quit with status 0" in run.err
    assert "Got status error_backoff from task fails_once, node22" in run.err
    lines = place.rows("task_logs.sql3", "SELECT line FROM stderr")
    assert sorted(line for (line,) in lines) == [
        f"node{n} is not ready yet\n" for n in (11, 12, 21, 22)
    ]


def test_the_seed_config_runs_as_its_documents_tell_and_remembers(
    place: Place,
) -> None:
    config = place.write_seed()

    run = place.batch(config, "--worker-command", "./demo_bistro_task.sh")

    assert run.code == 0, run.err
    assert (run.json["done"], run.json["started"]) == (4, 4)
    assert place.rows(
        "statuses.sql3",
        "SELECT job_id, node_id, result FROM task_statuses ORDER BY node_id",
    ) == [("simple_job", f"node{n}", 1) for n in (11, 12, 21, 22)]
    (printed,) = place.rows(
        "task_logs.sql3", "SELECT line FROM stdout WHERE node_id = 'node21'"
    )
    words = printed[0].split(" ", 6)
    assert words[:5] == ["I", "got", "these", "arguments:", "node21"]
    argument = json.loads(words[6])
    assert argument["id"] == "simple_job"
    assert argument["path_to_node"][1:] == ["node2", "node21"]
    assert (
        place.rows("task_logs.sql3", "SELECT line FROM stderr")
        == [("stderr is also logged\n",)] * 4
    )

    again = place.batch(config, "--worker-command", "./demo_bistro_task.sh")

    assert again.code == 0
    assert (again.json["done"], again.json["started"]) == (4, 0)


def test_nothing_left_to_do_is_said_in_words(place: Place) -> None:
    config = place.write_config(config_of(("a", {"command": DONE})))
    place.batch(config)

    again = place.run(config, "--no-ui", "--exit-when-done", "--data-dir", place.data)

    assert again.code == 0
    assert "4 done" in again.out
    assert "nothing was left to do" in again.out


def test_clean_statuses_runs_all_again_and_touches_nothing_stored(
    place: Place,
) -> None:
    config = place.write_seed()
    flags = ("--worker-command", "./demo_bistro_task.sh")
    place.batch(config, *flags)
    before = place.rows("statuses.sql3", "SELECT * FROM task_statuses")

    clean = place.batch(config, *flags, "--clean-statuses")

    assert (clean.json["done"], clean.json["started"]) == (4, 4)
    assert place.rows("statuses.sql3", "SELECT * FROM task_statuses") == before


def test_never_more_tasks_run_than_the_limit_allows(place: Place) -> None:
    trace = place.path / "trace"
    script = f'echo + >> {trace}; sleep 0.3; echo - >> {trace}; echo done > "$2"'
    config = place.write_config(
        config_of(("a", {"command": shell(script)}), ("b", {"command": shell(script)}))
    )

    run = place.batch(config)

    assert run.json["done"] == 8
    running, most = 0, 0
    for sign in trace.read_text().split():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert most == 3


def test_a_failed_task_makes_the_exit_code_one(place: Place) -> None:
    config = place.write_config(
        config_of(("bad", {"command": shell('echo failed > "$2"')}))
    )

    run = place.batch(config)

    assert run.code == 1
    assert (run.json["done"], run.json["failed"], run.json["blocked"]) == (0, 4, 0)


def test_a_job_error_stops_that_job_alone(place: Place) -> None:
    config = place.write_config(
        config_of(
            ("good", {"command": DONE}), ("bad", {"command": DONE, "priority": "x"})
        )
    )

    run = place.batch(config)

    assert run.json["jobs"]["good"]["done"] == 4
    assert run.json["jobs"]["bad"] == {"done": 0, "failed": 0, "blocked": 0}
    assert "bistro_job->bad.priority" in run.err


def test_a_job_without_a_command_is_told_what_to_do(place: Place) -> None:
    run = place.batch(place.write_seed())

    assert run.code == 1
    assert "simple_job" in run.err
    assert "--worker-command" in run.err


def test_a_disabled_scheduler_is_named_and_not_a_success(place: Place) -> None:
    config = place.write_config(
        config_of(("a", {"command": DONE}), settings={"enabled": False})
    )

    run = place.batch(config)

    assert run.code == 1
    assert "enabled is false" in run.err
    assert run.json["blocked"] == 4


def test_fake_tasks_need_no_command_and_store_nothing(place: Place) -> None:
    run = place.batch(place.write_seed(), "--dry-run")

    assert (run.code, run.json["done"]) == (0, 4)
    assert not (place.data / "statuses.sql3").exists()


def test_a_summary_that_nobody_reads_changes_no_exit_code(place: Place) -> None:
    config = place.write_config(config_of(("a", {"command": DONE})))
    flags = (config, "--no-ui", "--exit-when-done", "--data-dir", place.data)
    process = place.start(*flags)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    with process:
        said = process.stderr.read()

    assert process.returncode == 0
    assert "Traceback" not in said
    assert "Broken pipe" not in said
    assert "internal error" not in said


def wait_until_it_handles_signals(pid: int) -> None:
    """Wait for the program's first line; the interpreter alone takes no SIGTERM."""
    deadline = time.monotonic() + 60
    bit = 1 << (signal.SIGTERM - 1)
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status").read_text()
        if int(status.partition("SigCgt:")[2].split()[0], 16) & bit:
            return
        time.sleep(0.002)
    raise AssertionError("it never took the signals over")


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_of_the_start_ends_quietly(
    place: Place, seconds: float, number: signal.Signals
) -> None:
    config = place.write_config(config_of(("a", {"command": shell("sleep 30")})))
    process = place.start(config, "--no-ui", "--data-dir", place.data)
    wait_until_it_handles_signals(process.pid)
    time.sleep(seconds)  # the moment is what is tested

    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert "Traceback" not in said
