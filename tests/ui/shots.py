"""Every screen there is, visited one after the other."""

import asyncio
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import pytest
from textual._wait import wait_for_idle
from textual.events import Key
from textual.keys import _character_to_key
from textual.strip import Strip

from bistro_tui.app import BistroApp
from bistro_tui.attached_app import AttachedApp
from bistro_tui.doors import Door
from bistro_tui.engine.view import Banner, ConfigProblem
from bistro_tui.present.ui_settings import DEFAULTS
from bistro_tui.widgets import toasts
from tests.ui.night import day_engine, night_engine
from tests.ui.scenes import pool_engine, quiet_engine
from tests.ui.scripted import FrozenClock, ScriptedEngine, snapshot

SIZES = ((80, 24), (140, 42), (220, 60))
PICTURED = (140, 42)
DAYLIGHT = "bistro-day"
Names = Container[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One screen: how to come there from the overview, and back."""

    name: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    """It is there when these are shown, each as often as it is named."""
    leave: tuple[str, ...] = ()


NIGHT = (
    Shot(name="overview", keys=(), words=("backup", "db06:5432 refused")),
    Shot(
        name="filter",
        keys=("slash", *"!vac"),
        words=("!vac",),
        leave=("escape",),
    ),
    Shot(name="jobs", keys=("2",), words=("── extract-orders ", "✓ 24 done")),
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
    Shot(
        name="tasks",
        keys=("5",),
        # The page asks for last lines and usual times of some at a time.
        words=("×2.5", "×2.1", "44s ━━━━━", "◇", *["no output yet"] * 4),
    ),
    Shot(
        name="tasks-waiting",
        keys=("5", *["right"] * 5),
        words=("db16", "io 4/4"),
        leave=("escape",),
    ),
    Shot(
        name="failures",
        keys=("5", "right", "right"),
        words=("connection to db*:5432 re",),
        leave=("escape",),
    ),
    Shot(name="logs", keys=("6",), words=("orders_24", "following")),
    Shot(name="timeline", keys=("7",), words=("123 attempts", "▸ now")),
    Shot(name="timeline-attempt", keys=("g",), words=("on local",)),
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
        words=("› backup · resource", "db16"),
        leave=("escape", "escape", "home"),
    ),
    Shot(
        name="help",
        keys=("1", "question_mark"),
        words=("Escape closes",),
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
        # Escape: the job under the cursor runs nothing.
        keys=("1", "escape", "tab", "tab", "X"),
        words=("Kill 1 task with SIGKILL", "Enter or y does it"),
        leave=("escape", "shift+tab", "shift+tab"),
    ),
    Shot(name="quit", keys=("1", "q"), words=("9 tasks run",), leave=("escape",)),
    Shot(name="frozen", keys=("1", "z"), words=("frozen",), leave=("z",)),
    Shot(name="toast", keys=("1", "home", "e"), words=("extract-orders is disabled",)),
)


QUIET = (Shot(name="quiet", keys=(), words=("hello", "all done")),)
EMPTY = (
    Shot(name="empty", keys=(), words=("no job",)),
    Shot(name="empty-tasks", keys=("5",), words=("no task runs",)),
    Shot(name="empty-timeline", keys=("7",), words=("no attempt",)),
    Shot(name="empty-resources", keys=("4",), words=("resource",)),
)
BROKEN = (
    Shot(name="broken", keys=(), words=("expected ','", "db06:5432 refused")),
    Shot(name="broken-events", keys=("8",), words=("not in force",)),
)
POOL = (
    Shot(name="workers", keys=("0",), words=("initial wait", "copied table 7")),
    Shot(
        name="why-worker",
        keys=("j", "w"),
        words=("Why · w2", "mem_gb is left: 64/64"),
        leave=("escape",),
    ),
    Shot(
        name="resources-of-workers",
        keys=("4",),
        words=("67/256", "w4", "mem_gb on w"),
    ),
)
SEVERAL = (
    Shot(name="several", keys=(), words=("2 schedulers", "night:")),
    Shot(
        name="several-one",
        keys=("right_curly_bracket",),
        words=("db-farm", "verify-backup"),
    ),
)

SHOTS = tuple(
    shot.name
    for shots in (NIGHT, QUIET, EMPTY, BROKEN, POOL, SEVERAL)
    for shot in shots
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What one screen showed."""

    rows: tuple[str, ...]
    svg: str
    """Empty where none was asked for."""


Pictures = dict[str, Picture]


def taken(size: tuple[int, int], theme: str = "", *, pictured: Names = ()) -> Pictures:
    """Return all screens at that size, in that theme; those in it with colours."""
    return asyncio.run(_Walk(size, theme, pictured).everywhere())


def broken_engine() -> ScriptedEngine:
    """Return the night after a bad edit of its config."""
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


SCROLLBAR_ENDS = "▁▂▃▄▅▆▇"
"""Where a scrollbar ends inside a cell depends on when it was drawn."""
_ENDS = str.maketrans(SCROLLBAR_ENDS, " " * len(SCROLLBAR_ENDS))


class _Walk:
    """Goes from screen to screen."""

    def __init__(self, size: tuple[int, int], theme: str, pictured: Names) -> None:
        self._size = size
        self._settings = replace(DEFAULTS, theme=theme)
        self._pictured = pictured
        self._found: Pictures = {}

    async def everywhere(self) -> Pictures:
        for engine, shots in (
            (night_engine(), NIGHT),
            (quiet_engine(), QUIET),
            (ScriptedEngine(current=snapshot()), EMPTY),
            (broken_engine(), BROKEN),
            (pool_engine(), POOL),
        ):
            app = BistroApp(
                engine,
                engine,
                crash_dir=None,
                clock=FrozenClock(),
                settings=self._settings,
            )
            await self._visit(app, shots)
        doors = [
            Door(label=label, view=one, control=one)
            for label, one in (("night", night_engine()), ("day", day_engine()))
        ]
        several = AttachedApp(
            doors, crash_dir=None, clock=FrozenClock(), settings=self._settings
        )
        await self._visit(several, SEVERAL)
        return self._found

    async def _visit(self, app: BistroApp, shots: Sequence[Shot]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            # However slow the machine is: each is there until its screen is left.
            patch.setattr(toasts, "toast_seconds", lambda *_: 3_600.0)
            await self._visit_all(app, shots)

    async def _visit_all(self, app: BistroApp, shots: Sequence[Shot]) -> None:
        async with app.run_test(size=self._size, notifications=True):
            for shot in shots:
                await _type(app, shot.keys)
                rows = await _settled(app, shot)
                wanted = shot.name in self._pictured
                svg = app.export_screenshot(title=shot.name) if wanted else ""
                self._found[shot.name] = Picture(rows=rows, svg=_plain(svg))
                await _type(app, shot.leave)
                app.clear_notifications()


async def _type(app: BistroApp, keys: tuple[str, ...]) -> None:
    """Send keys as fast as the app takes them: a pilot waits after each of them."""
    for name in keys:
        key = _character_to_key(name) if len(name) == 1 else name
        event = Key(key, name if len(name) == 1 else None)
        event.set_sender(app)
        assert app._driver is not None
        app._driver.send_message(event)
        await asyncio.sleep(0)


async def _settled(app: BistroApp, shot: Shot) -> tuple[str, ...]:
    """Return the grid as soon as it shows that and nothing is under way."""
    before: list[str] = []
    same = 0
    counts = Counter(shot.words)
    for _ in range(600):
        if app.screen.is_modal:
            # What lies behind it is drawn when it is drawn itself.
            app.screen.refresh()
        for _, main in app.visited:
            # Also told once a second, which is long for a picture.
            main.filter_changed()
        await wait_for_idle(0)
        await asyncio.sleep(0.015)
        now = [strip.text.translate(_ENDS).rstrip() for strip in _strips(app)]
        grid = "\n".join(now)
        is_there = all(grid.count(word) >= number for word, number in counts.items())
        is_busy = app.is_between or not all(one.is_finished for one in app.workers)
        same = same + 1 if is_there and not is_busy and now == before else 0
        if same == 3:
            return tuple(now)
        before = now
    raise AssertionError(f"no {shot.name} at {app.size}:\n" + "\n".join(before))


def _strips(app: BistroApp) -> list[Strip]:
    return app.screen._compositor.render_strips()


def _plain(svg: str) -> str:
    """Return a picture without the number that Rich makes up for each."""
    return re.sub(r"terminal-\d+-", "terminal-", svg)
