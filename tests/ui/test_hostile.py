"""Foreign text in every widget, toast and overlay: shown, never obeyed."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import JobName
from bistro_tui.present.clean import clean, clean_lines, clean_log
from bistro_tui.present.spans import Span
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.pages import PAGES
from bistro_tui.widgets.cells import to_strip
from tests.faults.seeds import SCALE
from tests.ui.driving import NARROW, WIDE, driven, top, until, until_gone, until_shown
from tests.ui.hostile import HOSTILE, hostile_engine
from tests.ui.pictures import grid
from tests.ui.scripted import ScriptedEngine, job, snapshot

_ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")
_LEADS_AWAY = {"tab", "shift+tab", *"12345678"}


def assert_safe(app: BistroApp) -> None:
    """Check the cells that would be sent: nothing acts, widths are right."""
    width = app.size.width
    for strip in app.screen._compositor.render_strips(app.size):
        for segment in strip:
            bad = [
                c for c in segment.text
                if unicodedata.category(c) in _ACTING
            ]  # fmt: skip
            assert not bad, (bad, segment.text)
            assert not (segment.style and "@click" in segment.style.meta)
        assert sum(cell_len(segment.text) for segment in strip) == width


async def look_at(app: BistroApp, pilot: Pilot[None], *keys: str) -> None:
    """Open each overlay on the row under the cursor and close it again."""
    for key in keys:
        await pilot.press(key)
        await until_shown(app, "Escape closes")
        assert_safe(app)
        await pilot.press("escape")
        await until_gone(app, "Escape closes")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_hostile_text_is_shown_in_every_pane(size: tuple[int, int]) -> None:
    async with driven(hostile_engine(*HOSTILE), size) as (app, pilot):
        count = len(HOSTILE)
        await until_shown(app, f"Jobs {count}", f"Running {count}")
        assert_safe(app)
        await look_at(app, pilot, "exclamation_mark", "question_mark")
        for pane in ("tab", "tab", "tab", "tab"):
            await pilot.press(pane)
            for key in ("ctrl+d", "G", "ctrl+u", "g", "W", "T", "o"):
                await pilot.press(key)
                assert_safe(app)


@pytest.mark.parametrize("evil", HOSTILE, ids=[ascii(text[:16]) for text in HOSTILE])
async def test_hostile_text_is_shown_in_every_overlay_and_toast(evil: str) -> None:
    async with driven(hostile_engine(evil), NARROW) as (app, pilot):
        await until_shown(app, "Jobs 1", "Running 1")
        assert_safe(app)
        await look_at(app, pilot, "w", "enter")
        await pilot.press("tab", "tab")
        await look_at(app, pilot, "w", "enter")
        await pilot.press("j")
        await look_at(app, pilot, "enter")
        await pilot.press("e", "F")
        assert_safe(app)
        assert app.end is None


async def test_a_refusal_with_markup_is_a_toast_of_its_characters() -> None:
    engine = ScriptedEngine(current=snapshot(jobs=(job("etl"),)))
    engine.refusal = "[/bold] \x1b]0;x\x07 [@click=app.quit]x[/]"
    async with driven(engine) as (app, pilot):
        await pilot.press("e")
        await until_shown(app, "[/bold] ␛]0;x␇", "[@click=app.quit]x[/]")


async def test_a_job_called_like_markup_keeps_its_name() -> None:
    engine = ScriptedEngine(
        current=snapshot(jobs=(job("[/bold][red]x"), job("\x1b]0;pwned\x07")))
    )
    async with driven(engine) as (app, _):
        await until_shown(app, "[/bold][red]x", "␛]0;pwned␇")
        engine.publish(replace(engine.current, jobs=(job(JobName("a[b]")),)))
        await until_shown(app, "a[b]")
        assert all(cell_len(row) <= 140 for row in grid(app))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page.key for page in PAGES])
async def test_every_key_of_every_page_meets_hostile_text(page: str) -> None:
    size = NARROW if int(page) % 2 else WIDE
    async with driven(hostile_engine(*HOSTILE), size) as (app, pilot):
        await pilot.press(page)
        await pilot.pause()
        main = app.screen
        assert isinstance(main, MainScreen)
        stage: MainScreen = main
        tried: set[str] = set()
        for _ in stage.panes:
            keys = {
                key
                for key, active in main.active_bindings.items()
                # What all pages have in common is tried on the first, if time is short.
                if page == "1" or SCALE > 1 or active.node not in (main, app)
            }
            for key in sorted(keys - tried - _LEADS_AWAY):
                tried.add(key)
                await pilot.press(key)
                await pilot.pause()
                assert_safe(app)
                assert app.end is None
                while app.screen is not main:
                    await pilot.press("escape")
                    await pilot.pause()
                if page != stage.page.KEY:
                    await pilot.press(page)
            await pilot.press("tab")
        assert tried


@pytest.mark.parametrize("opens", ["slash", "colon", "P", "ctrl+p"])
async def test_what_is_pasted_is_shown_and_not_obeyed(opens: str) -> None:
    engine = ScriptedEngine(current=snapshot(jobs=(job("etl"),)))
    async with driven(engine) as (app, pilot):
        await until_shown(app, "etl")
        await pilot.press(opens)
        await until(lambda: isinstance(app.focused, Input))
        for evil in HOSTILE:
            app.post_message(Paste(evil[:40]))
            await pilot.pause()
            assert_safe(app)
        assert isinstance(app.focused, Input)


async def test_names_are_completed_as_what_can_be_shown() -> None:
    jobs = tuple(job(f"a{evil}") for evil in HOSTILE)
    async with driven(ScriptedEngine(current=snapshot(jobs=jobs))) as (app, pilot):
        await pilot.press("colon", *"job", "space", "a")
        typed, completed = top(app).query_one("#command-text"), set()
        for _ in HOSTILE:
            await pilot.press("tab")
            await pilot.pause()
            assert_safe(app)
            completed.add(typed.value)
        assert len(completed) > 1


@settings(max_examples=200 * SCALE, deadline=None)
@given(st.text(st.characters(), max_size=80), st.integers(0, 60))
def test_any_text_once_clean_makes_a_strip_of_its_width_that_is_safe(
    raw: str, width: int
) -> None:
    for shown in (clean(raw), clean_log(raw), *clean_lines(raw)):
        strip = to_strip((Span(shown),), width)
        assert strip.cell_length == width
        assert sum(cell_len(segment.text) for segment in strip) == width
        assert not [c for c in strip.text if unicodedata.category(c) in _ACTING]


async def test_a_tab_in_a_name_is_seen_in_a_toast() -> None:
    async with driven(ScriptedEngine(snapshot()), NARROW) as (app, _):
        app.say("etl\tdaily is disabled", False)
        await until_shown(app, "etl␉daily is disabled")
