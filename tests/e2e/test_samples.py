"""Every sample config, as it comes, run by the installed program."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.program import Place
from tests.faults.watching import children_of, wardens_of
from tests.samples import DIRECTORY, sample_configs

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Expected:
    """How a run of a sample to its end comes out."""

    done: int
    started: int
    failed: int = 0
    blocked: int = 0

    @property
    def code(self) -> int:
        return 1 if self.failed or self.blocked else 0


EXPECTED = {
    "any_program.toml": Expected(done=6, started=7),
    "canary.json": Expected(done=11, started=11),
    "checkpoint.json": Expected(done=3, started=12),
    "databases.json": Expected(done=5, started=5),
    "etl.yaml": Expected(done=14, started=14),
    "gpu_box.json": Expected(done=9, started=9),
    "hourly.yaml": Expected(done=8, started=8),
    "orphans.json": Expected(done=4, started=4),
    "priorities.json": Expected(done=24, started=24),
    # One mirror never has the right checksum, and nothing is indexed there.
    "retries.json": Expected(done=6, started=10, failed=1, blocked=1),
    "shards.toml": Expected(done=20, started=20),
    "simple.json": Expected(done=8, started=12),
    "thumbnails.json": Expected(done=12, started=12),
    "whole_machine.json": Expected(done=24, started=24),
}

DONE = 4
ON_WORKERS = {"remote-render.json": ("cpu1", "gpu1")}
"""Samples that need workers, and which."""


def copied(place: Place, name: str) -> Path:
    """Return a copy of a sample, with what lies beside it."""
    return Path(shutil.copytree(DIRECTORY, place.path / "samples")) / name


def await_full_hour() -> None:
    """Let an hour that is about to end pass: it would change the hourly nodes."""
    left = 3600 - time.time() % 3600
    if left < 15:
        time.sleep(left + 0.1)


def test_the_table_names_every_sample() -> None:
    assert {path.name for path in sample_configs()} == {*EXPECTED, *ON_WORKERS}


def test_the_readme_lists_every_sample() -> None:
    text = (DIRECTORY.parent / "README.md").read_text()
    for name in (*EXPECTED, *ON_WORKERS):
        assert f"| [{name}](sample_configs/{name}) | " in text


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_good_and_comes_out_as_it_says(place: Place, name: str) -> None:
    sample = copied(place, name)
    checked = place.run("validate", "--json", sample)
    assert checked.code == 0
    assert checked.json == {"ok": True, "errors": [], "warnings": []}
    if name == "hourly.yaml":
        await_full_hour()

    run = place.batch(sample)

    expected = EXPECTED[name]
    assert run.code == expected.code, run.err
    summary = run.json
    assert (
        Expected(
            **{key: summary[key] for key in ("done", "started", "failed", "blocked")}
        )
        == expected
    ), run.err
    assert "warning" not in run.err
    # Seconds where nobody else wants the processors: nobody waits for a sample.
    assert summary["seconds"] < 60


def test_the_render_farm_renders_on_the_worker_with_the_card_alone(
    place: Place,
) -> None:
    sample = copied(place, "remote-render.json")
    checked = place.run("validate", "--json", sample)
    assert checked.json == {"ok": True, "errors": [], "warnings": []}
    where = ("--data-dir", place.data)
    port = place.data / "run" / "worker.port"
    with ExitStack() as until_ended:
        quick = ("--worker-check-interval=0.2", "--server-port=0")
        start(until_ended, place, sample, "--no-ui", *quick, *where)
        until(lambda: port.exists() and port.read_text())
        for shard in ON_WORKERS["remote-render.json"]:
            dial = ("--scheduler-host=::", "--scheduler-port", port.read_text())
            more = ("--worker-command=true", "--data-dir", place.path / shard)
            start(until_ended, place, "worker", "--shard-id", shard, *dial, *more)
        until(lambda: place.run("wait", "--timeout=20", *where).code == 0)
    # What is known of attempts is stored a moment after their ends, or with its own.
    query = "SELECT job_id, worker, result_bits FROM attempts"
    attempts = place.rows("task_logs.sql3", query)
    assert len(attempts) == 18
    assert {bits for _, _, bits in attempts} == {DONE}
    assert {worker for job, worker, _ in attempts if job == "render"} == {"gpu1"}
    assert {worker for _, worker, _ in attempts} == {"cpu1", "gpu1"}


def start(until_ended: ExitStack, place: Place, *arguments: object) -> None:
    process = place.start(*arguments, stderr=subprocess.DEVNULL)
    until_ended.callback(process.communicate)
    until_ended.callback(process.terminate)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def who_can_be_stopped(scheduler: int) -> list[int]:
    """Return its tasks that have set their trap."""
    tasks = [task for one in wardens_of(scheduler) for task in children_of(one)]
    return [pid for pid in tasks if has_a_trap(Path(f"/proc/{pid}"))]


def has_a_trap(process: Path) -> bool:
    try:
        # Until it is the shell, it has the handlers of who started it.
        is_shell = b"scrub" in (process / "cmdline").read_bytes()
        caught = (process / "status").read_text().partition("SigCgt:")[2].split()[0]
    except OSError:
        return False
    return is_shell and bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_the_orphans_of_a_job_that_is_disabled_are_stopped_after_a_second(
    place: Place,
) -> None:
    sample = copied(place, "orphans.json")
    said = place.path / "stderr"
    with said.open("w") as stderr:
        process = place.start(
            sample, "--no-ui", "--data-dir", place.data, stderr=stderr
        )

    def await_text(text: str, count: int) -> None:
        deadline = time.monotonic() + 60
        while said.read_text().count(text) < count:
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.02)

    try:
        until(lambda: len(who_can_be_stopped(process.pid)) == 2)
        text = sample.read_text()
        sample.write_text(
            text.replace(
                '"enabled": true,\n    "command"', '"enabled": false,\n    "command"'
            )
        )
        assert sample.read_text() != text
        await_text("Got status incomplete", 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
    lines = place.rows("task_logs.sql3", "SELECT line FROM stdout")
    assert ("h1: stopped, goes on later\n",) in lines
    assert ("h2: stopped, goes on later\n",) in lines
