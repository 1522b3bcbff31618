"""How far the work is, and who waits for it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.api import envelope
from bistro_tui.engine.config.model import Json
from tests.engine.api.scene import CONFIG, Scene, opened

WAITING_SEC = 5
TWO: dict[str, Json] = {
    "owner": "web",
    "command": ["serve"],
    "resources": {"slots": 1},
    "filters": {"db": {"whitelist": ["d11", "d12"]}},
}


async def ask(scene: Scene, **values: Json) -> dict[str, Any]:
    answers = await scene.ask(it={"handler": "progress", **values})
    found: Any = answers["it"]
    data: dict[str, Any] = found["data"]
    return data


async def kill(scene: Scene) -> None:
    """End the tasks that run until they are killed; they wait in backoff then."""
    for attempt in scene.desk.core.running():
        if not attempt.ended:
            await scene.desk.control.kill_task(attempt.task)


async def test_who_waits_is_answered_when_nothing_runs_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As many tasks as slots: none takes the place of one that was killed.
    few = {"bistro_settings": CONFIG["bistro_settings"], "bistro_job->serve": TWO}
    async with opened(tmp_path, few, monkeypatch) as scene:
        await scene.settle()
        waiting = asyncio.ensure_future(ask(scene, until="idle", wait_sec=WAITING_SEC))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert len(list(scene.desk.core.running())) == 2
        await kill(scene)
        found = await waiting
    assert found["is_idle"], found
    assert found["running"] == 0
    # A task in backoff can get further, but not now.
    assert found["can_progress"]
    assert not found["is_done"]


async def test_who_waits_longer_than_is_waited_is_told_how_far_it_is(
    scene: Scene,
) -> None:
    found = await ask(scene, until="done", wait_sec=0.01)
    assert found["running"] == 2
    assert not found["is_done"]


async def test_the_end_of_the_scheduler_ends_the_waiting(scene: Scene) -> None:
    waiting = asyncio.ensure_future(ask(scene, until="done", wait_sec=WAITING_SEC))
    await asyncio.sleep(0)
    scene.engine.request_stop()
    found = await waiting
    assert not found["is_done"]
    assert not found["can_progress"]


async def test_nobody_is_told_of_changes_after_the_answer(scene: Scene) -> None:
    before = scene.engine._snapshots._subscribers
    await ask(scene, until="done", wait_sec=0.01)
    assert scene.engine._snapshots._subscribers == before


async def test_all_subqueries_of_a_request_wait_once_together(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope, "LONGEST_WAIT_SEC", 0.02)
    query: Json = {"handler": "progress", "until": "done", "wait_sec": 5}
    async with asyncio.timeout(25):
        answers = await scene.ask(**{f"q{i}": query for i in range(20)})
    assert [one["data"]["running"] for one in answers.values()] == [2] * 20


@pytest.mark.parametrize("wait_sec", [None, "0"])
async def test_how_long_may_be_null_or_a_text(wait_sec: Any, scene: Scene) -> None:
    found = await scene.data("progress", until="done", wait_sec=wait_sec)
    assert found["running"] == 2
