"""A start after all was killed, booted anew or stopped too soon: nobody waits in vain.

All times are those that a scheduler has by default, by which it waits for 696 s.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.remote.this_home import home_of_this_process
from tests.e2e.pool import Pool, end, until
from tests.e2e.program import PROGRAM, Place, config_of, shell
from tests.faults.needs import need, need_program, need_root

pytestmark = pytest.mark.slow

NODES = {"node_source": "manual", "node_source_prefs": {"n1": [], "n2": []}}
SCRIPT = """
while read -r node pid; do
  [ "$node" = "$1" ] && grep -qs '^State:[[:space:]]*[^ZX]' /proc/$pid/status &&
    echo "$1" >>../../../twice
done <../../../starts
echo "$1 $$" >>../../../starts
while :; do sleep 0.1; done
"""
LONG = 60.0
"""Far less than the wait, and enough for the slowest of machines."""
BOOT_ID = "/proc/sys/kernel/random/boot_id"
BOOTED = f'mount --bind "$0" {BOOT_ID} && exec "$@"'


@pytest.fixture
def pool(place: Place) -> Iterator[Pool]:
    (place.path / "starts").touch()
    with Pool(place) as found:
        yield found


def write(place: Place, slots: int = 2) -> Path:
    job = ("long", {"command": shell(SCRIPT)})
    resources = {"worker": {"slots": {"limit": slots, "default": 1}}}
    settings = {"nodes": {"levels": ["host"], **NODES}, "resources": resources}
    return place.write_config(config_of(job, settings=settings))


def starts(place: Place) -> list[str]:
    return (place.path / "starts").read_text().splitlines()


def runs_once(place: Place, number: int) -> bool:
    """Return whether so many were started; fail if one ran twice at a time."""
    assert not (place.path / "twice").exists()
    return len(starts(place)) == number


def scheduler_words(place: Place, config: Path, port: str) -> tuple[object, ...]:
    return config, "--no-ui", "--data-dir", place.data, "--server-port", port


def worker_words(place: Place, shard: str, port: str) -> tuple[object, ...]:
    return (
        *("worker", "--scheduler-host=::", "--scheduler-port", port),
        *("--shard-id", shard, "--data-dir", place.path / shard),
        "--worker-command=/bin/false",
    )


def lose_power(place: Place, *processes: "subprocess.Popen[str]") -> None:
    """Leave nothing alive of these, nor of tasks."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    found = [process.pid for process in processes]
    for pid in found:
        found += children_of(pid)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.wait()
    tasks = [int(line.split()[1]) for line in starts(place)]
    for pid in tasks:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in tasks))


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def test_after_both_were_killed_tasks_start_again_at_once(
    place: Place, pool: Pool
) -> None:
    config = write(place)
    scheduler = pool.start("scheduler", *scheduler_words(place, config, "0"))
    port = pool.port()
    worker = pool.start("w1", *worker_words(place, "w1", port))
    until(lambda: runs_once(place, 2))
    scheduler.kill()
    worker.kill()
    scheduler.wait()
    worker.wait()

    pool.start("again", *scheduler_words(place, config, port))
    pool.start("w1", *worker_words(place, "w1", port))
    until(lambda: runs_once(place, 4), LONG)
    assert "the initial wait is over" in pool.said("again")


def started_in_next_boot(
    place: Place, boot: Path, *words: object, **options: Any
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["unshare", "-m", "sh", "-c", BOOTED, boot, PROGRAM, *map(str, words)],
        cwd=place.path,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        text=True,
        **options,
    )


def test_after_the_boot_of_a_host_with_both_tasks_start_again_at_once(
    place: Place, pool: Pool
) -> None:
    need_root()
    need_program("unshare")
    need(bool(home_of_this_process().machine), "a network card, and no container")
    config = write(place)
    scheduler = pool.start("scheduler", *scheduler_words(place, config, "0"))
    port = pool.port()
    worker = pool.start("w1", *worker_words(place, "w1", port))
    until(lambda: runs_once(place, 2))
    lose_power(place, worker, scheduler)

    boot = place.write("boot", "00000000-0000-4000-8000-000000000000\n")
    with (place.path / "again.err").open("w") as said:
        again = started_in_next_boot(
            place, boot, *scheduler_words(place, config, port), stderr=said
        )
        try:
            words = worker_words(place, "w1", port)
            worker = started_in_next_boot(place, boot, *words, stderr=said)
            try:
                until(lambda: runs_once(place, 4), LONG)
            finally:
                end(worker)
        finally:
            end(again)


def test_a_stop_within_the_wait_costs_the_next_start_no_time(
    place: Place, pool: Pool
) -> None:
    config = write(place, slots=1)
    scheduler = pool.start("scheduler", *scheduler_words(place, config, "0"))
    port = pool.port()
    workers = [
        pool.start(shard, *worker_words(place, shard, port)) for shard in ("w1", "w2")
    ]
    until(lambda: runs_once(place, 2))
    scheduler.kill()
    scheduler.wait()
    workers[1].send_signal(signal.SIGSTOP)
    try:
        waiting = pool.start("waiting", *scheduler_words(place, config, port))
        until(lambda: pool.running().get("long"))
        waiting.send_signal(signal.SIGTERM)
        waiting.wait(timeout=60)
    finally:
        workers[1].send_signal(signal.SIGCONT)
    assert "the initial wait was not over" in pool.said("waiting")

    pool.start("again", *scheduler_words(place, config, port))
    until(lambda: "the initial wait is over" in pool.said("again"), LONG)
    assert runs_once(place, len(starts(place)))
