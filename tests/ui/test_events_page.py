"""Page 8: the config file with what is wrong in it, and the scheduler's own log."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bistro_tui.engine.view import ConfigFacts, ConfigProblem, Notice
from bistro_tui.widgets.config_lists import EventsList
from tests.ui.driving import NARROW, driven, until, until_gone, until_shown
from tests.ui.pictures import text
from tests.ui.scripted import NOW, ScriptedEngine, job, snapshot


def notices(*texts: str, level: str = "info", first: int = 1) -> list[Notice]:
    return [
        Notice(serial=serial, at=NOW - 60 + serial, level=level, text=said)
        for serial, said in enumerate(texts, first)
    ]


def broken_config(tmp_path: Path) -> ScriptedEngine:
    path = tmp_path / "nightly.json"
    path.write_text("".join(f'"key{n}": {n},\n' for n in range(1, 101)))
    problem = ConfigProblem(
        file=str(path), line=70, column=8, path="bistro_job->etl", job=None,
        message="expected ',' here\n  70 | \"key70\"", is_error=True,
    )  # fmt: skip
    facts = ConfigFacts(
        path=str(path), version=3, loaded=NOW - 130, problems=(problem,),
        is_in_force=False,
    )  # fmt: skip
    engine = ScriptedEngine(config=facts)
    engine.said = notices("config version 3 is in force")
    return engine


async def test_problems_stand_above_the_file_and_the_cursor_goes_to_their_line(
    tmp_path: Path,
) -> None:
    async with driven(broken_config(tmp_path)) as (app, pilot):
        await pilot.press("8")
        await until_shown(
            app, "✗ not in force: version 3 runs", "nightly.json:70:8",
            "expected ',' here  (+1 line)", '  1   "key1": 1,',
        )  # fmt: skip
        await until_shown(app, "config version 3 is in force")
        await pilot.press("j")
        await until_shown(app, ' 70 ✗ "key70": 70,')


async def test_enter_opens_a_problem_with_what_stands_there(tmp_path: Path) -> None:
    async with driven(broken_config(tmp_path)) as (app, pilot):
        await pilot.press("8", "j")
        await until_shown(app, "nightly.json:70:8", '"key70": 70')
        await pilot.press("enter")
        shown = (
            "expected ',' here",
            '70 ▌ "key70": 70,',
            '72 │ "key72": 72,',
            "E edits it",
        )
        await until_shown(app, *shown)


async def test_the_editor_opens_at_the_line_of_the_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "vim")
    commands: list[Sequence[str]] = []

    async def lend(command: Sequence[str]) -> str:
        commands.append(command)
        return ""

    engine = broken_config(tmp_path)
    async with driven(engine) as (app, pilot):
        monkeypatch.setattr(app.screen, "_lend", lend)
        await pilot.press("8", "j")
        await until_shown(app, "nightly.json:70:8", "key70")
        await pilot.press("E")
        await until(lambda: bool(commands))
    assert commands[0][0] == "vim"
    assert "+70" in commands[0][1]
    assert commands[0][-1] == engine.config.path


async def test_a_mended_file_is_read_again(tmp_path: Path) -> None:
    engine = broken_config(tmp_path)
    async with driven(engine) as (app, pilot):
        await pilot.press("8")
        await until_shown(app, '"key1": 1,')
        Path(engine.config.path).write_text("{}\n")
        engine.config = replace(
            engine.config, problems=(), is_in_force=True, version=4, loaded=NOW
        )
        await until_shown(app, "✓ version 4 in force", "✓ nothing is wrong", "1   {}")
        await until_gone(app, "key1")


async def test_a_scheduler_elsewhere_shows_everything_but_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(broken_config(tmp_path)) as (app, pilot):
        monkeypatch.setattr(app.screen, "_is_local", False)
        await pilot.press("8")
        await until_shown(app, "nightly.json:70:8", "on the scheduler's machine")
        assert "key1" not in text(app)


async def test_events_follow_the_newest_until_the_cursor_leaves_it() -> None:
    engine = ScriptedEngine(current=snapshot(jobs=(job("etl", errors=("bad",)),)))
    engine.said = notices(*(f"event {n}" for n in range(100)))
    async with driven(engine) as (app, pilot):
        await pilot.press("8")
        await until_shown(app, "event 99", "▼ following", "job etl", "bad")
        await pilot.press("tab", "k", "k")
        await until_shown(app, "‖ paused · space follows")
        engine.said += notices("a broken\npipe", level="error", first=101)
        events = app.screen.query_one(EventsList)
        await until(lambda: len(events.rows) == 101)
        await pilot.press("space")
        await until_shown(app, "✗ error", "a broken ⏎ pipe", "▼ following")
        await pilot.press("slash", *"level:error", "enter", "enter")
        await until_shown(app, "what happened", "pipe", "Escape closes")


async def test_a_narrow_screen_gives_the_active_pane_the_most_room(
    tmp_path: Path,
) -> None:
    async with driven(broken_config(tmp_path), NARROW) as (app, pilot):
        await pilot.press("8")
        await until_shown(app, "Config", "Events", "File", "nightly.json:70:8")
        await pilot.press("tab", "tab", "G")
        await until_shown(app, '100   "key100": 100,', '92   "key92"')
