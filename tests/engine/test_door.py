"""Asking the engine from another thread, while it runs and after it has stopped."""

import asyncio
import random
import threading
from pathlib import Path

import pytest

from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.view import Reason
from tests.engine.test_engine import HELD, config_text


def thread_for(path: Path) -> EngineThread:
    options = EngineOptions(config_path=path / "config.json", data_dir=path / "data")
    return EngineThread(
        Engine(
            options,
            instance=NodeName("here"),
            clock=SystemClock(),
            rng=random.Random(1),
        )
    )


async def test_questions_are_answered_across_threads_until_the_engine_has_stopped(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text(config_text(a={"command": HELD}))
    thread = thread_for(tmp_path)
    thread.start()
    door = await asyncio.to_thread(thread.wait_until_open)
    assert door is not None
    news = threading.Event()
    unsubscribe = door.subscribe(news.set)

    task = door.snapshot().running[0].task
    assert (await door.explain(task)).reason is Reason.RUNNING
    assert len(await door.tasks_of(JobName("a"))) == 3
    assert (await door.read_log(None)).last_id >= 0
    with pytest.raises(ControlRefused):
        await door.set_job_enabled(JobName("nobody"), False)
    assert await door.set_job_enabled(JobName("a"), False)
    assert await asyncio.to_thread(news.wait, 5)
    unsubscribe()

    door.request_stop()
    outcome = await asyncio.to_thread(thread.outcome)

    assert outcome is not None
    assert outcome.started == 2
    assert door.snapshot().state.word == "stopped"
    door.request_stop()
    with pytest.raises(ControlRefused, match="stopped"):
        await door.explain(task)


async def test_who_asks_while_the_engine_stops_is_answered_or_hears_that_it_has(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text(config_text(a={"command": HELD}))
    thread = thread_for(tmp_path)
    thread.start()
    door = await asyncio.to_thread(thread.wait_until_open)
    assert door is not None

    async def ask_on(number: int) -> None:
        while True:
            await (door.history() if number % 2 else door.tasks_of(JobName("a")))

    asking = [asyncio.create_task(ask_on(number)) for number in range(20)]
    await door.history()
    door.request_stop()
    await asyncio.to_thread(thread.outcome)
    ends = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 30)
    assert {type(end) for end in ends} == {ControlRefused}


async def test_an_engine_that_cannot_open_says_so_to_whoever_waits(
    tmp_path: Path,
) -> None:
    thread = thread_for(tmp_path)
    thread.start()
    with pytest.raises(ConfigUnusable, match="no such file"):
        await asyncio.to_thread(thread.wait_until_open)
    with pytest.raises(ConfigUnusable):
        await asyncio.to_thread(thread.outcome)
