"""Acts on what is under the cursor: what is asked of the engine, and what is said."""

import asyncio
from dataclasses import replace

from bistro_tui.engine.ids import ResourceName
from bistro_tui.engine.view import JobFacts, JobName, NodeName, Reason, TaskRow
from bistro_tui.present.things import JobThing, NodeThing, ResourceThing, TaskThing
from bistro_tui.screens.confirm import Confirm
from bistro_tui.screens.main import MainScreen
from tests.ui.driving import driven, top, until, until_gone, until_shown
from tests.ui.scenes import busy_engine
from tests.ui.scripted import (
    ScriptedEngine,
    engine_state,
    node,
    running,
    task,
)

BACKUP, COMPRESS = JobThing(name=JobName("backup")), JobThing(name=JobName("compress"))


def io_of(engine: ScriptedEngine) -> ResourceThing:
    rack = next(row for row in engine.current.nodes if row.name == "rack-a")
    return ResourceThing(
        node=rack.name,
        level=rack.level,
        resource=ResourceName(rack.usage[0].resource),
    )


async def test_u_undoes_and_capital_u_does_it_again() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("u")
        await until_shown(app, "nothing to undo")
        await pilot.press("e")
        await until_shown(app, "backup is disabled · u undoes")
        await pilot.press("u")
        await until_shown(app, "undone: backup is enabled again · U does it again")
        await pilot.press("U")
        await until_shown(app, "done again: backup is disabled")
        await pilot.press("U")
        await until_shown(app, "nothing to do again")
    assert [asked[-1] for asked in engine.asked] == [False, True, False]


async def test_undo_is_refused_when_somebody_else_changed_it_since() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("e")
        await until_shown(app, "backup is disabled · u undoes")
        # Another job is shown as disabled from the start.
        await until(lambda: not top(app).snapshot.jobs[0].enabled)
        first, *others = engine.current.jobs
        engine.change(jobs=(replace(first, enabled=True), *others))
        await until(lambda: top(app).snapshot.jobs[0].enabled)
        await pilot.press("u")
        await until_shown(app, "not undone: backup is enabled by now")
    assert len(engine.asked) == 1


async def test_what_the_scheduler_refused_to_undo_can_be_undone_later() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("e")
        await until_shown(app, "backup is disabled · u undoes")
        engine.refusal = "nightly.json is not writable"
        await pilot.press("u")
        await until_shown(app, "nightly.json is not writable")
        engine.refusal = ""
        await pilot.press("u")
        await until(lambda: engine.current.jobs[0].enabled, "it is on again")


async def test_u_means_the_newest_change_also_while_its_answer_is_waited_for() -> None:
    engine = busy_engine()
    backup, compress = JobName("backup"), JobName("compress")
    async with driven(engine) as (app, pilot):
        main = app.screen
        assert isinstance(main, MainScreen)
        main.acts.toggle((BACKUP,))
        await until_shown(app, "backup is disabled · u undoes")
        engine.held = asyncio.Event()
        main.acts.toggle((COMPRESS,))
        await until(lambda: len(engine.asked) == 2)
        await pilot.press("u")
        engine.held.set()
        await until_shown(app, "undone: compress is enabled again")
    assert engine.asked == [
        ("set_job_enabled", backup, False),
        ("set_job_enabled", compress, False),
        ("set_job_enabled", compress, True),
    ]


async def test_several_jobs_go_to_the_same_side_and_back_together() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        main = app.screen
        assert isinstance(main, MainScreen)
        off = JobThing(name=JobName("analytics-rollup"))
        main.acts.toggle((BACKUP, COMPRESS, off))
        await until_shown(app, "backup is disabled, compress is disabled · u undoes")
        await pilot.press("u")
        await until_shown(app, "undone: compress is enabled, backup is enabled again")
    assert ("set_job_enabled", "analytics-rollup", False) not in engine.asked


