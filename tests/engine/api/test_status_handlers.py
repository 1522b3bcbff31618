"""The handlers why, open_tasks, workers, config and stats."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.api import status_handlers
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.view import Usage, WorkerRow
from bistro_tui.engine.worker_rows import WorkersNow
from tests.engine.api.scene import CONFIG, Scene, opened


async def test_why_of_a_waiting_task_names_who_holds_what_it_needs(
    scene: Scene,
) -> None:
    (task,) = (await scene.data("tasks", job="serve", status="resource"))["tasks"]
    found = await scene.data("why", job="serve", node=task["node"])
    assert found["reason"] == "resource"
    running = (await scene.data("tasks", job="serve", status="running"))["tasks"]
    holders = [(one["job"], one["node"]) for one in found["holders"]]
    assert sorted(holders) == sorted((one["job"], one["node"]) for one in running)
    blocker = next(one for one in found["checks"] if not one["ok"])
    assert blocker["text"] == task["why"]
    assert found["would_run_if"]


async def test_why_of_no_task_says_what_is_unknown(scene: Scene) -> None:
    assert await scene.error("why", job="elt", node="d11") == (
        "there is no task elt@d11: there is no job elt; did you mean etl?"
    )
    error = await scene.error("why", job="etl", node="d1")
    assert error.startswith("there is no task etl@d1: level db has no node d1")
    assert await scene.error("why", job="etl") == "Missing key: node"


async def test_open_tasks_are_explained_as_why_does(scene: Scene) -> None:
    found = (await scene.data("open_tasks", job="serve"))["tasks"]
    assert [one["reason"] for one in found[-2:]] == ["running", "running"]
    for one in found:
        assert one == await scene.data("why", job="serve", node=one["node"])
    few = (await scene.data("open_tasks", job="serve", limit=1))["tasks"]
    assert few == found[:1]
    assert await scene.data("open_tasks", job="nobody") == {"tasks": []}


async def test_a_greater_limit_of_open_tasks_counts_as_the_greatest(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_handlers, "MOST_OPEN", 2)
    every = (await scene.data("open_tasks", job="serve", limit=2))["tasks"]
    assert len(every) == 2
    assert (await scene.data("open_tasks", job="serve", limit=9))["tasks"] == every


async def test_the_local_runner_is_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads(json.dumps(CONFIG))
    config["bistro_settings"]["resources"]["worker"] = {
        "ram": {"limit": 8, "default": 1}
    }
    async with opened(tmp_path, config, monkeypatch) as scene:
        await scene.settle()
        (worker,) = (await scene.data("workers"))["workers"]
        assert (worker["shard"], worker["state"]) == ("local", "HEALTHY")
        assert worker["running"] == 2
        assert worker["resources"] == {"ram": {"limit": 8, "used": 2}}
        assert worker["last_heartbeat"] == scene.desk.clock.now().wall
        stats = await scene.data("stats")
        assert stats["resources"]["worker"] == worker["resources"]


async def test_workers_elsewhere_are_told_as_the_scheduler_sees_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ram = (Usage("ram", 1, 4),)
    rows = (
        WorkerRow(NodeName("w1"), "UNHEALTHY", "a.farm", 3, ram, 1234.5, why="late"),
        WorkerRow(NodeName("local"), "HEALTHY", "here", 0, (), None),
    )
    pool = WorkersNow(rows, "Waiting for all workers to connect")
    desk = replace(scene.desk, workers=lambda: pool)
    monkeypatch.setattr(scene.engine, "desk", desk)
    reasons = (await scene.data("workers", why=True))["workers"]
    assert [row["why"] for row in reasons] == ["late", ""]
    found = await scene.data("workers")
    assert found == {
        "workers": [
            {
                "shard": "w1",
                "state": "UNHEALTHY",
                "host": "a.farm",
                "running": 3,
                "resources": {"ram": {"limit": 4, "used": 1}},
                "last_heartbeat": 1234.5,
            },
            {
                "shard": "local",
                "state": "HEALTHY",
                "host": "here",
                "running": 0,
                "resources": {},
                "last_heartbeat": scene.desk.clock.now().wall,
            },
        ],
        "initial_wait": "Waiting for all workers to connect",
    }


WITH_ERRORS: dict[str, Json] = {**CONFIG, "bistro_job->bare": {"owner": "web"}}


async def test_config_tells_where_the_file_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, WITH_ERRORS, monkeypatch) as scene:
        found = await scene.data("config")
        path = scene.desk.world.path
        assert (found["path"], found["version"]) == (str(path), 1)
        assert found["loaded"] == scene.desk.clock.now().wall
        assert [(one["path"], one["job"]) for one in found["errors"]] == [
            ("bistro_job->typo.priority", "typo"),
            ("bistro_job->bare.command", "bare"),
        ]
        assert [one["path"] for one in found["warnings"]] == [
            "bistro_settings.node_order"
        ]
        lines = path.read_text().splitlines()
        for one in (*found["errors"], *found["warnings"]):
            assert one["file"] == str(path)
            assert 1 <= one["column"] <= len(lines[one["line"] - 1])


@pytest.mark.slow
async def test_config_tells_of_the_file_as_it_is_now_whatever_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, WITH_ERRORS, monkeypatch, config_update_ms=50) as scene:
        path = scene.desk.world.path
        good = path.read_text()

        async def until(version: int, message: str) -> list[dict[str, Any]]:
            async with asyncio.timeout(25):
                while True:
                    found = await scene.data("config")
                    errors: list[dict[str, Any]] = found["errors"]
                    if found["version"] == version and message in str(errors[0]):
                        return errors
                    await asyncio.sleep(0.01)

        path.write_text(good[:-3])
        (error,) = await until(1, "'path': ''")
        assert error["job"] is None
        assert "never closed" in error["message"]
        assert error["line"] > 100
        path.unlink()
        (error,) = await until(1, "was deleted")
        assert (error["line"], error["column"]) == (1, 1)
        path.write_text(good.replace('"limit": 2', '"limit": "x"', 1))
        assert (await until(1, "number"))[0]["path"].endswith("slots.limit")
        path.write_text(good.replace('"high"', "3"))
        assert (await until(2, "missing"))[0]["job"] == "bare"


async def test_stats_count_every_task_once_and_have_every_word(scene: Scene) -> None:
    stats = await scene.data("stats")
    assert list(stats["tasks"]) == [reason.value for reason in Reason]
    tasks = (await scene.data("tasks"))["tasks"]
    for word, number in stats["tasks"].items():
        assert number == sum(task["status"] == word for task in tasks), word
    assert stats["resources"] == {
        "instance": {"slots": {"limit": 2, "used": 2}},
        "host": {"cpu": {"limit": 4, "used": 2}},
    }
    assert stats["jobs"] == 7
    assert stats["starts"] == sum(stats["ends"].values()) + stats["running"]


async def test_stats_count_what_runs_of_a_job_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, CONFIG, monkeypatch) as scene:
        await scene.settle()
        left = {key: one for key, one in CONFIG.items() if key != "bistro_job->serve"}
        scene.desk.world.path.write_text(json.dumps(left))
        async with asyncio.timeout(25):
            while (await scene.data("stats"))["jobs"] == 7:
                await asyncio.sleep(0.01)
        stats = await scene.data("stats")
        assert stats["tasks"]["running"] == stats["running"] == 2
        gone = (await scene.data("tasks", job="serve"))["tasks"]
        assert [task["status"] for task in gone] == ["running"] * 2
        assert [task["worker_shard"] for task in gone] == ["local"] * 2
        every = (await scene.data("tasks"))["tasks"]
        assert every[-2:] == gone
