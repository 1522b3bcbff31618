"""The cursor stays on its item while rows move."""

from dataclasses import replace

from bistro_tui.engine.view import JobRow, NodeRow, Reason
from bistro_tui.widgets.jobs_table import JobsTable
from bistro_tui.widgets.node_tree import NodeTree
from bistro_tui.widgets.tasks_table import TasksTable
from tests.ui.driving import driven, until, until_shown
from tests.ui.scripted import (
    ScriptedEngine,
    ended,
    engine_state,
    job,
    node,
    running,
    snapshot,
    task,
)


def jobs(*names: str) -> tuple[JobRow, ...]:
    return tuple(job(name, {Reason.DONE: 1}) for name in names)


async def test_rows_that_come_above_do_not_move_the_cursor() -> None:
    engine = ScriptedEngine(current=snapshot(jobs=jobs("a", "b", "c")))
    async with driven(engine) as (app, pilot):
        table = app.screen.query_one(JobsTable)
        await pilot.press("j")
        await until(lambda: table.cursor_key == "b")
        engine.change(jobs=jobs("x", "y", "a", "b", "c"))
        await until(lambda: len(table.rows) == 5)
        assert table.cursor_key == "b"
        assert table.current == job("b", {Reason.DONE: 1})
        await pilot.press("j")
        await until(lambda: table.cursor_key == "c")


async def test_when_the_item_is_gone_the_cursor_takes_the_row_at_its_place() -> None:
    engine = ScriptedEngine(current=snapshot(jobs=jobs("a", "b", "c")))
    async with driven(engine) as (app, pilot):
        table = app.screen.query_one(JobsTable)
        await pilot.press("j")
        engine.change(jobs=jobs("a", "c"))
        await until(lambda: table.cursor_key == "c")
        engine.change(jobs=())
        await until(lambda: table.current is None)
        await pilot.press("j", "k", "G", "e")
        await until_shown(app, "e enables and disables a job")


async def test_the_view_moves_with_the_cursor_when_rows_come_above() -> None:
    names = [f"job{n:03}" for n in range(60)]
    engine = ScriptedEngine(current=snapshot(jobs=jobs(*names)))
    async with driven(engine) as (app, pilot):
        table = app.screen.query_one(JobsTable)
        await pilot.press(*["ctrl+d"] * 4)
        before = table.scroll_offset.y
        assert before > 0
        engine.change(jobs=jobs("new1", "new2", *names))
        await until(lambda: len(table.rows) == 62)
        await until(lambda: table.scroll_offset.y == before + 2)


async def test_the_cursor_follows_a_task_from_running_to_its_result() -> None:
    engine = ScriptedEngine(
        current=snapshot(running=(running("a", "n1"), running("a", "n2")))
    )
    async with driven(engine) as (app, pilot):
        table = app.screen.query_one(TasksTable)
        await pilot.press("tab", "tab", "j")
        assert table.cursor_key == ("running", task("a", "n2"))
        done = ended("a", "n2", 0)
        engine.change(running=engine.current.running[:1], ended=(done,))
        await until(lambda: table.current == done)
        engine.change(running=(*engine.current.running, running("a", "n2", 1)))
        await until(lambda: len(table.rows) == 4)
        assert table.current == done
        await until_shown(app, "Log a@n2")


async def test_the_cursor_never_stands_on_the_line_between() -> None:
    engine = ScriptedEngine(
        current=snapshot(running=(running("a", "n1"),), ended=(ended("a", "n2"),))
    )
    async with driven(engine) as (app, pilot):
        table = app.screen.query_one(TasksTable)
        await pilot.press("tab", "tab", "j")
        await until(lambda: table.current == engine.current.ended[0])
        await pilot.press("k")
        await until(lambda: table.current == engine.current.running[0])


async def test_a_folded_away_cursor_goes_to_the_branch() -> None:
    rows: tuple[NodeRow, ...] = (node("r"), node("a", 1), node("a1", 2), node("b", 1))
    engine = ScriptedEngine(current=snapshot(nodes=rows))
    async with driven(engine) as (app, pilot):
        tree = app.screen.query_one(NodeTree)
        await pilot.press("tab", "j", "j", "asterisk")
        await until(lambda: tree.cursor_key == "a")


async def test_a_hundred_thousand_nodes_are_only_rows_in_sight() -> None:
    rows = (node("root"), *(node(f"n{n}", 1, ("slots", 0, 1)) for n in range(100_000)))
    engine = ScriptedEngine(current=snapshot(nodes=rows))
    async with driven(engine) as (app, pilot):
        tree = app.screen.query_one(NodeTree)
        await until_shown(app, "Nodes 100,001", "n5")
        await pilot.press("tab", "G")
        await until_shown(app, "n99999")
        engine.change(state=replace(engine_state(), config_version=9))
        await until_shown(app, "config v9")
        assert tree.cursor_key == "n99999"
