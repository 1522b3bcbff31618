"""What the handlers change, and what they refuse."""

import asyncio
import contextlib
import dataclasses
import json
import sqlite3

import pytest

from bistro_tui.engine import control as control_module
from bistro_tui.engine.api.registry import HANDLERS as READ
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.reasons import Reason
from tests.engine.api.scene import CONFIG, Scene

NEW: dict[str, Json] = {"owner": "me", "command": ["true"], "enabled": False}


def in_file(scene: Scene, job: str) -> Json:
    """Return a job as the file has it."""
    return json.loads(scene.desk.world.path.read_text()).get(f"bistro_job->{job}")


async def test_a_job_is_enabled_and_disabled_in_file_and_scheduler(
    scene: Scene,
) -> None:
    text = scene.desk.world.path.read_text()
    assert await scene.data("enable_job", job_id="off") == "enabled"
    assert scene.desk.world.path.read_text() == text.replace(
        '"enabled": false', '"enabled": true'
    )
    assert scene.desk.core.config is not None
    assert scene.desk.core.config.jobs[JobName("off")].enabled
    assert await scene.data("enable_job", job_id="off") == "enabled"
    assert await scene.data("disable_job", job_id="off") == "disabled"
    assert scene.desk.world.path.read_text() == text
    for word, value in (("enable", "true"), ("disable", "false")):
        assert await scene.data(f"{word}_job", job_id="etl") == f"{word}d"
        assert scene.desk.world.path.read_text() == text.replace(
            '"owner": "data"', f'"enabled": {value},\n    "owner": "data"', 1
        )


async def test_a_job_is_saved_changed_and_deleted(scene: Scene) -> None:
    text = scene.desk.world.path.read_text()
    given = {**NEW, "create_time": 1, "modify_time": 2}
    assert await scene.data("save_job", job_id="new", job=given) == "saved"
    assert in_file(scene, "new") == NEW
    assert (await scene.data("jobs"))["new"]["owner"] == "me"
    again = {**NEW, "owner": "you"}
    assert await scene.data("save_job", job_id="new", job=again) == "saved"
    assert (await scene.data("jobs"))["new"]["owner"] == "you"
    assert await scene.data("delete_job", job_id="new") == "deleted"
    assert "new" not in await scene.data("jobs")
    assert scene.desk.world.path.read_text() == text


async def test_the_version_that_jobs_shows_guards_a_job(scene: Scene) -> None:
    version = (await scene.data("jobs"))["etl"]["version_id"]
    assert str(version) == job_version(CONFIG["bistro_job->etl"])
    bad = f'the job "etl" was changed meanwhile: it is version {version} now, not 7'
    for handler, inputs in (
        ("enable_job", {}),
        ("disable_job", {}),
        ("save_job", {"job": NEW}),
        ("delete_job", {}),
    ):
        for other in (7, "7"):
            error = await scene.error(handler, job_id="etl", version=other, **inputs)
            assert error.startswith(bad)
    assert in_file(scene, "etl") == CONFIG["bistro_job->etl"]
    assert await scene.data("disable_job", job_id="etl", version=version) == "disabled"
    version = (await scene.data("jobs"))["etl"]["version_id"]
    found = await scene.data("enable_job", job_id="etl", version=str(version))
    assert found == "enabled"
    assert await scene.data("delete_job", job_id="etl", version=None) == "deleted"


async def test_what_jobs_showed_before_another_change_is_not_saved_over_it(
    scene: Scene,
) -> None:
    shown = (await scene.data("jobs"))["etl"]
    await scene.data("disable_job", job_id="etl")
    now = (await scene.data("jobs"))["etl"]["version_id"]
    error = await scene.error("save_job", job_id="etl", job={**shown, "owner": "you"})
    version = shown["version_id"]
    assert error == (
        f'the job "etl" was changed meanwhile: it is version {now} now, not {version};'
        " look at it again"
    )
    given = {**shown, "owner": "you"}
    found = await scene.data("save_job", job_id="etl", job=given, version=now)
    assert found == "saved"
    assert await scene.data("delete_job", job_id="etl") == "deleted"
    assert await scene.data("save_job", job_id="etl", job=given) == "saved"


