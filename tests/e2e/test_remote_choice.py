"""Which worker a task gets, judged by what the tasks themselves write down."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pool import Pool, until
from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

NODES = [f"n{number}" for number in range(6)]
NOTE = """
where=${3#*\\"worker_node\\":\\"}
echo "+ $BISTRO_JOB $1 ${where%%\\"*}" >>../../../notes
sleep 0.3
echo "- $BISTRO_JOB $1 ${where%%\\"*}" >>../../../notes
echo done >"$2"
"""
LIMITS = {"w1": 1, "w2": 3, "w3": 2}


def settings(selector: str) -> dict[str, object]:
    return {
        "nodes": {
            "levels": ["host"],
            "node_source": "manual",
            "node_source_prefs": dict.fromkeys(NODES, ()),
        },
        "resources": {
            "worker": {
                "slots": {"limit": 2, "default": 1, "weight": 1},
                "gpu": {"limit": 0, "default": 0},
            }
        },
        "worker_resources_override": {
            "w1": {"slots": 1, "gpu": 1},
            "w2": {"slots": 3},
            "nobody": {"slots": 100},
        },
        "remote_worker_selector": selector,
    }


def notes(place: Place) -> list[list[str]]:
    path = place.path / "notes"
    return [line.split() for line in path.read_text().splitlines()]


def most_at_once(found: list[list[str]]) -> dict[str, int]:
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for sign, _, _, where in found:
        now[where] += 1 if sign == "+" else -1
        most[where] = max(most[where], now[where])
    return dict(most)


@pytest.mark.parametrize("selector", ["roundrobin", "busiest"])
def test_no_worker_ever_has_more_than_its_own_limit_allows(
    place: Place, selector: str
) -> None:
    job = {"command": shell(NOTE)}
    nowhere = {"host_placement": "far.example"}
    refused = {"filters": {"worker": {"whitelist": ["far.example"]}}}
    jobs: list[tuple[str, dict[str, Any]]]
    jobs = [("any", {}), ("gpu", {"resources": {"gpu": 1}})]
    jobs += [("nowhere", nowhere), ("refused", refused)]
    config = config_of(
        *((n, job | more) for n, more in jobs), settings=settings(selector)
    )
    with Pool(place) as pool:
        pool.scheduler(write(place, config))
        for shard in LIMITS:
            pool.worker(shard)
        until(lambda: pool.is_all_done(2 * len(NODES)))

        # A host that nobody has holds back that job alone, and says so.
        for name, words in (("nowhere", "far.example"), ("refused", "filter")):
            why = pool.ask("why", job=name, node="n1")
            assert why["reason"] == "worker"
            assert words in next(c["text"] for c in why["checks"] if not c["ok"])
        assert pool.ask("stats")["tasks"]["worker"] == 2 * len(NODES)
        until(lambda: pool.ask("errors") == {})
        rows = {one["shard"]: one for one in pool.ask("workers")["workers"]}

    found = notes(place)
    assert len(found) == 4 * len(NODES)
    most = most_at_once(found)
    assert all(number <= LIMITS[shard] for shard, number in most.items())
    assert most["w1"] == 1
    assert {where for _, job, _, where in found if job == "gpu"} == {"w1"}
    starts = Counter((job, node) for sign, job, node, _ in found if sign == "+")
    assert set(starts.values()) == {1}
    for shard, limit in LIMITS.items():
        assert rows[shard]["state"] == "HEALTHY"
        assert rows[shard]["running"] == 0
        assert rows[shard]["resources"]["slots"] == {"limit": limit, "used": 0}
    table = {"shard", "state", "host", "running", "resources", "last_heartbeat"}
    assert set(rows["w1"]) == table


def write(place: Place, config: dict[str, object]) -> Path:
    return place.write("config.json", json.dumps(config))


def test_one_queue_feeds_this_host_and_workers(place: Place) -> None:
    job = {"command": shell(NOTE)}
    config = config_of(("any", job), settings=settings("roundrobin"))
    flags = ("--runner=mixed", "--exit-when-done", "--json")
    with Pool(place) as pool:
        scheduler = pool.scheduler(write(place, config), *flags)
        pool.worker("w2")
        assert scheduler.wait(timeout=60) == 0
        assert scheduler.stdout is not None
        summary = json.loads(scheduler.stdout.read())
    assert (summary["done"], summary["started"]) == (len(NODES), len(NODES))
    # What runs here has this host's name for its worker.
    most = most_at_once(notes(place))
    assert most.pop("w2", 0) <= 3
    assert [number <= 2 for number in most.values()] == [True]


def with_a_card(place: Place, override: dict[str, object], plain: str) -> Path:
    train = {"command": shell('echo done >"$2"'), "resources": {"gpu": 1}}
    config = config_of(
        ("plain", {"command": shell(plain)}),
        ("train", train),
        settings=settings("roundrobin") | {"worker_resources_override": override},
    )
    return write(place, config)


def test_a_batch_waits_for_a_worker_that_its_config_names(place: Place) -> None:
    config = with_a_card(place, {"wgpu": {"gpu": 1}}, 'echo done >"$2"')
    with Pool(place) as pool:
        scheduler = pool.scheduler(config, "--exit-when-done")
        pool.worker("wplain")
        until(lambda: pool.is_all_done(len(NODES)))
        why = pool.ask("why", job="train", node="n1")
        assert why["would_run_if"].endswith("connects: wgpu")
        pool.worker("wgpu")
        assert scheduler.wait(timeout=60) == 0


def test_a_batch_says_for_whom_it_waits_and_why_it_was_not_complete(
    place: Place,
) -> None:
    placed = {"command": shell('echo done >"$2"'), "host_placement": "big1"}
    config = write(place, config_of(("report", placed), settings=settings("busiest")))
    with Pool(place) as pool:
        scheduler = pool.scheduler(config, "--exit-when-done")
        pool.worker("w2")
        until(lambda: "the batch waits for workers" in pool.said("scheduler"))
        waits = "6 wait until a worker on big1 connects"
        assert f"report: {waits}. If that" in pool.said("scheduler")
        assert waits in pool.ask("errors")["batch"]
        scheduler.send_signal(signal.SIGINT)
        out, _ = scheduler.communicate(timeout=60)
        assert scheduler.returncode == 130
        assert f"report  0 done, 0 failed, 6 blocked  ({waits})" in out


def test_a_batch_does_not_wait_for_a_worker_that_has_left(place: Place) -> None:
    go = place.path / "go"
    plain = f'while [ ! -e "{go}" ]; do sleep 0.1; done; echo done >"$2"'
    config = with_a_card(place, {}, plain)
    with Pool(place) as pool:
        scheduler = pool.scheduler(config, "--exit-when-done")
        stays, leaves = pool.worker("w2"), pool.worker("w3")
        until(lambda: len(pool.ask("workers")["workers"]) == 2)
        until(lambda: {one["state"] for one in rows_of(pool)} == {"HEALTHY"})
        leaves.terminate()
        assert leaves.wait(timeout=60) == 0
        until(lambda: "MUST_DIE" in {one["state"] for one in rows_of(pool)})
        go.touch()
        assert scheduler.wait(timeout=60) == 1
        assert stays.poll() is None


def rows_of(pool: Pool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pool.ask("workers")["workers"]
    return found
