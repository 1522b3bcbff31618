"""Page 5: states, last lines, pages of tasks, one task's log, failures alike."""

from typing import Any

from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    Failure,
    JobFacts,
    LogPage,
    Reason,
    TaskId,
    TaskPage,
    TaskRow,
)
from bistro_tui.present.things import JobThing, TaskThing
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.tasks import TasksPage
from bistro_tui.widgets.failure_list import FailureList
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.task_list import TaskList
from tests.ui.driving import NARROW, WIDE, driven, until, until_gone, until_shown
from tests.ui.pictures import grid
from tests.ui.scenes import busy_engine
from tests.ui.scripted import NOW, ScriptedEngine, ended, running, task

R = Reason


def task_row(job: str, node: str, reason: Reason, **facts: Any) -> TaskRow:
    row = TaskRow(
        task=task(job, node),
        reason=reason,
        since=None,
        attempts=0,
        next_run=None,
        why=f"{job} says why",
    )
    return row._replace(**facts)


def failure(
    node: str, line: str, *, ago: float = 10, reason: Reason = R.FAILED
) -> Failure:
    return Failure(
        task=task("compress", node),
        reason=reason,
        ended=NOW - ago,
        exit="exited with status 1",
        last_line=line.encode(),
        line_id=1 if line else 0,
    )


def scene() -> ScriptedEngine:
    engine = busy_engine()
    engine.facts[task("backup", "x").job] = JobFacts(
        job=task("backup", "x").job,
        facts=(),
        depends_on=(),
        needed_by=(),
        file="",
        line=0,
        excerpt=(),
        throughput=None,
        median_seconds=300.0,
    )
    engine.task_rows = [
        task_row("backup", "db8", R.RESOURCE),
        task_row("compress", "db1", R.FAILED, since=NOW - 40, attempts=3),
        task_row("verify-backup", "db8", R.DEPENDENCY),
        task_row("compress", "db2", R.BACKOFF, next_run=NOW + 48),
    ]
    engine.failed = [
        failure("db1", "ConnectionRefused db1:3306", ago=30),
        failure("db2", "ConnectionRefused db2:3306", reason=R.BACKOFF),
        failure("db3", "disk full", ago=50),
    ]
    return engine


def table(app: BistroApp) -> TaskList:
    return app.screen.query_one(TaskList)


async def go_to(
    pilot: Pilot[None], app: BistroApp, steps: int = 0, *words: str
) -> None:
    """Go to the page, and so many states on to the right."""
    await pilot.press("5")
    await until(lambda: isinstance(app.focused, TaskList), "the list of tasks")
    await pilot.press(*["right"] * steps)
    await until_shown(app, *words)


async def test_running_tasks_show_what_is_usual_and_what_they_said_last() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await go_to(pilot, app)
        await until_shown(app, "×2.5", "dumped table orders_12", "no output yet")
        rows = grid(app)
    first = next(row for row in rows if "12m34s" in row)
    assert first.split()[:12] == [
        "▌●", "running", "backup", "db1", "12m34s", "×2.5", "2", "20117", "412M",
        "10m25s", "1", "local",
    ]  # fmt: skip
    silent = next(row for row in rows if "5m12s" in row)
    assert "◇  no output yet" in silent
    assert any("◑ stopping" in row and "KILL in 7s" in row for row in rows)
    assert any("retry in 48s · 12s ago" in row for row in rows)
    assert any("running 9" in row and "failures 9" in row for row in rows[:5])


async def test_everything_that_matters_fits_into_80_columns() -> None:
    async with driven(scene(), NARROW) as (app, pilot):
        await go_to(pilot, app)
        await until_shown(app, "×2.5", "dumped table")
        rows = grid(app)
    assert all(len(row.rstrip()) <= 80 for row in rows)
    assert any("running 9" in row and "⏸29" in row.replace(" ", "") for row in rows)


async def test_left_and_right_walk_the_states_and_escape_comes_back() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await go_to(pilot, app)
        await pilot.press("right")
        await until_gone(app, "12m34s")
        await pilot.press("right", "right")
        await until_shown(app, "compress says why")
        assert [
            str(row.task) for row in table(app).rows if isinstance(row, TaskRow)
        ] == ["compress@db1"]
        await pilot.press("right", "right")
        shown = await until_shown(app, "backup says why", "verify-backup says why")
        assert "compress says why" not in shown
        await pilot.press("escape")
        await until_shown(app, "12m34s")


async def test_the_mouse_chooses_a_state() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await go_to(pilot, app)
        y = next(
            i for i, row in enumerate(grid(app)) if "⏸ blocked" in row and "all" in row
        )
        await pilot.click(offset=(grid(app)[y].index("blocked"), y))
        await until_shown(app, "backup says why")


async def test_enter_opens_facts_and_log_that_follow_the_cursor() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await go_to(pilot, app)
        await pilot.press("enter")
        await until_shown(app, "Tasks › backup@db1", "usually 5m00s", "orders_07")
        await pilot.press("down", "down")
        await until_shown(app, "Tasks › verify-backup@db1", "page 2048: checksum ok")
        assert isinstance(app.focused, TaskList)
        await pilot.press("enter")
        await until_shown(app, "Task · verify-backup@db1", "subreaper")
        await pilot.press("escape", "l")
        await until(
            lambda: isinstance(app.focused, LogView), "the log has the keyboard"
        )
        await pilot.press("escape")
        await until_gone(app, "Tasks ›")
        assert isinstance(app.focused, TaskList)


