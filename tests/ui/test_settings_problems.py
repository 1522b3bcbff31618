"""What is wrong with the settings of the screen is told, all of it where asked."""

from bistro_tui.app import BistroApp
from bistro_tui.present.ui_settings import parse_settings
from tests.ui.driving import WIDE, until_shown
from tests.ui.scripted import FrozenClock, ScriptedEngine

TEXT = """theme = "none-such"
mouse = 3
ascii = 4
[keys]
"act.sop" = "k"
"act.stop" = "q"
"""


async def test_one_sentence_counts_them_and_the_problems_have_them_all() -> None:
    engine, settings = ScriptedEngine(), parse_settings(TEXT, "ui.toml")
    app = BistroApp(
        engine, engine, crash_dir=None, clock=FrozenClock(), settings=settings
    )
    assert len(app.settings_problems) == 5
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until_shown(app, "ui.toml: 5 problems · ! shows them")
        await pilot.press("exclamation_mark")
        await until_shown(
            app,
            "settings of the screen",
            "ui.toml:1: there is no theme 'none-such'",
            "ui.toml:2: mouse has to be true or false",
            "ui.toml:3: ascii has to be",
            "ui.toml:5: act.sop is no action",
            "ui.toml:6: act.stop: q is the key of app.quit already",
        )
