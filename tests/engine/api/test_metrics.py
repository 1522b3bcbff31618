"""``/metrics``, read by Prometheus' own parser."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bistro_tui.engine.api import metrics
from bistro_tui.engine.api.metrics import render
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.view import Usage, WorkerRow
from bistro_tui.engine.worker_rows import WorkersNow
from tests.engine.api.scene import CONFIG, Scene, opened

Labels = frozenset[tuple[str, str]]


async def scrape(scene: Scene) -> dict[tuple[str, Labels], float]:
    """Every sample by name and labels; each is there once."""
    text = (await render(scene.desk)).decode()
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def of(
    found: dict[tuple[str, Labels], float], name: str, **labels: str
) -> float | None:
    return found.get((f"bistro_tui_{name}", frozenset(labels.items())))


async def test_it_tells_what_stats_tell(scene: Scene) -> None:
    found, stats = await scrape(scene), await scene.data("stats")
    for word, number in stats["tasks"].items():
        assert of(found, "tasks", reason=word) == number
    for level, resources in stats["resources"].items():
        for name, usage in resources.items():
            at = {"level": level, "resource": name}
            assert of(found, "resource_used", **at) == usage["used"]
            assert of(found, "resource_limit", **at) == usage["limit"]
    for result, number in stats["ends"].items():
        assert of(found, "task_ends_total", result=result) == number
    assert of(found, "task_starts_total") == stats["starts"]
    assert of(found, "job_tasks", job="etl", reason="done") == 2
    assert of(found, "build_info", version=stats["version"]) == 1
    assert of(found, "state", state="running") == 1
    assert of(found, "state", state="paused") == 0
    assert of(found, "subqueries_total", handler="stats", outcome="data") is None
    again = await scrape(scene)
    assert of(again, "subqueries_total", handler="stats", outcome="data") == 1


POOL = WorkersNow(
    (
        WorkerRow(NodeName("w1"), "HEALTHY", "a", 3, (Usage("ram", 1, 4),), 5.0),
        WorkerRow(NodeName("w2"), "NEW", "b", 0, (Usage("ram", 0, 8),), 5.0),
        WorkerRow(NodeName("\udcff"), "MUST_DIE", "b", 0, (), 5.0),
        WorkerRow(NodeName("\\udcff"), "MUST_DIE", "b", 2, (), 5.0),
    ),
    "Waiting for all workers to connect before running tasks.",
)


async def test_it_tells_of_each_worker_unless_there_are_too_many(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.engine, "desk", replace(scene.desk, workers=lambda: POOL))
    found = await scrape(scene)
    states = {"NEW": 1, "HEALTHY": 1, "MUST_DIE": 2, "UNHEALTHY": 0}
    for state, number in states.items():
        assert of(found, "workers", state=state) == number
    assert (await scene.data("stats"))["workers"] == states
    assert of(found, "initial_wait") == 1
    assert of(found, "worker_running", worker="w1") == 3
    # What no UTF-8 can hold looks like what is written so: they are told together.
    assert of(found, "worker_running", worker="\\udcff") == 2
    assert of(found, "worker_resource_used", worker="w1", resource="ram") == 1
    assert of(found, "worker_resource_limit", worker="w2", resource="ram") == 8
    monkeypatch.setattr(metrics, "MOST_WORKERS", 3)
    few = await scrape(scene)
    assert of(few, "workers", state="MUST_DIE") == 2
    assert not [key for key in few if "worker_r" in key[0]]


async def test_histograms_end_with_all_of_them(scene: Scene) -> None:
    found = await scrape(scene)
    ends = sum((await scene.data("stats"))["ends"].values())
    assert of(found, "task_duration_seconds_bucket", le="+Inf") == ends
    assert of(found, "task_duration_seconds_count") == ends
    assert of(found, "status_commit_seconds_count") == of(
        found, "status_commit_seconds_bucket", le="+Inf"
    )
    assert (of(found, "status_commit_seconds_count") or 0) > 0
    assert (of(found, "status_commit_seconds_sum") or 0) > 0


async def test_lines_loop_and_process_are_in_it(scene: Scene) -> None:
    found = await scrape(scene)
    assert (of(found, "log_lines_stored_total") or 0) > 0
    assert of(found, "log_lines_dropped_total") == 0
    assert of(found, "log_bytes_dropped_total") == 0
    for quantile in ("0.5", "0.99", "1"):
        assert of(found, "loop_lag_seconds", quantile=quantile) is not None
    nothing: Labels = frozenset()
    assert found["process_resident_memory_bytes", nothing] > 1e6
    assert found["process_open_fds", nothing] > 3
    assert found["process_cpu_seconds_total", nothing] > 0


async def test_two_engines_of_one_process_do_not_meet_in_a_registry(
    scene: Scene,
) -> None:
    before = {family.name for family in REGISTRY.collect()}
    first, second = await scrape(scene), await scrape(scene)
    assert first.keys() <= second.keys()
    assert {family.name for family in REGISTRY.collect()} == before


async def test_hostile_names_neither_break_it_nor_hide_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ['a"b', "a\\b", "new\nline", "\r", '{x="1"} 5', "日本", "#", "\udc80"]
    names.append("\\udc80")
    config: dict[str, Json] = {"bistro_settings": CONFIG["bistro_settings"]}
    for name in names:
        config[f"bistro_job->{name}"] = {"owner": "o", "command": ["c"]}
    resources = {"instance": {'s"l\nots': {"limit": 1, "default": 1}}}
    config["bistro_settings"] = {**config["bistro_settings"], "resources": resources}
    async with opened(tmp_path, json.loads(json.dumps(config)), monkeypatch) as scene:
        await scene.settle()
        found = await scrape(scene)
        by_job = {
            labels: value
            for (name, labels), value in found.items()
            if name == "bistro_tui_job_tasks"
        }
        known = list(scene.desk.core.state.jobs)
        assert len(known) >= len(names) - 1
        shown = {name.encode("utf-8", "backslashreplace").decode() for name in known}
        assert {dict(labels)["job"] for labels in by_job} == shown
        assert sum(by_job.values()) == 4 * len(known)
        assert of(found, "resource_limit", level="instance", resource='s"l\nots') == 1


async def test_of_very_many_jobs_only_sums_are_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MOST_JOBS", 6)
    found = await scrape(scene)
    assert not [name for name, _ in found if name == "bistro_tui_job_tasks"]
    assert of(found, "tasks", reason="running") == 2
    assert of(found, "jobs") == 7


async def test_the_jobs_are_told_of_a_few_at_a_time_and_look_as_if_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: list[int] = []

    def generate(registry: Collector) -> bytes:
        for metric in registry.collect():
            if metric.name == "bistro_tui_job_tasks":
                jobs = {sample.labels["job"] for sample in metric.samples}
                numbers.append(len(jobs))
        return generate_latest(registry)

    def of_jobs(text: bytes) -> list[str]:
        lines = text.decode().splitlines()
        return [line for line in lines if "bistro_tui_job_tasks" in line]

    monkeypatch.setattr(metrics, "generate_latest", generate)
    at_once = of_jobs(await render(scene.desk))
    assert numbers == [7]
    monkeypatch.setattr(metrics, "JOBS_AT_ONCE", 2)
    assert of_jobs(await render(scene.desk)) == at_once
    assert numbers[1:] == [2, 2, 2, 1]
    assert sum(line.startswith("#") for line in at_once) == 2
