"""How scheduler and workers end, busy or not, and what they ask of each other first."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.pool import Pool, end, until
from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

NODES = {"levels": ["host"], "node_source": "manual", "node_source_prefs": {"n": []}}
SETTINGS: dict[str, object] = {"nodes": NODES, "resources": {}, "backoff": [3600]}
STUBBORN = "trap '' TERM; echo $$ >>../../../pids; while :; do sleep 0.1; done"
POLITE = (
    "trap 'echo incomplete_backoff >$2; exit' TERM; echo $$ >>../../../pids;"
    " while :; do sleep 0.1; done"
)
KILL_WAIT = "--CAUTION-worker-suicide-task-kill-wait-ms"
SHORT_WAIT = f"{KILL_WAIT}=300"


@pytest.fixture
def pool(place: Place) -> Iterator[Pool]:
    with Pool(place) as found:
        yield found


def write(place: Place, *, kill_wait_ms: int = 300, **settings: object) -> Path:
    kill = {"method": "term_wait_kill", "kill_wait_ms": kill_wait_ms}
    stubborn = {"command": shell(STUBBORN), "kill_subprocess": kill}
    jobs = (("stubborn", stubborn), ("polite", {"command": shell(POLITE)}))
    return place.write_config(config_of(*jobs, settings=SETTINGS | settings))


def pids(place: Place) -> list[str]:
    path = place.path / "pids"
    return path.read_text().split() if path.exists() else []


def alive(place: Place) -> list[str]:
    return [pid for pid in pids(place) if Path("/proc", pid).exists()]


def ended(process: "subprocess.Popen[str]", number: int) -> tuple[int, float]:
    """Send a signal; return the exit code and how long it took."""
    start = time.monotonic()
    process.send_signal(number)
    code = process.wait(timeout=60)
    return code, time.monotonic() - start


def results(place: Place) -> dict[str, str | None]:
    query = "SELECT job_id, data FROM task_statuses WHERE result = 0"
    return dict(place.rows("statuses.sql3", query))


def test_a_busy_worker_that_is_asked_to_stop_ends_its_tasks_and_tells(
    place: Place, pool: Pool
) -> None:
    pool.scheduler(write(place, kill_wait_ms=60_000), f"{KILL_WAIT}=700")
    worker = pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    code, took = ended(worker, signal.SIGTERM)
    assert (code, alive(place)) == (0, [])
    assert took > 0.6  # The scheduler's kill wait, not the job's.
    until(lambda: "polite" in results(place) and "stubborn" in results(place))
    assert "killed" in str(results(place)["stubborn"])
    # What is stored is shown a moment later.
    until(lambda: pool.running() == {})
    why = pool.ask("why", job="stubborn", node="n")
    assert why["reason"] == "backoff"
    found = [one["text"] for one in why["checks"] if one["check"] == "worker"]
    assert found == ["no worker is connected"]


def test_a_second_signal_kills_at_once_on_either_side(place: Place, pool: Pool) -> None:
    config = write(place, kill_wait_ms=60_000)
    scheduler = pool.scheduler(config, f"{KILL_WAIT}=60000")
    worker = pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    worker.send_signal(signal.SIGINT)
    until(lambda: "SIGINT" in pool.said("w1"))
    assert ended(worker, signal.SIGINT)[0] == 0
    assert alive(place) == []

    # It comes again as itself: the one of before is known to be dead.
    pool.worker("w1")
    forgive = ("forgive", "stubborn", "polite", "--data-dir", place.data)
    assert place.run(*forgive).code == 0
    until(lambda: len(pids(place)) == 4)
    scheduler.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in pool.said("scheduler"))
    assert ended(scheduler, signal.SIGTERM)[0] == 0
    until(lambda: not alive(place))
    assert pool.said("scheduler").count("Traceback") == 0


def test_a_scheduler_that_stops_kills_remote_tasks_as_their_jobs_say(
    place: Place, pool: Pool
) -> None:
    scheduler = pool.scheduler(write(place), f"{KILL_WAIT}=60000")
    worker = pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    code, took = ended(scheduler, signal.SIGTERM)
    assert (code, alive(place)) == (0, [])
    assert took > 0.2
    # They are stored before it ends; a worker that has no scheduler goes on dialing.
    assert set(results(place)) == {"stubborn", "polite"}
    assert "killed" in str(results(place)["stubborn"])
    assert worker.poll() is None
    assert ended(worker, signal.SIGHUP)[0] == 0


def test_signals_before_there_is_anything_to_end(place: Place, pool: Pool) -> None:
    config = write(place)
    scheduler = pool.scheduler(config, "--exit-when-done")
    pool.port()
    assert ended(scheduler, signal.SIGINT)[0] == 130
    token = place.data / "secrets" / "worker.token"
    assert token.stat().st_mode & 0o777 == 0o600
    lonely = pool.start(
        "lonely",
        *("worker", "--scheduler-host=localhost", "--scheduler-port=1"),
        *("--worker-command=x", "--shard-id=lonely", "--token-file", token),
    )
    until(lambda: "nobody listens there" in pool.said("lonely"))
    assert ended(lonely, signal.SIGTERM)[0] == 0
    # By default it has a directory of its name in the user's state directory.
    kept = place.path / "state" / "bistro-tui" / "worker-lonely"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert "Traceback" not in pool.said("lonely")


def test_a_worker_that_cannot_begin_says_why_by_its_exit_code(
    place: Place, pool: Pool
) -> None:
    far = ("worker", "--scheduler-host=localhost", "--worker-command=x")
    nobody = place.run(*far, "--scheduler-port=1", "--data-dir", place.path / "a")
    assert nobody.code == 2
    assert "--token-file" in nobody.err

    pool.scheduler(write(place), SHORT_WAIT)
    here = (*far, "--scheduler-port", pool.port())
    pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    held = place.run(*here, "--shard-id=w2", "--data-dir", place.path / "w1")
    assert held.code == 4
    assert "pid " in held.err
    place.path.joinpath("bad").mkdir()
    place.write("bad/task_logs.sql3", "no database" * 999)
    bad = place.run(*here, "--data-dir", place.path / "bad")
    assert bad.code == 3
    assert "task_logs.sql3" in bad.err


def test_a_remote_task_is_seen_and_killed_as_one_here(place: Place, pool: Pool) -> None:
    pool.scheduler(write(place))
    pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    found = until(lambda: has_pids(pool))
    assert {found[job]["n"]["worker_shard"] for job in found} == {"w1"}
    assert {str(found[job]["n"]["pid"]) for job in found} == set(pids(place))
    where = ("--data-dir", place.data)
    assert place.run("ps", "--json", *where).json == found

    killed = pool.ask("kill_task", job_id="stubborn", node_id="n")
    assert killed == "signaled"
    unknown = pool.ask("kill_task", job_id="stubborn", node_id="m")
    assert unknown == "Unknown running task stubborn, m"
    assert pool.ask("kill_task", job_id="who", node_id="n") == "Unknown job who"
    assert place.run("kill", "polite", "n", *where).code == 0
    until(lambda: pool.running() == {})
    assert alive(place) == []
    assert place.run("kill", "polite", "n", *where).code == 1
    for job in ("stubborn", "polite"):
        (task,) = pool.ask("tasks", job=job)["tasks"]
        assert (task["status"], task["worker_shard"]) == ("backoff", None)
    counts = pool.ask("histogram", jobs=["polite"])["histograms"]["polite"]["host"]
    assert sum(counts.values()) == 1


def has_pids(pool: Pool) -> dict[str, dict[str, dict[str, object]]]:
    found = pool.running()
    is_whole = len(found) == 2 and all(one["n"]["pid"] for one in found.values())
    return found if is_whole else {}


def test_an_initial_wait_is_told_everywhere_and_the_config_can_end_it(
    place: Place, pool: Pool
) -> None:
    wait = "--CAUTION_startup_wait_for_workers=600"
    scheduler = pool.scheduler(write(place), wait, SHORT_WAIT)
    pool.worker("w1")
    until(lambda: [w["state"] for w in pool.ask("workers")["workers"]] == ["HEALTHY"])
    # The worker is told a moment later that it is healthy.
    text = until(partial(initial_wait, pool))
    assert "startup" in text
    assert "No initial worker set ID consensus. " in text
    assert "Waiting for all workers to connect before running tasks. " in text
    assert '"CAUTION_exit_initial_wait_before_timestamp": ' in text
    (task, _) = pool.ask("tasks")["tasks"]
    assert task["status"] == "paused"
    assert pool.ask("why", job="polite", node="n")["reason"] == "paused"
    assert pids(place) == []

    soon = {"CAUTION_exit_initial_wait_before_timestamp": int(time.time()) + 600}
    write(place, **soon)
    until(lambda: len(pids(place)) == 2)
    assert pool.ask("workers")["initial_wait"] == ""
    until(lambda: pool.ask("errors") == {})
    assert "CAUTION_exit_initial_wait_before_timestamp" in pool.said("scheduler")
    assert scheduler.poll() is None


def initial_wait(pool: Pool) -> str:
    """Return what is said of it, once nothing else is and all say the same."""
    errors, text = pool.ask("errors"), str(pool.ask("workers")["initial_wait"])
    return text if errors == {"RemoteWorkerRunner initial wait": text} else ""


def test_beyond_loopback_a_token_pins_the_certificate(place: Place, pool: Pool) -> None:
    flags = ("--server-address=0.0.0.0", SHORT_WAIT)
    pool.scheduler(write(place), *flags)
    port = pool.port()
    token = place.data / "secrets" / "worker.token"
    secret, pin = token.read_text().split()
    assert token.stat().st_mode & 0o777 == 0o600
    assert pin.startswith("sha256:")
    wrong = {
        "secret": f"{'x' * len(secret)} {pin}\n",
        "certificate": f"{secret} sha256:{'0' * 64}\n",
        "plain": f"{secret}\n",
    }
    for name, text in wrong.items():
        pool.worker(name, "--token-file", place.write(f"{name}.t", text, mode=0o600))
    pool.worker("good", "--token-file", place.write("copy", token.read_text()))
    until(lambda: len(pids(place)) == 2)
    for name in wrong:
        until(partial(is_trying_again, pool, name))
        assert "secrets/worker.token" in pool.said(name)
        assert secret not in pool.said(name)
    assert "others may read this token" in pool.said("good")
    assert [one["shard"] for one in pool.ask("workers")["workers"]] == ["good"]
    assert f"listening for workers 0.0.0.0:{port}\n" in pool.said("scheduler")
    assert secret not in pool.said("scheduler")


def is_trying_again(pool: Pool, name: str) -> bool:
    return "trying again" in pool.said(name)


def test_results_of_remote_tasks_outlive_every_restart(
    place: Place, pool: Pool
) -> None:
    script = "echo $1 >>../../../ran; echo done >$2"
    nodes = NODES | {"node_source_prefs": {f"n{number}": [] for number in range(9)}}
    settings = SETTINGS | {"nodes": nodes}
    config = place.write_config(
        config_of(("once", {"command": shell(script)}), settings=settings)
    )
    scheduler = pool.scheduler(config)
    port = pool.port()
    pool.worker("w1")
    until(lambda: pool.is_all_done(9))
    # Killed as soon as it shows them: what is shown is on disk.
    os.kill(scheduler.pid, signal.SIGKILL)
    scheduler.wait()
    (count,) = place.rows("statuses.sql3", "SELECT sum(result) FROM task_statuses")
    assert count == (9,)
    again = pool.scheduler(config, "--exit-when-done", port=port)
    assert again.wait(timeout=60) == 0
    assert len((place.path / "ran").read_text().split()) == 9


def test_one_machine_is_swapped_for_another_without_waiting_for_the_first(
    place: Place, pool: Pool
) -> None:
    pool.scheduler(write(place), SHORT_WAIT, "--lose-unhealthy-worker-after=500")
    first = pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    end(first)
    until(lambda: pool.ask("workers")["workers"][0]["state"] == "MUST_DIE")
    pool.worker("w2")
    assert place.run("forgive", "polite", "--data-dir", place.data).code == 0
    until(lambda: "polite" in pool.running())
    states = {one["shard"]: one["state"] for one in pool.ask("workers")["workers"]}
    assert states == {"w1": "MUST_DIE", "w2": "HEALTHY"}


def test_starts_that_were_cut_short_before_any_task_cost_the_next_one_nothing(
    place: Place, pool: Pool
) -> None:
    quick = {"command": shell("echo $1 >>../../../ran; echo done >$2")}
    nodes = NODES | {"node_source_prefs": {"n": [], "m": []}}
    config = place.write_config(
        config_of(("once", quick), settings=SETTINGS | {"nodes": nodes})
    )
    # It does not look at its workers again: its wait goes on.
    waiting = "--worker-check-interval=900"
    scheduler = pool.scheduler(config, waiting)
    port = pool.port()
    worker = pool.worker("w1")
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        until(lambda: is_known_to(pool))
        assert pool.ask("workers")["initial_wait"]
        ended(scheduler, number)
        scheduler = pool.scheduler(config, waiting, port=port)
    ended(scheduler, signal.SIGTERM)
    again = pool.scheduler(config, "--exit-when-done", port=port)
    assert again.wait(timeout=60) == 0
    assert len((place.path / "ran").read_text().split()) == 2
    assert worker.poll() is None


def is_known_to(pool: Pool) -> bool:
    try:
        return [one["state"] for one in pool.ask("workers")["workers"]] == ["HEALTHY"]
    except OSError:
        return False


def test_a_restarted_scheduler_starts_nothing_that_a_missing_worker_may_run(
    place: Place, pool: Pool
) -> None:
    scheduler = pool.scheduler(config := write(place), SHORT_WAIT)
    port = pool.port()
    first = pool.worker("w1")
    until(lambda: len(pids(place)) == 2)
    first.send_signal(signal.SIGSTOP)
    try:
        os.kill(scheduler.pid, signal.SIGKILL)
        scheduler.wait()
        pool.scheduler(config, SHORT_WAIT, port=port)
        until(lambda: pool.said("scheduler").count("listening for workers") == 2)
        pool.worker("w2")
        until(lambda: [one["shard"] for one in pool.ask("workers")["workers"]])
        until(lambda: pool.ask("workers")["workers"][0]["state"] != "NEW")
        # Whoever would start something has had several looks at all workers.
        looked = time.monotonic() + 1
        while time.monotonic() < looked:
            assert pool.ask("workers")["initial_wait"]
            assert len(pids(place)) == 2
    finally:
        first.send_signal(signal.SIGCONT)
    until(lambda: set(pool.running()) == {"stubborn", "polite"})
    assert len(pids(place)) == 2