async def test_tasks_are_read_page_by_page_as_one_scrolls() -> None:
    engine = scene()
    engine.task_rows = [task_row("etl", f"n{n:04}", R.RESOURCE) for n in range(1_000)]
    async with driven(engine, WIDE) as (app, pilot):
        await go_to(pilot, app, 5)
        await until(lambda: len(table(app).rows) == 200, "the first page")
        await pilot.press("G")
        await until(lambda: len(table(app).rows) == 400, "the second page")
        await pilot.press("slash", *"n0931")
        await until(lambda: len(table(app).rows) == 1, "the filter reads on")


async def test_what_the_scheduler_refuses_is_told_where_the_rows_would_be() -> None:
    class Older(ScriptedEngine):
        async def tasks(self, **_: object) -> TaskPage:
            raise ControlRefused("this scheduler is too old to tell that [/x]")

    engine = Older(current=scene().current)
    async with driven(engine, WIDE) as (app, pilot):
        await go_to(pilot, app, 5)
        engine.change()
        await until_shown(app, "this scheduler is too old to tell that [/x]")


async def test_failures_alike_are_one_group_that_opens_into_its_tasks() -> None:
    engine = scene()
    async with driven(engine, WIDE) as (app, pilot):
        await go_to(pilot, app, 2, "3 tasks in 2 groups", "ConnectionRefused db*:3306")
        rows = grid(app)
        first = next(row for row in rows if "db*:3306" in row)
        assert first.split()[:7] == ["▌▸", "2×", "✗", "1", "↻", "1", "compress"]
        await pilot.press("enter")
        await until_shown(app, "compress@db1", "ConnectionRefused db2:3306")
        await pilot.press("down")
        things = app.screen.query_one(FailureList).things()
        assert [str(thing) for thing in things] == ["compress@db2"]
        await pilot.press("up", "enter")
        await until_gone(app, "compress@db1")


async def test_keys_on_a_group_act_on_all_of_its_tasks() -> None:
    engine = scene()
    async with driven(engine, WIDE) as (app, pilot):
        await go_to(pilot, app, 2, "2 groups")
        page = app.screen
        assert isinstance(page, MainScreen)
        assert {str(thing) for thing in page.page.things()} == {
            "compress@db1",
            "compress@db2",
        }
        await pilot.press("a")
        assert len(page.page.things()) == 3


async def test_who_jumps_to_a_task_finds_the_cursor_on_it() -> None:
    async with driven(scene(), WIDE) as (app, _):
        await until_shown(app, "12m34s")
        main = app.screen
        assert isinstance(main, MainScreen)
        main.go("5", TaskThing(task=task("verify-backup", "db7")))
        await until(lambda: bool(app.screen.query(TaskList)), "the page")
        await until(
            lambda: str(getattr(table(app).current, "task", "")) == "verify-backup@db7"
        )
        main.go("5", TaskThing(task=task("compress", "db1")))
        await until(lambda: table(app).of_tasks and table(app).current is not None)
        assert [str(thing) for thing in table(app).things()] == ["compress@db1"]
        main.go("5", JobThing(name=task("compress", "x").job))
        await until(lambda: len(table(app).rows) == 2, "the tasks of the job")


async def test_a_frozen_page_asks_nothing() -> None:
    class Counting(ScriptedEngine):
        reads = 0

        async def read_log(
            self, task: TaskId | None, *, after: int = 0, limit: int = 500
        ) -> LogPage:
            self.reads += 1
            return await super().read_log(task, after=after, limit=limit)

    engine = Counting(current=scene().current)
    async with driven(engine, WIDE) as (app, pilot):
        await go_to(pilot, app)
        page = app.screen.query_one(TasksPage)
        await until(lambda: engine.reads > 0, "the first look at the log")
        await pilot.press("z")
        asked = engine.reads
        for _ in range(3):
            page._turn()
            page._read_log()
            await pilot.pause()
        assert engine.reads == asked


async def test_names_and_output_of_strangers_are_shown_as_the_characters_they_are() -> (
    None
):
    evil = "x[/red]\x1b]0;pwn\x07\u202e"
    engine = scene()
    engine.change(running=(running(evil, evil, 90),), ended=(ended(evil, evil, 3),))
    engine.write(task(evil, evil), f"{evil} said", at=NOW - 2)
    engine.failed = [failure(evil, evil)]
    async with driven(engine, WIDE) as (app, pilot):
        await go_to(pilot, app)
        shown = await until_shown(app, "x[/red]␛]0;pwn␇<U+202E>", "said")
        await pilot.press("enter")
        shown += await until_shown(app, "Tasks › x[/red]␛")
        await pilot.press("escape", "right", "right")
        shown += await until_shown(app, "1 task in 1 group")
        await pilot.press("enter")
        shown += await until_shown(app, "compress@x[/red]␛")
        await pilot.press("7")
        shown += await until_shown(app, "1 attempt by job")
    assert not any(char in shown for char in "\x1b\x07\u202e")
