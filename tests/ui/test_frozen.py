"""While the screen is frozen nothing is asked, and no answer moves it."""

import asyncio

from bistro_tui.app import BistroApp
from bistro_tui.attached_app import AttachedApp
from bistro_tui.doors import Door
from bistro_tui.engine.view import Notice
from tests.ui.driving import WIDE, driven, until, until_shown
from tests.ui.pictures import text
from tests.ui.scripted import NOW, FrozenClock, ScriptedEngine


class Slow(ScriptedEngine):
    """Answers about events when it is let."""

    def let(self) -> None:
        self.gate.set()

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        self.asked.append(("notices", after))
        if self.said:
            await self.gate.wait()
        return await super().notices(after=after)

    gate = asyncio.Event()


async def settled(app: BistroApp) -> None:
    for _ in range(5):
        await asyncio.sleep(0.01)
        await app.animator.wait_until_complete()


async def test_an_answer_that_comes_late_does_not_repaint_a_frozen_screen() -> None:
    engine = Slow()
    engine.gate = asyncio.Event()
    engine.said = [Notice(serial=1, at=NOW, level="info", text="late news")]
    async with driven(engine) as (app, pilot):
        await pilot.press("8")
        await until(lambda: ("notices", 0) in engine.asked)
        await pilot.press("z")
        await until_shown(app, "frozen")
        engine.let()
        await settled(app)
        assert "late news" not in text(app)
        await pilot.press("z")
        await until_shown(app, "late news")


async def test_another_scheduler_is_frozen_too_and_asked_nothing() -> None:
    one, two = ScriptedEngine(), Slow()
    doors = [
        Door(label=name, view=engine, control=engine)
        for name, engine in (("one", one), ("two", two))
    ]
    app = AttachedApp(doors, crash_dir=None, clock=FrozenClock())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("z")
        await until_shown(app, "frozen")
        await pilot.press("right_curly_bracket", "right_curly_bracket", "8")
        await until_shown(app, "8 Events", "frozen")
        await settled(app)
        assert not [one for one in two.asked if one[0] == "notices"]
        await pilot.press("z")
        await until(lambda: ("notices", 0) in two.asked)
