"""Sentences at the edge of the screen, on the screen itself."""

from textual.widgets._toast import Toast

from bistro_tui.app import BistroApp
from bistro_tui.screens.help_overlay import HelpOverlay
from bistro_tui.widgets.doc_view import DocView
from tests.ui.driving import NARROW, driven, until, until_shown
from tests.ui.scenes import busy_engine


def toasts(app: BistroApp) -> list[str]:
    return [str(toast.render()) for toast in app.screen.query(Toast)]


async def test_at_most_two_sentences_are_there_and_the_newest_about_a_thing() -> None:
    async with driven(busy_engine(), NARROW) as (app, _):
        for number in range(4):
            app.say(f"limit {number}", False, "change")
        app.say("one", False)
        app.say("two", False)
        app.say("bad", True)
        await until(lambda: toasts(app) == ["two", "bad"])


async def test_a_sentence_covers_nothing_of_a_dialog() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, HelpOverlay))
        app.say("a long sentence " * 12, True)
        await until_shown(app, "a long sentence")
        text = app.screen.query_one(DocView).region
        toast = app.screen.query_one(Toast).region
        assert toast.height == 1
        assert not toast.overlaps(text)