async def test_a_refusal_is_no_step_to_undo() -> None:
    engine = busy_engine()
    engine.refusal = "nightly.json is not writable"
    async with driven(engine) as (app, pilot):
        await pilot.press("e")
        await until_shown(app, "nightly.json is not writable")
        await pilot.press("u")
        await until_shown(app, "nothing to undo")


async def test_many_refusals_are_said_in_one_go() -> None:
    engine = busy_engine()
    engine.refusal = "this screen may only look"
    async with driven(engine) as (app, _):
        main = app.screen
        assert isinstance(main, MainScreen)
        main.acts.toggle((BACKUP, COMPRESS))
        await until_shown(app, "this screen may only look · and 1 more refused")
        main.acts.stop(())
        await until_shown(app, "x stops a running task: put the cursor on one")


async def test_capital_p_asks_for_a_number_with_the_present_one_given() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("P")
        await until_shown(app, "Priority of backup", "now 1; a higher one starts first")
        await pilot.press("backspace", *"x", "enter")
        await until_shown(app, "a priority is a number")
        await pilot.press("backspace", *"2.5", "enter")
        await until_shown(app, "backup has priority 2.5 · u undoes")
        await pilot.press("P", "escape")
        await until_gone(app, "Priority of")
    assert engine.asked == [("set_job_priority", "backup", 2.5)]


async def test_presses_of_plus_while_one_is_asked_are_done_in_one_go() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        main = app.screen
        assert isinstance(main, MainScreen)
        for step in (1, 1, 1, -1):
            main.acts.adjust_limit((io_of(engine),), step)
        await until_shown(app, "io of each rack is limited to 7 · u undoes")
        assert engine.asked == [("set_limit", "rack", "io", 7)]
        main.acts.adjust_limit((io_of(engine),), -8)
        await until_shown(app, "lower is not possible")
        await pilot.press("u")
        await until_shown(app, "undone: io of each rack is limited to 5 again")


async def test_capital_x_asks_first_and_enter_alone_says_no() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "X")
        await until_shown(app, "Kill 1 task with SIGKILL", "backup@db1  12m34s")
        await pilot.press("enter")
        await until_gone(app, "with SIGKILL")
        for keys in (("X", "right", "enter"), ("X", "y")):
            await pilot.press(*keys)
            await until_gone(app, "with SIGKILL")
    first = engine.current.running[0]
    assert engine.asked == [("kill_task", first.task, first.invocation, True)] * 2


async def test_x_on_a_job_lists_what_would_be_stopped() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("x")
        await until_shown(app, "Stop 4 tasks?", "backup@db1", "backup@db6", " Cancel ")
        await pilot.press("escape")
        await until_gone(app, "Stop 4 tasks?")
        assert engine.asked == []
        await pilot.press("x", "tab", "enter")
        await until_shown(app, "4 tasks stopping")
    assert {asked[1] for asked in engine.asked} == {
        task("backup", name) for name in ("db1", "db3", "db5", "db6")
    }


async def test_a_click_on_an_answer_gives_it() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("x")
        await until_shown(app, "Stop 4 tasks?")
        await pilot.click("#confirm-answers", offset=(5, 1))
        await until(lambda: not isinstance(app.screen, Confirm))
        await pilot.press("x")
        await until_shown(app, "Stop 4 tasks?")
        await pilot.click("#confirm-answers", offset=(18, 1))
        await until(lambda: len(engine.asked) == 4)


