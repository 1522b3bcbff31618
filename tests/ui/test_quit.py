"""Quitting: at once when nothing runs, else asked for twice."""

from dataclasses import replace

from textual.events import Key

from bistro_tui.ui_outcome import UiEnd
from tests.ui.driving import driven, until, until_gone, until_shown
from tests.ui.scenes import busy_engine, quiet_engine


async def test_q_quits_at_once_when_no_task_runs() -> None:
    engine = quiet_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("q")
        await until(lambda: app.end is not None)
    assert app.end == "quit"
    assert engine.stop_requests == 0


async def test_q_asks_while_tasks_run_and_escape_stays() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("q")
        await until_shown(
            app, "9 tasks run.", "q again stops them and quits", "Escape stays"
        )
        engine.change(running=engine.current.running[:1])
        await until_shown(app, "1 task runs.")
        await pilot.press("escape")
        await until_gone(app, "q again")
        assert app.end is None
        await pilot.press("q", "enter")
        await until_gone(app, "q again")
    assert engine.stop_requests == 0


async def test_a_second_q_stops_the_engine_and_waits_for_its_end() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("q", "q")
        await until(lambda: engine.stop_requests == 1)
        assert app.end is None
        engine.change(
            state=replace(engine.current.state, word="stopping", text="9 tasks end")
        )
        await until_shown(app, "◑ stopping 9 tasks end")
        await pilot.press("q")
        await until_shown(app, "Stopping: 9 tasks run.", "q again kills them at once")
        await pilot.press("q")
        await until(lambda: engine.stop_requests == 2)
        engine.change(state=replace(engine.current.state, word="stopped"))
        await until(lambda: app.end is not None)
    assert app.end == "quit"


async def test_q_means_quit_in_an_overlay_too() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await until_shown(app, "backup")
        await pilot.press("question_mark")
        await until_shown(app, "Escape closes")

        await pilot.press("q")
        await until_shown(app, "q again")
        await pilot.press("escape")
        await until_shown(app, "Escape closes")


async def test_a_key_that_comes_when_the_screen_is_being_left_does_nothing() -> None:
    async with driven(busy_engine()) as (app, _):
        await until_shown(app, "backup")
        app.leave(UiEnd.STOPPED)
        # It was on its way through the widgets, and is back from there.
        key = Key("3", "3")
        key._set_forwarded()
        await app.on_event(key)
    assert app.crash is None
    assert app.end is UiEnd.STOPPED
