"""The UI on a scheduler of another process: leaving it stops nothing."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from bistro_tui.attached_app import AttachedApp
from bistro_tui.doors import Door
from bistro_tui.engine.view import Banner
from tests.ui.driving import WIDE, until, until_gone, until_shown
from tests.ui.scenes import busy_engine
from tests.ui.scripted import FrozenClock, ScriptedEngine


@asynccontextmanager
async def attached(
    engine: ScriptedEngine,
) -> AsyncIterator[tuple[AttachedApp, Pilot[None]]]:
    door = Door(label="night", view=engine, control=engine)
    app = AttachedApp([door], crash_dir=None, clock=FrozenClock())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        yield app, pilot


async def test_q_leaves_at_once_though_tasks_run() -> None:
    engine = busy_engine()
    async with attached(engine) as (app, pilot):
        await until_shown(app, "backup", "q leave")
        await pilot.press("q")
        await until(lambda: app.end is not None)
    assert app.end == "quit"
    assert engine.stop_requests == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_end_the_client_alone(number: int) -> None:
    engine = busy_engine()
    async with attached(engine) as (app, _):
        await until_shown(app, "backup")
        app.signal_came(number)
        await until(lambda: app.end is not None)
    assert app.end == "quit"
    assert engine.stop_requests == 0


async def test_the_end_of_the_scheduler_is_not_the_end_of_the_screen() -> None:
    engine = busy_engine()
    running = engine.current.state
    async with attached(engine) as (app, pilot):
        banner = Banner(topic="connection", text="no answer from db7; trying again")
        state = replace(running, word="unreachable", text="no answer")
        engine.change(state=state, banners=(banner,))
        await until_shown(app, "unreachable", "trying again")
        engine.change(state=replace(running, word="stopped"), banners=())
        await until_shown(app, "■ stopped")
        engine.change(state=running)
        await until_gone(app, "stopped")
        assert app.end is None
        await pilot.press("question_mark")
        await until_shown(app, "Leave; the scheduler goes on")
        await pilot.press("escape", "ctrl+c")
        await until_shown(app, "q leaves")