async def test_f_forgives_tasks_themselves_and_all_below_a_node() -> None:
    engine = busy_engine()
    engine.task_rows = [
        TaskRow(
            task=task("compress", name), reason=reason, since=None, attempts=1,
            next_run=None, why="",
        )
        for name, reason in (
            ("db1", Reason.FAILED),
            ("db4", Reason.BACKOFF),
            ("db5", Reason.FAILED),
            ("db2", Reason.DONE),
        )
    ]  # fmt: skip
    async with driven(engine) as (app, _):
        main = app.screen
        assert isinstance(main, MainScreen)
        main.acts.forgive((NodeThing(name=NodeName("rack-a")),))
        await until_shown(app, "forgave 2 tasks")
        main.acts.forgive((NodeThing(name=NodeName("db8")),))
        await until_shown(app, "nothing on db8 failed or waits for its backoff")
        main.acts.forgive((TaskThing(task=task("compress", "db5")), BACKUP))
        await until(lambda: len(engine.asked) == 3)
    assert engine.asked == [
        ("forgive_tasks", (task("compress", "db1"), task("compress", "db4"))),
        ("forgive", ("backup",)),
        ("forgive_tasks", (task("compress", "db5"),)),
    ]


async def test_an_attempt_that_is_over_is_not_mistaken_for_the_next_one() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        main = app.screen
        assert isinstance(main, MainScreen)
        old = TaskThing(task=task("backup", "db1"), invocation="1-0000000000000001")
        main.acts.stop((old,))
        await until_shown(app, "backup@db1 does not run now")
    assert engine.asked == []


async def test_edit_and_copy_say_what_came_of_it() -> None:
    engine = busy_engine()
    engine.facts[JobName("backup")] = JobFacts(
        job=JobName("backup"), facts=(("command", "pg_dump all"),), depends_on=(),
        needed_by=(), file="/nowhere/[b]nightly.json", line=12, excerpt=(),
        throughput=None, median_seconds=None,
    )  # fmt: skip
    async with driven(engine) as (app, pilot):
        await pilot.press("E")
        await until_shown(app, "/nowhere/[b]nightly.json is no file")
        await pilot.press("y")
        await until(lambda: app.clipboard == "backup")
        await pilot.press("Y")
        await until(lambda: app.clipboard == "pg_dump all")
        await pilot.press("j", "E")
        await until_shown(app, "no job verify-backup")


async def test_the_config_of_another_machine_is_not_edited_here() -> None:
    engine = busy_engine()
    engine.change(nodes=(node("db-farm"),), running=(running("backup", "db1"),))
    async with driven(engine) as (app, _):
        main = app.screen
        assert isinstance(main, MainScreen)
        main._is_local = False
        main.edit("/etc/hosts", 1)
        await until_shown(app, "/etc/hosts is on the scheduler's machine")


async def test_a_screen_that_only_looks_opens_no_editor() -> None:
    async with driven(busy_engine()) as (app, pilot):
        main = app.screen
        assert isinstance(main, MainScreen)
        main.is_read_only = True
        main.edit("/etc/hosts", 1)
        await until_shown(app, "hosts is not opened: this screen only looks")
        await pilot.press("0")
        await until_shown(app, "no remote workers")


async def test_of_a_scheduler_that_is_away_nothing_is_asked() -> None:
    engine = busy_engine()
    engine.change(state=engine_state(word="unreachable"))
    async with driven(engine) as (app, pilot):
        for key in ("e", "x", "X", "F", "P", "u"):
            await pilot.press(key)
            await until_shown(app, "unreachable: the scheduler does not answer")
            app.clear_notifications()
            await until_gone(app, "does not answer")
    assert engine.asked == []


async def test_a_large_priority_is_written_out() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        main = app.screen
        assert isinstance(main, MainScreen)
        main.acts.set_priority((BACKUP,), 1e9)
        await until(lambda: len(engine.asked) == 1)
        main.acts.undo()
        await until_shown(app, "undone: backup has priority 1 again")
        main.acts.redo()
        await until_shown(app, "done again: backup has priority 1000000000")


async def test_ctrl_t_names_the_theme() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("ctrl+t")
        await until_shown(app, f"theme {app.theme}")


async def test_help_as_a_command_lists_all_commands() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("colon", *"help", "enter")
        await until_shown(
            app, "Commands", ":why [JOB] [NODE]", "why a job's tasks wait"
        )
