"""Starts the app on a scripted engine and waits on conditions, never on time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from tests.ui.pictures import text
from tests.ui.scripted import FrozenClock, ScriptedEngine

WIDE = (140, 42)
NARROW = (80, 24)


@asynccontextmanager
async def driven(
    engine: ScriptedEngine, size: tuple[int, int] = WIDE
) -> AsyncIterator[tuple[BistroApp, Pilot[None]]]:
    """Run the app until the block ends."""
    app = BistroApp(engine, engine, crash_dir=None, clock=FrozenClock())
    async with app.run_test(size=size, notifications=True) as pilot:
        yield app, pilot


def top(app: BistroApp) -> Any:
    """Return the screen on top, whatever its kind."""
    return app.screen


async def until(condition: Callable[[], bool], what: str = "it") -> None:
    """Return as soon as the condition holds; fail after half a minute."""
    deadline = asyncio.get_running_loop().time() + 30
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"{what} never came true"
        await asyncio.sleep(0.01)


async def until_shown(app: BistroApp, *words: str) -> str:
    """Return the screen as soon as it shows all of these."""
    try:
        await until(lambda: all(word in text(app) for word in words))
    except AssertionError:
        shown = text(app)
        missing = [word for word in words if word not in shown]
        raise AssertionError(f"never shown: {missing}\n{shown}") from None
    return text(app)


async def until_gone(app: BistroApp, word: str) -> str:
    """Return the screen as soon as it no longer shows this."""
    await until(lambda: word not in text(app), f"{word!r} gone")
    return text(app)
