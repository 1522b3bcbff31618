"""Colours: readable in every theme, changed all at once, absent where not wanted."""

import itertools

import pytest
from rich.color import ColorType
from textual.theme import BUILTIN_THEMES

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import Reason
from bistro_tui.present.colours import READABLE, contrast, luminance, mixed, rgb
from bistro_tui.present.palette import DAY, NIGHT, Palette
from bistro_tui.present.ui_settings import OwnTheme, UiSettings
from bistro_tui.widgets.ascii_only import in_ascii
from bistro_tui.widgets.theme import OURS, palette_of
from tests.ui.driving import driven, until, until_shown
from tests.ui.pictures import text
from tests.ui.scripted import FrozenClock, ScriptedEngine, job, node, running, snapshot

TEXTS = (
    *("ink", "dim", "accent", "mark", "running", "ready", "blocked", "backoff"),
    *("done", "failed", "stderr", "violet"),
)
GROUNDS = ("ground", "raised", "cursor", "cursor_off", "marked")
CHIPS = ("accent", "mark", "failed", "blocked")


def poor(palette: Palette, least: float = READABLE) -> list[str]:
    pairs = [*itertools.product(TEXTS, GROUNDS), *(("ground", chip) for chip in CHIPS)]
    return [
        f"{one} on {other}"
        for one, other in pairs
        if contrast(getattr(palette, one), getattr(palette, other)) < least
    ]


def scene() -> ScriptedEngine:
    return ScriptedEngine(
        current=snapshot(
            jobs=(job("etl", {Reason.DONE: 3, Reason.FAILED: 1}),),
            nodes=(node("root"), node("日本", 1, ("slots", 1, 2))),
            running=(running("etl", "日本"),),
        )
    )


def app_with(settings: UiSettings) -> BistroApp:
    engine = scene()
    return BistroApp(
        engine, engine, crash_dir=None, clock=FrozenClock(), settings=settings
    )


@pytest.mark.parametrize("palette", [NIGHT, DAY])
def test_all_text_of_our_themes_can_be_read(palette: Palette) -> None:
    assert not poor(palette)


@pytest.mark.parametrize(
    "name", [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi]
)
def test_all_text_of_derived_themes_can_be_read(name: str) -> None:
    palette = palette_of(BUILTIN_THEMES[name], OURS)
    assert not [pair for pair in poor(palette) if not pair.startswith("ground on")]
    assert palette.is_dark is BUILTIN_THEMES[name].dark


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert luminance("#ffffff") == pytest.approx(1)
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345", "#gggggg", "#１２３"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no colour"):
        rgb(text)


async def test_a_theme_changes_every_line_at_once() -> None:
    async with driven(scene()) as (app, pilot):
        before = app.export_screenshot()
        assert NIGHT.running in before
        await pilot.press("ctrl+t")
        await until(lambda: app.theme == "bistro-day")
        await until(lambda: DAY.running in app.export_screenshot())
        after = app.export_screenshot()
        night = {getattr(NIGHT, name) for name in (*TEXTS, *GROUNDS)}
        assert not [colour for colour in night if colour in after]


async def test_themes_of_each_kind_can_be_shown() -> None:
    async with driven(scene()) as (app, pilot):
        for name in ("bistro-day", "textual-light", "nord", "ansi-dark", "ansi"):
            assert name in app.theme_names()
            app.use_theme(name)
            await pilot.pause()
            assert "etl" in text(app)
        app.use_theme("ansi")
        await pilot.press("question_mark")
        await until_shown(app, "This help")
        styles = [
            segment.style
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None
        ]
        kinds = {style.color.type for style in styles if style.color is not None}
        assert kinds <= {ColorType.DEFAULT, ColorType.STANDARD}


async def test_a_theme_of_ones_own_starts_from_another() -> None:
    mine = OwnTheme(name="mine", base="nord", colours={"failed": "#ff0000"})
    light = OwnTheme(name="light", colours={"ground": "#ffffff"})
    app = app_with(UiSettings(theme="mine", themes=(mine, light)))
    async with app.run_test() as pilot:
        assert app.inks.palette.failed == "#ff0000"
        assert app.inks.palette.ground == palette_of(BUILTIN_THEMES["nord"], {}).ground
        app.use_theme("light")
        await pilot.pause()
        assert app.inks.palette.ink == DAY.ink


async def test_an_unknown_theme_is_told_and_the_usual_one_shown() -> None:
    app = app_with(UiSettings(path="ui.toml", theme="[nope]", lines={"theme": 3}))
    async with app.run_test(notifications=True):
        await until_shown(app, "ui.toml: 1 problem · ! shows them")
        assert "ui.toml:3: there is no theme '[nope]'; ours" in app.settings_problems[0]
        assert app.theme == "bistro-night"


async def test_ascii_mode_sends_ascii_alone_and_keeps_every_width() -> None:
    app = app_with(UiSettings(ascii=True))
    async with app.run_test(size=(120, 40)) as pilot:
        screens = set()
        for keys in ((), ("question_mark",), ("escape", "ctrl+p"), ("escape", "slash")):
            await pilot.press(*keys)
            await pilot.pause()
            screens.add((app.screen, app.focused))
            lines = app.screen._compositor.render_strips()
            filters = app.get_line_filters()
            for strip in lines:
                shown = strip
                for one in filters:
                    shown = shown.apply_filter(one, app.screen.background_colors[1])
                assert shown.text.isascii()
                assert shown.cell_length == strip.cell_length
        assert len(screens) == 4
    assert in_ascii("日本 é ● ━ ⣿ ┼") == "???? ? > = # +"


def test_the_signs_of_the_palette_are_signs_in_ascii_too() -> None:
    assert in_ascii("🔎 Search…") == "/  Search~"
