"""An error in any part of the screen ends the screen, and nothing else."""

from contextlib import suppress
from typing import Any

import pytest
from textual.worker import WorkerFailed

from bistro_tui.app import BistroApp
from bistro_tui.screens.act_keys import ActKeys
from bistro_tui.screens.acts import Acts
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.page import Page
from bistro_tui.screens.pages import PAGES
from bistro_tui.screens.texts import Texts
from tests.ui.driving import WIDE, until
from tests.ui.scenes import busy_engine
from tests.ui.scripted import FrozenClock


def fail(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("on purpose")


async def assert_ends_the_screen_alone(*keys: str) -> None:
    engine = busy_engine()
    app = BistroApp(engine, engine, crash_dir=None, clock=FrozenClock())
    # The pilot of a test raises it once more.
    with suppress(ZeroDivisionError, WorkerFailed):
        async with app.run_test(size=WIDE, notifications=True) as pilot:
            for key in keys:
                await pilot.press(key)
            engine.change(banners=())
            await until(lambda: app.crash is not None)
    assert isinstance(app.crash, ZeroDivisionError)
    assert engine.stop_requests == 0


PARTS = ("take", "lay_out", "tick", "focus_target")


@pytest.mark.parametrize(
    ("page", "part"),
    [
        (page, PARTS[at % len(PARTS)])
        for at, page in enumerate(kind.load() for kind in PAGES)
    ],
    ids=lambda value: value if isinstance(value, str) else value.NAME,
)
async def test_an_error_in_a_page(
    page: type[Page], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, part, fail)
    await assert_ends_the_screen_alone(page.KEY)


@pytest.mark.parametrize(
    ("whose", "part", "key"),
    [
        (ActKeys, "action_why", "w"),
        (Acts, "look", ""),
        (Texts, "problems", "exclamation_mark"),
        (MainScreen, "_head_rows", ""),
        (BistroApp, "_live_keys", "question_mark"),
        (BistroApp, "_tick", "z"),
    ],
    ids=str,
)
async def test_an_error_in_what_a_key_does_or_in_drawing(
    whose: type[object], part: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hasattr(whose, part)
    monkeypatch.setattr(whose, part, fail)
    await assert_ends_the_screen_alone(*([key] if key else []))
