"""How far the work is, and who waits for it."""

import asyncio
from typing import Any

from bistro_tui.engine.config.model import Json
from tests.engine.api.scene import Scene

WAITING_SEC = 5


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


async def test_who_waits_is_answered_when_nothing_runs_any_more(scene: Scene) -> None:
    waiting = asyncio.ensure_future(ask(scene, until="idle", wait_sec=WAITING_SEC))
    await asyncio.sleep(0)
    assert not waiting.done()
    while not waiting.done():
        # Each slot that is free is taken by the next task.
        await kill(scene)
        await asyncio.sleep(0.01)
    found = waiting.result()
    assert found["is_idle"]
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
