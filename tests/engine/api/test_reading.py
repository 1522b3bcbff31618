"""What is, by the handlers of Bistro."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bistro_tui.engine.api import reading
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.view import WorkerRow
from bistro_tui.engine.worker_rows import WorkersNow
from tests.engine.api.scene import CONFIG, START, Scene, opened


async def reloads(scene: Scene, config: Json | str) -> None:
    """Replace the file and wait for the engine to have taken it in, good or bad."""
    text = config if isinstance(config, str) else json.dumps(config)
    world = scene.desk.world
    before = (world.version, world.is_broken)
    world.path.write_text(text)
    world.request_reload()
    async with asyncio.timeout(25):
        while (world.version, world.is_broken) == before:
            await asyncio.sleep(0.01)


async def test_nothing_is_wrong_in_a_good_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {key: job for key, job in CONFIG.items() if not key.endswith("typo")}
    async with opened(tmp_path, good, monkeypatch) as scene:
        assert await scene.data("errors") == {}


async def test_the_initial_wait_for_workers_is_an_error_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {key: job for key, job in CONFIG.items() if not key.endswith("typo")}
    text = "Waiting for all workers to connect before running tasks."
    async with opened(tmp_path, good, monkeypatch) as scene:
        over = scene.desk
        waits = replace(over, workers=lambda: WorkersNow((), text))
        monkeypatch.setattr(scene.engine, "desk", waits)
        errors = await scene.data("errors")
        assert errors == {"RemoteWorkerRunner initial wait": text}
        monkeypatch.setattr(scene.engine, "desk", over)
        assert await scene.data("errors") == {}


async def test_each_worker_that_is_not_well_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {key: job for key, job in CONFIG.items() if not key.endswith("typo")}
    well = WorkerRow(NodeName("w1"), "HEALTHY", "h1", 1, (), START)
    lost = well._replace(shard=NodeName("w2"), state="MUST_DIE", why="lost")
    async with opened(tmp_path, good, monkeypatch) as scene:
        there = WorkersNow((well, lost))
        waits = replace(scene.desk, workers=lambda: there)
        monkeypatch.setattr(scene.engine, "desk", waits)
        errors = await scene.data("errors")
    assert errors.keys() == {"worker w2"}
    assert errors["worker w2"].startswith("MUST_DIE since ")
    assert errors["worker w2"].endswith(": lost; 1 task there")


async def test_an_error_of_a_job_names_file_line_and_key(scene: Scene) -> None:
    found = await scene.data("errors")
    assert found.keys() == {"job typo"}
    path = scene.desk.world.path
    lines = path.read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if '"high"' in text)
    column = lines[line - 1].index('"high"') + 1
    where = f"{path}:{line}:{column}: "
    assert found["job typo"].startswith(f"{where}bistro_job->typo.priority: must be")


async def test_a_bad_config_is_an_error_with_file_and_line_until_it_is_mended(
    scene: Scene,
) -> None:
    await reloads(scene, '{\n "bistro_settings": {,}}')
    found = await scene.data("errors")
    assert f"{scene.desk.world.path}:2:" in found["config"]
    # What is known of the last good one is still told.
    assert "etl" in await scene.data("jobs")
    await reloads(scene, {key: CONFIG[key] for key in ("bistro_settings",)})
    assert await scene.data("errors") == {}


async def test_while_the_file_is_broken_errors_of_jobs_keep_their_places(
    scene: Scene,
) -> None:
    before = await scene.data("errors")
    await reloads(scene, '{\n "bistro_settings": {,}}')
    found = await scene.data("errors")
    assert found["job typo"] == before["job typo"]
    assert (await scene.data("config"))["errors"][0]["line"] == 2


async def test_paths_in_answers_are_absolute_wherever_it_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(Path(), CONFIG, monkeypatch) as scene:
        path = str(tmp_path / "config.json")
        first = await scene.data("errors")
        assert first["job typo"].startswith(f"{path}:")
        config = await scene.data("config")
        assert config["path"] == path
        assert {one["file"] for one in config["errors"] + config["warnings"]} == {path}
        assert (await scene.data("stats"))["config_path"] == path
        assert scene.desk.latest().state.config_path == path
        (warning,) = (
            one.text for one in scene.desk.board.banners() if not one.is_error
        )
        assert warning.startswith(f"{path}:")
        more: Json = {"owner": "me", "command": ["true"]}
        await reloads(scene, json.dumps(CONFIG | {"bistro_job->one": more}, indent=2))
        assert await scene.data("errors") == first


async def test_of_very_many_jobs_with_errors_some_are_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "JOBS_LISTED", 2)
    bad: Json = {f"bistro_job->b{i}": {"owner": []} for i in range(5)}
    await reloads(scene, {**CONFIG, **bad})
    found = await scene.data("errors")
    assert found.keys() == {"job typo", "job b0", "jobs"}
    assert "4 more jobs have errors" in found["jobs"]


async def test_an_error_that_is_nowhere_in_the_file_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**CONFIG, "bistro_job->typo": {"owner": "me"}}
    async with opened(tmp_path, config, monkeypatch) as scene:
        found = await scene.data("errors")
    assert str(tmp_path / "config.json") in found["job typo"]
    assert "no --worker-command was given" in found["job typo"]


async def test_warnings_are_no_errors(scene: Scene) -> None:
    scene.desk.board.put("disk", "nearly full", is_error=False)
    scene.desk.board.put("store", "disk full")
    found = await scene.data("errors")
    assert found.keys() == {"job typo", "store"}


async def test_counts_are_true_now(scene: Scene) -> None:
    found = await scene.data("refresh_time")
    assert (found, type(found)) == (int(START), int)


@pytest.mark.parametrize("missing", [{}, {"jobs": []}, {"jobs": None}])
async def test_all_jobs_are_told_in_the_order_of_the_file(
    scene: Scene, missing: dict[str, Json]
) -> None:
    found = await scene.data("jobs", **missing)
    assert list(found) == [key[12:] for key in CONFIG if "->" in key]
    assert found["off"]["enabled"] is False


async def test_of_the_jobs_asked_for_unknown_ones_are_passed_over(scene: Scene) -> None:
    asked = ["nobody", "off", "etl", "off", "\ud800"]
    assert list(await scene.data("jobs", jobs=asked)) == ["off", "etl"]
    assert await scene.data("jobs", jobs=["nobody"]) == {}


@pytest.mark.parametrize("handler", ["jobs", "running_tasks", "job_node_runtime"])
@pytest.mark.parametrize("wrong", ["etl", 3, {"etl": 1}, [3], [None], True])
async def test_names_are_an_array_of_strings(
    scene: Scene, handler: str, wrong: Json
) -> None:
    error = await scene.error(handler, jobs=wrong)
    assert error == "jobs must be an array of strings"


async def test_names_of_nodes_come_by_level_in_fetch_order(scene: Scene) -> None:
    assert await scene.data("sorted_node_names") == {
        "instance": ["here"],
        "host": ["h1", "h2"],
        "db": ["d11", "d12", "d21", "d22"],
    }


SLOTS = {"slots": {"default": 0, "limit": 2}}
CPU = {"cpu": {"default": 1, "limit": 2, "weight": 3}}


async def test_nodes_have_what_the_config_gives_them_and_only_disabled_ones_say_so(
    scene: Scene,
) -> None:
    assert await scene.data("nodes") == {
        "results": {
            "instance": {"here": {"resources": SLOTS}},
            "host": {"h1": {"resources": CPU}, "h2": {"resources": CPU}},
            "db": {
                "d11": {"resources": {}},
                "d12": {"resources": {}},
                "d21": {"resources": {}},
                "d22": {"resources": {}, "disabled": True},
            },
        }
    }


@pytest.mark.parametrize(
    ("inputs", "results"),
    [
        ({"nodes": ["h1", "nobody"]}, {"host": {"h1": {"resources": CPU}}}),
        ({"nodes": ["nobody"]}, {}),
        (
            {"nodes": ["d22", "h2"], "fields": ["disabled"]},
            {"host": {"h2": {}}, "db": {"d22": {"disabled": True}}},
        ),
        (
            {"nodes": ["d22"], "fields": ["resources", "resources"]},
            {"db": {"d22": {"resources": {}}}},
        ),
        (
            {"nodes": ["d22"], "fields": []},
            {"db": {"d22": {"resources": {}, "disabled": True}}},
        ),
    ],
)
async def test_nodes_are_filtered_by_name_and_field(
    scene: Scene, inputs: dict[str, Json], results: Json
) -> None:
    assert await scene.data("nodes", **inputs) == {"results": results}


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ({"fields": ["resources", "tags"]}, "Unknown field name: tags"),
        ({"fields": [""]}, "Unknown field name: "),
        ({"fields": "resources"}, "fields must be an array of strings"),
        ({"nodes": [1]}, "nodes must be an array of strings"),
    ],
)
async def test_what_nodes_does_not_understand_is_an_error(
    scene: Scene, inputs: dict[str, Json], error: str
) -> None:
    assert await scene.error("nodes", **inputs) == error


async def test_a_disabled_parent_does_not_make_its_children_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads(json.dumps(CONFIG))
    prefs = config["bistro_settings"]["nodes"]["node_source_prefs"]
    prefs["h2"] = {"children": ["d21", "d22"], "disabled": True}
    async with opened(tmp_path, config, monkeypatch) as scene:
        found = await scene.data("nodes", nodes=["h2", "d21"], fields=["disabled"])
    assert found["results"] == {"host": {"h2": {"disabled": True}}, "db": {"d21": {}}}


async def test_running_tasks_tell_start_worker_process_and_invocation(
    scene: Scene,
) -> None:
    found = await scene.data("running_tasks")
    assert found.keys() == {"serve"}
    assert len(found["serve"]) == 2
    for node, row in found["serve"].items():
        attempt = scene.desk.running()[0 if node == next(iter(found["serve"])) else 1]
        assert row == {
            "start_time": int(START),
            "worker_shard": "local",
            "pid": attempt.pid,
            "invocation": attempt.invocation,
        }
        assert type(row["start_time"]) is int
        assert row["pid"] > 4_000


async def test_runtimes_are_whole_seconds(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await scene.data("job_node_runtime")
    assert list(found) == ["serve"]
    assert list(found["serve"].values()) == [0, 0]


@pytest.mark.parametrize("handler", ["running_tasks", "job_node_runtime"])
async def test_what_runs_is_filtered_by_job(scene: Scene, handler: str) -> None:
    assert (await scene.data(handler, jobs=["serve", "nobody"])).keys() == {"serve"}
    assert await scene.data(handler, jobs=["etl"]) == {}


@pytest.mark.parametrize("handler", ["running_tasks", "job_node_runtime"])
async def test_a_job_that_is_deleted_is_found_while_it_runs(
    scene: Scene, handler: str
) -> None:
    rest = {key: job for key, job in CONFIG.items() if not key.endswith("serve")}
    await reloads(scene, rest)
    assert scene.desk.world.config is not None
    assert JobName("serve") not in scene.desk.world.config.jobs
    assert (await scene.data(handler, jobs=["serve"])).keys() == {"serve"}
    assert "serve" not in await scene.data("jobs")


async def test_an_attempt_that_is_over_is_not_told_of_before_its_status_is_on_disk(
    scene: Scene,
) -> None:
    for attempt in scene.desk.core.running():
        attempt.ended = True
    assert await scene.data("running_tasks") == {}
    for attempt in scene.desk.core.running():
        attempt.ended = False
