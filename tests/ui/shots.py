"""Every screen there is, visited one after the other, as text grids and pictures."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from bistro_tui.attached_app import AttachedApp
from bistro_tui.doors import Door
from bistro_tui.engine.view import Banner, ConfigProblem, TaskId
from bistro_tui.present.things import TaskThing
from bistro_tui.screens.main import MainScreen
from bistro_tui.widgets.log_pane import LogPane
from tests.ui.driving import until_shown
from tests.ui.night import CONFIG, blocked_task, day_engine, night_engine
from tests.ui.pictures import grid
from tests.ui.scenes import quiet_engine
from tests.ui.scripted import FrozenClock, ScriptedEngine, snapshot, task

SIZES = ((80, 24), (140, 42), (220, 60))
PICTURED = (140, 42)
DAYLIGHT = "bistro-day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One screen: how to come there from the overview, and back."""

    name: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    """It is there when these are shown."""
    leave: tuple[str, ...] = ()
    at: TaskId | None = None
    """The keys are pressed on this task, on the page of the first of them."""


NIGHT = (
    Shot(name="overview", keys=(), words=("backup", "dumped table orders_24")),
    Shot(
        name="filter",
        keys=("slash", *"!vac"),
        words=("!vac",),
        leave=("escape",),
    ),
    Shot(
        name="marks",
        keys=("down", "space", "down", "space"),
        words=("2 marked",),
        leave=("backslash", "home"),
    ),
    Shot(name="jobs", keys=("2",), words=("extract-orders", "index-rebuild")),
    Shot(
        name="job",
        keys=("2", "down", "enter"),
        words=("Jobs › backup", "attempts"),
        leave=("escape",),
    ),
    Shot(name="nodes-tree", keys=("3",), words=("rack-a", "db08")),
    Shot(
        name="node",
        keys=("3", "down", "down", "down", "down", "down"),
        words=("compress@db04", "failed"),
    ),
    Shot(name="nodes-flat", keys=("3", "v"), words=("db08",)),
    Shot(name="nodes-heat", keys=("3", "v"), words=("level host",), leave=("v",)),
    Shot(name="resources", keys=("4",), words=("concurrency", "held by")),
    Shot(name="tasks", keys=("5",), words=("db09", "orders_24")),
    Shot(
        name="task-log",
        keys=("5", "enter"),
        words=("lock wait",),
        leave=("escape",),
    ),
    Shot(
        name="tasks-waiting",
        keys=("5", "right"),
        words=("db05",),
        leave=("escape",),
    ),
    Shot(
        name="failures",
        keys=("5", "right", "right"),
        words=("connection to db*:5432 refused",),
        leave=("escape",),
    ),
    Shot(name="logs", keys=("6",), words=("orders_24", "following")),
    Shot(name="timeline", keys=("7",), words=("backup", "now")),
    Shot(name="events", keys=("8",), words=("bistro_settings", "version 3")),
    Shot(
        name="why-job",
        keys=("1", "home", "down", "w"),
        words=("Why · backup", "held by"),
        leave=("escape",),
    ),
    Shot(
        name="why-task",
        keys=("1", "w", "enter"),
        words=("db05",),
        leave=("escape", "escape", "home"),
    ),
    Shot(
        name="help",
        keys=("1", "question_mark"),
        words=("Escape closes",),
        leave=("escape",),
    ),
    Shot(
        name="palette",
        keys=("1", "ctrl+p", *"log"),
        words=("log",),
        leave=("escape",),
    ),
    Shot(
        name="command",
        keys=("1", "colon", *"why ba"),
        words=("why ba", "backup"),
        leave=("escape",),
    ),
    Shot(
        name="problems",
        keys=("1", "exclamation_mark"),
        words=("Problems", "vacuum"),
        leave=("escape",),
    ),
    Shot(
        name="priority",
        keys=("1", "P"),
        words=("riority",),
        leave=("escape",),
    ),
    Shot(
        name="confirm",
        keys=("1", "tab", "tab", "X"),
        words=("Enter",),
        leave=("escape", "shift+tab", "shift+tab"),
    ),
    Shot(name="quit", keys=("1", "q"), words=("9 tasks run",), leave=("escape",)),
    Shot(name="frozen", keys=("1", "z"), words=("frozen",), leave=("z",)),
    Shot(name="toast", keys=("1", "home", "e"), words=("extract-orders is disabled",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What one screen showed."""

    rows: tuple[str, ...]
    rows_by_day: tuple[str, ...]
    """The same in the light theme."""
    svg: str = ""
    svg_by_day: str = ""


Pictures = dict[str, Picture]


def taken(size: tuple[int, int]) -> Pictures:
    """Return all screens at that size."""
    return asyncio.run(_taken(size))


async def _taken(size: tuple[int, int]) -> Pictures:
    found = await _walk(night_engine(), NIGHT, size)
    for name, engine, words in (
        ("quiet", quiet_engine(), ("hello", "all done")),
        ("empty", ScriptedEngine(current=snapshot()), ("no job",)),
        ("broken", _broken(), ("expected ','",)),
    ):
        shots = (Shot(name=name, keys=(), words=words),)
        if name == "broken":
            keys = ("8",)
            shots += (Shot(name="broken-events", keys=keys, words=("not in force",)),)
        found |= await _walk(engine, shots, size)
    found |= await _walk(None, SEVERAL, size)
    return found


SEVERAL = (
    Shot(name="several", keys=(), words=("2 schedulers", "night:", "day:")),
    Shot(
        name="several-one",
        keys=("right_curly_bracket",),
        words=("db-farm", "verify-backup"),
    ),
)


def _broken() -> ScriptedEngine:
    engine = night_engine()
    text = (
        "nightly.json:14:20: expected ',' or '}' here\n"
        "the last good config stays in force; nothing new starts"
    )
    engine.change(banners=(Banner(topic="config", text=text),))
    problem = ConfigProblem(
        file="nightly.json", line=14, column=20, path="bistro_settings.resources",
        message="expected ',' or '}' here", job=None, is_error=True,
    )  # fmt: skip
    engine.config = replace(engine.config, problems=(problem,), is_in_force=False)
    return engine


async def _walk(
    engine: ScriptedEngine | None, shots: tuple[Shot, ...], size: tuple[int, int]
) -> Pictures:
    app: BistroApp
    if engine is None:
        doors = [
            Door(label=label, view=one, control=one)
            for label, one in (("night", night_engine()), ("day", day_engine()))
        ]
        app = AttachedApp(doors, crash_dir=None, clock=FrozenClock())
    else:
        app = BistroApp(engine, engine, crash_dir=None, clock=FrozenClock())
    found: Pictures = {}
    async with app.run_test(size=size, notifications=True) as pilot:
        for shot in shots:
            try:
                found[shot.name] = await _picture(app, pilot, shot)
            except AssertionError as error:
                error.add_note(f"on the way to {shot.name} at {size}")
                raise
    return found


async def _picture(app: BistroApp, pilot: Pilot[None], shot: Shot) -> Picture:
    await pilot.press(*shot.keys)
    await until_shown(app, *shot.words)
    rows, svg = await _settled(app), app.export_screenshot(title=shot.name)
    theme = app.theme
    app.use_theme(DAYLIGHT)
    by_day, svg_by_day = await _settled(app), app.export_screenshot(title=shot.name)
    app.use_theme(theme)
    if shot.leave:
        await pilot.press(*shot.leave)
    return Picture(
        rows=rows, rows_by_day=by_day, svg=_plain(svg), svg_by_day=_plain(svg_by_day)
    )


async def _settled(app: BistroApp) -> tuple[str, ...]:
    """Return the grid as soon as nothing is under way and it stays as it is."""
    before: list[str] = []
    same = 0
    for _ in range(400):
        await asyncio.sleep(0.01)
        now = [row.rstrip() for row in grid(app)]
        is_busy = any(not worker.is_finished for worker in app.workers)
        same = same + 1 if now == before and not is_busy else 0
        if same >= 3:
            return tuple(now)
        before = now
    raise AssertionError("the screen never came to rest:\n" + "\n".join(before))


def _plain(svg: str) -> str:
    """Return a picture without the number that Rich makes up for each."""
    return re.sub(r"terminal-\d+-", "terminal-", svg)
