"""Foreign text in every widget, toast and overlay: shown, never obeyed."""

import unicodedata
from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Banner, JobName, Reason, Stream
from tests.ui.driving import NARROW, WIDE, driven, until_gone, until_shown
from tests.ui.pictures import grid
from tests.ui.scripted import (
    NOW,
    ScriptedEngine,
    ended,
    engine_state,
    explanation,
    job,
    node,
    running,
    snapshot,
    task,
)

HOSTILE = (
    "[/bold]",
    "[@click=app.quit]x[/]",
    "[node_modules]",
    "\x1b]0;x\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[H",
    "\x9b2J",
    "\u202egnp.exe",
    "nul\x00byte",
    "lone\ud800",
    "x" * 10_000,
    "漢字テスト" * 20,
    "e\u0301" * 30,
    "\u0301\u0302",
    "👨\u200d👩\u200d👧 ❤\ufe0f 🇩🇪",
    "tab\tnew\nline\r",
    "",
    " ",
)


class HostileEngine(ScriptedEngine):
    """Refuses everything in the words of what was asked for."""

    def _answer(self, text: str) -> str:
        raise ControlRefused(text)


def hostile_engine(*evils: str) -> HostileEngine:
    """Return an engine whose every foreign text is hostile."""
    first = evils[0]
    engine = HostileEngine(
        current=snapshot(
            state=engine_state(instance=first, text=first, config_path=f"/x/{first}"),
            banners=tuple(Banner(topic=evil, text=f"{evil}\n{evil}") for evil in evils),
            jobs=tuple(
                job(evil, {Reason.RUNNING: 1}, owner=evil, errors=(evil,))
                for evil in evils
            ),
            nodes=tuple(
                node(evil, depth, (evil, 1, 2), level=evil, enabled=depth != 1)
                for depth, evil in enumerate(evils)
            ),
            running=tuple(
                running(evil, evil, worker=evil, invocation=evil) for evil in evils
            ),
            ended=tuple(
                ended(evil, evil, result=Reason.FAILED, detail=evil, retry_at=NOW)
                for evil in evils
            ),
        )
    )
    for evil in evils:
        whose = task(evil, evil)
        engine.write(whose, evil)
        engine.write(whose, evil, stream=Stream.STDERR)
        engine.partial[whose] = {Stream.STDOUT: evil.encode("utf-8", "replace")}
        engine.explanations[whose] = explanation(
            whose,
            Reason.RESOURCE,
            (evil, False, evil),
            holders=(whose,),
            would_run_if=evil,
        )
    return engine


def assert_safe(app: BistroApp) -> None:
    """Check the cells that would be sent: nothing acts, widths are right."""
    width = app.size.width
    for strip in app.screen._compositor.render_strips(app.size):
        for segment in strip:
            bad = [
                c for c in segment.text
                if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
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
