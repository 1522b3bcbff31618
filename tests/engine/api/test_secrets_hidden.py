"""Who may only read sees no secret of a job, wherever it turns up."""

import json
from pathlib import Path

import pytest

from bistro_tui.engine.api.envelope import parse_request, respond
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.sink import Stream
from tests.engine.api.scene import CONFIG, Scene, opened

SECRET = 'hunter"22'
CONFIG_WITH_SECRET: dict[str, Json] = {
    **CONFIG,
    "bistro_job->etl": {
        "owner": "data",
        "config": {"plays": "done", "login": [{"password": SECRET, "user": "u"}]},
        "command": ["./etl.sh", f"--key={SECRET}"],
    },
    "bistro_job->typo": {
        "owner": "web",
        "priority": f"of {SECRET}",
        "command": ["typo"],
    },
}


async def asked(scene: Scene, handler: str, *, is_trusted: bool) -> str:
    """Return the answer to one subquery as text."""
    query = {"handler": handler, "log_type": "stdout"}
    if handler == "job_facts":
        query["job"] = "etl"
    request = parse_request(json.dumps({"a": query}).encode())
    found = await respond(scene.desk, request, who="a test", is_trusted=is_trusted)
    return bytes(found).decode()


async def test_values_are_hidden_in_all_answers_and_only_without_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, CONFIG_WITH_SECRET, monkeypatch) as scene:
        await scene.settle()
        task = TaskId(JobName("etl"), NodeName("d11"))
        row = json.dumps({"args": ["etl", json.dumps({"password": SECRET})]})
        lines = [f"key is {SECRET}\n".encode(), f"{row}\n".encode()] * 300
        scene.desk.logs.write(task, Stream.STDOUT, lines)
        await scene.desk.logs.flush()
        scene.desk.board.put("disk", f"full of {SECRET}")
        looks = ("jobs", "errors", "config", "task_logs", "log_tail", "job_facts")
        for handler in (*looks, "tasks"):
            hidden = await asked(scene, handler, is_trusted=False)
            shown = await asked(scene, handler, is_trusted=True)
            assert "hunter" not in hidden, handler
            assert json.loads(hidden).keys() == json.loads(shown).keys()
            if handler != "tasks":
                assert "hunter" in shown
                assert "***" in hidden
        found = json.loads(await asked(scene, "jobs", is_trusted=False))["a"]["data"]
        assert found["etl"]["command"] == ["./etl.sh", "--key=***"]
        assert found["etl"]["config"]["login"] == [{"password": "***", "user": "u"}]


async def test_what_is_hidden_follows_the_config(scene: Scene) -> None:
    scene.desk.board.put("disk", "full of hunter22")
    assert "hunter22" in await asked(scene, "errors", is_trusted=False)
    new: Json = {"owner": "me", "command": ["x"], "env": {"TOKEN": "hunter22"}}
    assert await scene.data("save_job", job_id="new", job=new) == "saved"
    assert "full of ***" in await asked(scene, "errors", is_trusted=False)
    assert "full of hunter22" in await asked(scene, "errors", is_trusted=True)


async def test_an_error_of_a_subquery_shows_no_secret(scene: Scene) -> None:
    new: Json = {"owner": "me", "command": ["x"], "env": {"TOKEN": "hunter22"}}
    assert await scene.data("save_job", job_id="new", job=new) == "saved"
    assert await asked(scene, "hunter22", is_trusted=False) == (
        '{"a":{"error": "Unknown handler: ***"}}'
    )