@pytest.mark.parametrize(
    ("handler", "inputs", "error"),
    [
        ("enable_job", {}, "Missing key: job_id"),
        ("enable_job", {"job_id": "nobody"}, 'the config has no job called "nobody"'),
        ("disable_job", {"job_id": 5}, "job_id must be a string"),
        ("delete_job", {"job_id": "of"}, 'no job called "of"; did you mean'),
        ("delete_job", {"job_id": "off", "version": True}, "version must be"),
        ("delete_job", {"job_id": "off", "version": [1]}, "version must be"),
        ("save_job", {"job_id": "x"}, "Missing key: job"),
        ("save_job", {"job_id": "x", "job": None}, "Missing key: job"),
        ("save_job", {"job_id": "x", "job": []}, "job must be an object"),
        ("save_job", {"job_id": "x", "job": {}}, 'the key "owner" is missing'),
        ("save_job", {"job_id": "", "job": NEW}, "a job's name cannot be empty"),
        ("save_job", {"job_id": "a\0", "job": NEW}, "cannot hold a NUL character"),
        ("save_job", {"job_id": "\ud800", "job": NEW}, "half of a surrogate pair"),
        ("save_job", {"job_id": "x", "job": {**NEW, "priority": []}}, "priority"),
        ("forgive_jobs", {"jobs": "etl"}, "jobs must be an array of strings"),
        ("kill_task", {"job_id": "etl"}, "Missing key: node_id"),
        ("kill_task", {"job_id": "nobody", "node_id": "d11"}, "Unknown job nobody"),
        (
            "kill_task",
            {"job_id": "etl", "node_id": "d11", "status_filter": ["x"]},
            "Unknown running task etl, d11",
        ),
        (
            "kill_task",
            {"job_id": "serve", "node_id": "no"},
            "Unknown running task serve, no",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_and_nothing_is_changed(
    scene: Scene, handler: str, inputs: dict[str, Json], error: str
) -> None:
    before = scene.desk.world.path.read_bytes()
    assert error in await scene.error(handler, **inputs)
    assert scene.desk.world.path.read_bytes() == before


async def test_a_file_that_cannot_be_written_is_refused(scene: Scene) -> None:
    scene.desk.world.path.chmod(0o444)
    assert "is not writable" in await scene.error("disable_job", job_id="etl")
    assert "is not writable" in await scene.error("delete_job", job_id="etl")


async def test_edits_of_one_request_and_of_many_are_all_done(scene: Scene) -> None:
    one: dict[str, Json] = {
        f"{number}": {"handler": "save_job", "job_id": f"a{number}", "job": NEW}
        for number in range(5)
    }
    several = [
        scene.data("save_job", job_id=f"b{number}", job=NEW) for number in range(5)
    ]
    found, *others = await asyncio.gather(scene.ask(**one), *several)
    assert found == {name: {"data": "saved"} for name in one}
    assert others == ["saved"] * 5
    jobs = await scene.data("jobs")
    assert {f"{letter}{n}" for letter in "ab" for n in range(5)} <= jobs.keys()


async def test_forgiving_stops_at_the_first_unknown_job(scene: Scene) -> None:
    path = scene.desk.data_dir.path / "statuses.sql3"
    query = "SELECT result FROM task_statuses WHERE job_id = 'broken'"
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute(query).fetchall() == [(2,)]
        jobs = ["etl", "broken", "nobody", "flaky"]
        error = await scene.error("forgive_jobs", jobs=jobs)
        assert error == "Invalid job id: nobody"
        assert database.execute(query).fetchall() == [(0,)]
    assert Reason.BACKOFF in scene.desk.core.counts(JobName("flaky"))
    assert Reason.FAILED not in scene.desk.core.counts(JobName("broken"))


@pytest.mark.parametrize("jobs", [None, [], ["off"], ["etl", "etl"]])
async def test_forgiving_nothing_is_forgiving(scene: Scene, jobs: Json) -> None:
    assert await scene.data("forgive_jobs", jobs=jobs) == "forgiven"
    assert await scene.data("forgive_jobs") == "forgiven"


async def test_what_is_not_on_disk_is_not_told_to_be_forgiven(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(control_module, "STORE_SEC", 0.01)
    monkeypatch.setattr(scene.desk.control, "_flush", never)
    error = await scene.error("forgive_jobs", jobs=["flaky"])
    assert "not on disk yet" in error


async def test_a_running_task_is_signaled(scene: Scene) -> None:
    attempt = scene.desk.core.running()[0]
    job, node = attempt.task
    assert await scene.data("kill_task", job_id=job, node_id=node) == "signaled"
    assert attempt.stopping
    async with asyncio.timeout(25):
        while not attempt.ended:
            await asyncio.sleep(0.001)
    error = await scene.error("kill_task", job_id="etl", node_id=node)
    assert error == f"Unknown running task etl, {node}"


async def test_a_task_of_a_deleted_job_is_of_an_unknown_one(scene: Scene) -> None:
    job, node = scene.desk.core.running()[0].task
    await scene.data("delete_job", job_id=job)
    assert scene.desk.core.running()
    error = await scene.error("kill_task", job_id=job, node_id=node)
    assert error == f"Unknown job {job}"


async def test_a_change_is_logged_once_with_who_asked_for_it(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bistro_tui")
    await scene.settle()
    running = await scene.data("running_tasks")
    job = next(iter(running))
    node = next(iter(running[job]))
    caplog.clear()
    assert await scene.data("kill_task", job_id=job, node_id=node) == "signaled"
    assert await scene.data("forgive_jobs", jobs=["broken"]) == "forgiven"
    asked = [line for line in caplog.messages if "asked" in line]
    assert asked == [
        f"a test asked for kill_task job_id={job} node_id={node}: signaled",
        "a test asked for forgive_jobs jobs=broken: forgiven",
    ]


async def test_all_subqueries_of_a_request_see_one_config(scene: Scene) -> None:
    await scene.settle()
    (one, *_) = (await scene.data("tasks", job="serve", status="running"))["tasks"]
    found = await scene.ask(
        deletes={"handler": "delete_job", "job_id": "serve"},
        kills={"handler": "kill_task", "job_id": "serve", "node_id": one["node"]},
        forgives={"handler": "forgive_jobs", "jobs": ["serve"]},
        knows={"handler": "names", "kind": "jobs", "prefix": "se"},
        explains={"handler": "why", "job": "serve", "node": "nowhere"},
        pages={"handler": "tasks", "job": "serve"},
    )
    assert found["deletes"] == {"data": "deleted"}
    assert found["kills"] == {"data": "signaled"}
    assert found["forgives"] == {"data": "forgiven"}
    assert found["knows"] == {"data": {"names": ["serve"]}}
    assert found["explains"] == {"error": "there is no task serve@nowhere"}
    assert "data" in found["pages"]
    assert await scene.error("kill_task", job_id="serve", node_id=one["node"]) == (
        "Unknown job serve"
    )


async def test_errors_tell_of_the_config_that_the_request_began_with(
    scene: Scene,
) -> None:
    found = await scene.ask(
        deletes={"handler": "delete_job", "job_id": "typo"},
        errors={"handler": "errors"},
    )
    assert found["deletes"] == {"data": "deleted"}
    assert "job typo" in found["errors"]["data"]
    assert await scene.data("errors") == {}


async def test_the_scheduler_is_stopped(scene: Scene) -> None:
    assert await scene.data("stop") == "stopping"
    async with asyncio.timeout(25):
        await scene.running


async def test_what_jobs_shows_can_be_saved_again(scene: Scene) -> None:
    shown = await scene.data("jobs")
    for name, job in shown.items():
        if name != "typo":
            assert await scene.data("save_job", job_id=name, job=job) == "saved"
    again = await scene.data("jobs")
    for name, job in shown.items():
        assert {**again[name], "version_id": 0} == {**job, "version_id": 0}
    error = await scene.error("save_job", job_id="typo", job=shown["typo"])
    assert "Pre-existing errors" in error


async def test_a_secret_that_was_hidden_is_never_saved_in_place_of_the_true_one(
    scene: Scene,
) -> None:
    given: Json = {**NEW, "config": {"db_password": "p", "shards": 3}}
    assert await scene.data("save_job", job_id="new", job=given) == "saved"
    shown = await scene.data("jobs", jobs=["new"])
    assert shown["new"]["config"] == given["config"]
    blind = dataclasses.replace(scene.desk, hides_secrets=True)
    text = json.loads((await READ["jobs"].answer(blind, {"jobs": ["new"]}))["new"])
    assert text["config"] == {"db_password": "***", "shards": 3}
    error = await scene.error("save_job", job_id="new", job={**given, **text})
    assert error == "the value of db_password was hidden when it was read"
    assert in_file(scene, "new")["config"] == given["config"]
