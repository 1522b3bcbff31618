"""Help and foot: made of the keys that work at this moment."""

from bistro_tui.present.foot import foot_badges
from bistro_tui.present.spans import plain_text
from bistro_tui.widgets.filter_line import FilterLine
from tests.ui.driving import NARROW, driven, top, until, until_gone, until_shown
from tests.ui.pictures import grid
from tests.ui.scenes import busy_engine


async def test_the_help_names_every_action_and_can_be_searched() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("question_mark")
        await until_shown(app, "Everywhere", "Command palette", "Quit", "Mark rows")
        await pilot.press("slash", *"forgive")
        await until_gone(app, "Command palette")
        shown = await until_shown(app, "F            Forgive")
        assert "Pages and panes" not in shown
        await pilot.press("enter")
        assert "Everywhere" not in await until_shown(app, "Forgive")
        await pilot.press("slash", *"zzz")
        await until_shown(app, "no key does that")
        await pilot.press("escape")
        await until_shown(app, "Everywhere")
        await pilot.press("escape")
        await until_gone(app, "Everywhere")


async def test_the_help_of_a_small_screen_begins_with_what_is_used_most() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await pilot.press("question_mark")
        shown = await until_shown(app, "Most used")
        for word in ("ilter", "nable", "hy", "log", "top", "orgive", "alette", "Quit"):
            assert word in shown
        await pilot.press("slash", *"forgive")
        await until_gone(app, "Most used")


async def test_the_chip_in_the_foot_goes_with_the_filter() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await pilot.press("slash", *"index", "enter")
        await until(lambda: "/index" in grid(app)[-1])
        await pilot.press("escape")
        await pilot.pause()
        assert "/index" not in grid(app)[-1]


async def test_the_foot_cuts_no_key_and_keeps_help_quit_and_badges() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await until_shown(app, "? help  q quit")
        await pilot.press("space", "z")
        await until(lambda: "z frozen" in grid(app)[-1])
        foot = grid(app)[-1]
        assert "■ 1 marked" in foot
        assert "? help  q quit" in foot
        assert foot.startswith(" e on/off  w why")
        await pilot.press("z", "backslash")
        await until(lambda: "■" not in grid(app)[-1])


def test_badges_show_foreign_text_as_it_is() -> None:
    badges = foot_badges(
        filter_text="\x1b[2J[/b]", marks="", is_frozen=False, is_read_only=True
    )
    assert "\x1b" not in plain_text(badges)
    assert "[/b]" in plain_text(badges)
    assert "read-only" in plain_text(badges)
    assert (
        foot_badges(filter_text="", marks="", is_frozen=False, is_read_only=False) == ()
    )


async def test_on_a_screen_that_is_too_small_an_overlay_waits_for_room() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await pilot.press("question_mark")
        await until_shown(app, "Most used")
        await pilot.resize_terminal(30, 8)
        await until_gone(app, "Most used")
        await until_shown(app, "too small")
        await pilot.resize_terminal(*NARROW)
        await until_shown(app, "Most used")


async def test_the_search_of_the_help_has_a_sign_before_what_is_typed() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await pilot.press("question_mark")
        await until_shown(app, "Most used")
        await pilot.press("slash", *"undo")
        await until_shown(app, "/ undo")
        assert isinstance(app.focused, FilterLine)
        assert app.focused.cursor_position == 4


async def test_the_chip_is_as_new_as_the_line_that_is_typed_in() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        await pilot.press("slash")
        await until(lambda: isinstance(app.focused, FilterLine))
        line, pane = app.focused, top(app).page.active_pane
        assert isinstance(line, FilterLine)
        line.value = "ind"
        assert pane.filter_text == "ind"
