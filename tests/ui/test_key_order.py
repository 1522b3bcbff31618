"""Keys that come in a burst act as if they had been typed one by one."""

import asyncio
import time
from collections.abc import Callable

import pytest
from textual.events import Key

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import Reason
from bistro_tui.screens.main import MainScreen
from tests.ui.driving import driven, until, until_gone, until_shown
from tests.ui.scenes import busy_engine

NAMES = {"/": "slash", "\r": "enter", "\x1b": "escape", "?": "question_mark"}


def burst(app: BistroApp, keys: str) -> None:
    """Post all keys at once, as a terminal does after a slow moment."""
    for key in keys:
        name = NAMES.get(key, key)
        app.post_message(Key(name, key if key.isprintable() else None))


async def test_letters_behind_a_slash_are_typed_and_not_obeyed() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")

        burst(app, "/index")

        await until_shown(app, "/index 1")
        assert engine.asked == []


async def test_a_whole_filter_with_enter_and_an_act_behind_it() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")

        burst(app, "/index\re")

        await until(lambda: bool(engine.asked))
        assert engine.asked == [("set_job_enabled", "index-rebuild", False)]


async def test_help_opens_and_closes_in_one_burst() -> None:
    async with driven(busy_engine()) as (app, _):
        await until_shown(app, "backup")

        burst(app, "?\x1bw")

        await until_shown(app, "Why", str(Reason.RESOURCE))
        await until_gone(app, "every key in words")


async def test_keys_behind_the_number_of_a_page_reach_that_page() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")

        burst(app, "5jx")

        def killed() -> list[object]:
            return [asked[1] for asked in engine.asked if asked[0] == "kill_task"]

        await until(lambda: bool(killed()))
        assert killed() == [engine.current.running[1].task]


async def test_keys_behind_one_that_opens_an_overlay_reach_the_overlay() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")

        burst(app, "P7.5\r")

        await until(lambda: bool(engine.asked))
        assert engine.asked == [("set_job_priority", "backup", 7.5)]


async def test_a_key_waits_for_a_page_that_takes_its_time_to_appear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")
        main, loop = app.screen, asyncio.get_running_loop()
        assert isinstance(main, MainScreen)

        def call_late(callback: Callable[..., None], *args: object) -> bool:
            loop.call_later(0.1, main.call_later, callback, *args)
            return True

        monkeypatch.setattr(main, "call_after_refresh", call_late)
        burst(app, "2")
        await until(lambda: app.is_between)
        # The key before these is long done.
        await asyncio.sleep(0.05)
        burst(app, "/index")

        await until_shown(app, "/index 1")
        assert engine.asked == []


async def test_keys_keep_their_order_on_a_machine_that_is_too_busy() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")
        loop = asyncio.get_running_loop()
        ends = loop.time() + 2.5

        def hold_up() -> None:
            # Longer than a key's patience, and nothing of it is the key's fault.
            time.sleep(0.3)
            if loop.time() < ends:
                loop.call_soon(hold_up)

        hold_up()
        burst(app, "P7.5\r")

        await until(lambda: bool(engine.asked))
        assert engine.asked == [("set_job_priority", "backup", 7.5)]


async def test_a_key_that_never_comes_back_does_not_hold_up_the_next_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "backup")
        monkeypatch.setattr(app, "_go_up", lambda _node, _turn: None)
        burst(app, "5jx")

        await until(lambda: "kill_task" in [asked[0] for asked in engine.asked])
