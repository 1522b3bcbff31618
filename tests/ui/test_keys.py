"""Every key of the overview, pressed."""

import asyncio
from functools import partial

from textual.events import MouseScrollDown, Paste

from bistro_tui.engine.view import Reason
from bistro_tui.screens.main import MainScreen
from bistro_tui.widgets.jobs_table import JobsTable
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.node_tree import NodeTree
from bistro_tui.widgets.tasks_table import TasksTable
from tests.ui.driving import driven, until, until_gone, until_shown
from tests.ui.pictures import grid
from tests.ui.scenes import busy_engine
from tests.ui.scripted import ScriptedEngine, explanation, job, node, snapshot, task


async def test_arrows_and_letters_move_the_cursor() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await until_shown(app, "▌backup")
        for key, name in (
            ("j", "verify-backup"),
            ("down", "compress"),
            ("k", "verify-backup"),
            ("up", "backup"),
            ("G", "ship-logs"),
            ("g", "backup"),
            ("ctrl+d", "ship-logs"),
            ("ctrl+u", "backup"),
            ("end", "ship-logs"),
            ("home", "backup"),
            ("up", "backup"),
        ):
            await pilot.press(key)
            await until_shown(app, f"▌{name} ")


async def test_tab_goes_round_the_panes_and_shift_tab_back() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await until_shown(app, "━ Jobs")
        for key, title in (
            ("tab", "Nodes"),
            ("tab", "Running"),
            ("tab", "Log"),
            ("tab", "Jobs"),
            ("shift+tab", "Log"),
        ):
            await pilot.press(key)
            await until_shown(app, f"━ {title}")


async def test_e_disables_and_enables_the_job_under_the_cursor() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("j", "e")
        await until_shown(app, "verify-backup is disabled")
        await until_shown(app, "⊘ disabled")
        await pilot.press("e")
        await until_shown(app, "verify-backup is enabled")
    assert engine.asked == [
        ("set_job_enabled", "verify-backup", False),
        ("set_job_enabled", "verify-backup", True),
    ]


async def test_e_pressed_again_before_the_screen_shows_it_turns_it_round() -> None:
    engine = busy_engine()
    engine.held = asyncio.Event()
    async with driven(engine) as (app, pilot):
        await pilot.press("j", "e", "e", "e")
        assert [asked[-1] for asked in engine.asked] == [False]
        engine.held.set()
        await until(lambda: [one[-1] for one in engine.asked] == [False, True, False])
        await until_shown(app, "⊘ disabled")
        await pilot.press("e")
        await until_shown(app, "verify-backup is enabled")
    assert engine.asked[-1] == ("set_job_enabled", "verify-backup", True)


async def test_a_press_of_e_that_was_given_up_is_forgotten() -> None:
    engine = busy_engine()
    engine.held = asyncio.Event()
    async with driven(engine) as (app, pilot):
        await pilot.press("e")
        asking = app.workers.cancel_group(app.screen, "control")
        assert len(asking) == 1
        await until(lambda: asking[0].is_finished)
        await pilot.press("e")
        # The second waits for the first; both are given up.
        await pilot.press("e")
        app.workers.cancel_group(app.screen, "control")
        await pilot.press("e")
        await until(lambda: len(engine.asked) == 3)
        engine.held.set()
    assert [asked[-1] for asked in engine.asked] == [False, False, False]


async def test_e_on_a_task_means_its_job() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "e")
        await until_shown(app, "backup is disabled")
    assert engine.asked == [("set_job_enabled", "backup", False)]


async def test_a_refusal_is_shown_in_its_own_words() -> None:
    engine = busy_engine()
    engine.refusal = "nightly.json is not writable"
    async with driven(engine) as (app, pilot):
        await pilot.press("e")
        await until_shown(app, "nightly.json is not writable")


async def test_keys_that_need_another_row_say_so() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("G", "x")
        await until_shown(app, "nothing of ship-logs runs")
        await pilot.press("tab", "e")
        await until_shown(app, "e enables and disables a job")
        await pilot.press("plus")
        await until_shown(app, "+ and - change a limit")
        await pilot.press("tab", "tab", "w")
        await until_shown(app, "w tells why")
        await pilot.press("F")
        await until_shown(app, "F forgives a job's failures")
    assert engine.asked == []


async def test_x_stops_the_attempt_under_the_cursor_and_no_later_one() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "j", "x")
        await until_shown(app, "backup@db3 is being stopped")
    seen = next(r for r in engine.current.running if r.task == task("backup", "db3"))
    asked = ("kill_task", task("backup", "db3"), seen.invocation, False)
    assert engine.asked == [asked]


async def test_x_stops_nothing_when_the_task_has_ended_meanwhile() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "j")
        await until_shown(app, "Log backup@db3")
        engine.change(running=engine.current.running[:1])
        await until_shown(app, "Running 1")
        app.screen.query_one(TasksTable).focus()
        tasks = app.screen.query_one(TasksTable)
        await pilot.press("tab", "x")
        await until_shown(app, "backup@db3 does not run now")
        assert tasks.current is not None
    assert engine.asked == []


async def test_capital_f_forgives_the_job() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("j", "j", "F")
        await until_shown(app, "forgave compress")
    assert engine.asked == [("forgive", ("compress",))]


async def test_w_on_a_job_names_the_blocking_resources() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("w")
        await until_shown(
            app, "Why · backup", "rack-a: io 5/5, backup needs 1", "held by backup@db1"
        )
        await pilot.press("w")
        await until_gone(app, "Why · backup")


async def test_w_on_a_task_shows_the_chain_of_checks() -> None:
    engine = busy_engine()
    engine.explanations[task("backup", "db1")] = explanation(
        task("backup", "db1"),
        Reason.RUNNING,
        ("job_enabled", True, "backup is enabled"),
    )
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "w")
        await until_shown(
            app, "Why · backup@db1", "✓ job_enabled", "● running", "pid         20117"
        )
        await pilot.press("escape")
        await until_gone(app, "Why ·")


async def test_w_on_an_unknown_task_shows_the_refusal() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("tab", "tab", "w")
        await until_shown(app, "no task backup@db1")


async def test_why_stays_true_while_it_is_open() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("w")
        await until_shown(app, "held by backup@db1")
        engine.explanations.clear()
        await until_gone(app, "held by backup@db1")


async def test_enter_shows_details_of_a_job_a_node_and_a_task() -> None:
    async with driven(busy_engine()) as (app, pilot):
        for tabs, words in (
            ((), ("Job · backup", "priority")),
            (("tab",), ("Node · db-farm", "network 6/10", "held by")),
            (("tab",), ("Task · backup@db1", "invocation", "20117")),
        ):
            await pilot.press(*tabs, "enter")
            await until_shown(app, *words)
            await pilot.press("escape")
            await until_gone(app, words[0])


async def test_l_goes_to_the_log_of_the_task() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("tab", "tab", "l")
        await until_shown(app, "━ Log backup@db1", "dumping table orders_13 ... 61%")
        assert "checksum" not in "\n".join(grid(app)[-14:])


async def test_l_on_a_job_goes_to_the_log_of_its_tasks() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("l")
        await until_shown(app, "━ Log all tasks of backup")


async def test_a_chosen_job_narrows_what_runs_until_escape() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await until_shown(app, "Running 9")
        await pilot.press("j")
        await until_shown(app, "Running 3", "all tasks of verify-backup")
        await pilot.press("escape")
        await until_shown(app, "Running 9", "Log all tasks ")


async def test_a_chosen_node_narrows_to_what_runs_below_it() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("tab", "j")
        await until_shown(app, "Running 5", "all tasks of rack-a")
        await pilot.press("k")
        await until_shown(app, "Running 9")


async def test_a_chosen_task_is_let_go_by_escape() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("tab", "tab", "j")
        await until_shown(app, "Log backup@db3")
        await pilot.press("escape")
        await until_shown(app, "Log all tasks ")
        await pilot.press("escape")
        await until_shown(app, "━ Jobs")


async def test_1_stays_on_the_overview() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("1")
        await until_shown(app, "Jobs 7")


async def test_backspace_goes_back_to_the_page_before() -> None:
    async with driven(busy_engine()) as (app, pilot):
        main = app.screen
        assert isinstance(main, MainScreen)
        await pilot.press("backspace")
        assert main.page.KEY == "1"
        await pilot.press("2")
        await until(lambda: main.page.KEY == "2")
        await pilot.press("backspace")
        await until(lambda: main.page.KEY == "1")
        await pilot.press("backspace")
        await until(lambda: main.page.KEY == "2")


async def test_d_describes_as_enter_does() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("d")
        await until_shown(app, "Job · backup", "priority")


async def test_ctrl_c_only_says_how_to_quit() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("ctrl+c")
        await until_shown(app, "ctrl+c does not quit here: q quits")
        assert app.end is None
    assert engine.stop_requests == 0


async def test_folding_hides_a_branch_and_left_again_goes_up() -> None:
    async with driven(busy_engine()) as (app, pilot):
        nodes = app.screen.query_one(NodeTree)
        await pilot.press("tab", "j", "left")
        await until(lambda: len(nodes.rows) == 7)
        await until_shown(app, "▸ rack-a")
        await pilot.press("left")
        await until(lambda: nodes.cursor_key == "db-farm")
        await pilot.press("j", "right")
        await until(lambda: len(nodes.rows) == 11)
        await pilot.press("j", "j", "asterisk")
        await until(lambda: len(nodes.rows) == 3)
        await until(lambda: nodes.cursor_key == "rack-a")
        await pilot.press("asterisk")
        await until(lambda: len(nodes.rows) == 11)


async def test_folds_stay_while_snapshots_come() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        nodes = app.screen.query_one(NodeTree)
        await pilot.press("tab", "j", "left")
        await until(lambda: len(nodes.rows) == 7)
        engine.change(nodes=(*engine.current.nodes, node("rack-c", 1)))
        await until(lambda: len(nodes.rows) == 8)


async def test_the_filter_applies_to_each_letter_and_enter_finds_the_first() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        jobs = app.screen.query_one(JobsTable)
        await pilot.press("slash")
        for letters, left in (("s", 7), ("h", 1), ("backspace", 7)):
            await pilot.press(letters)
            await until(partial(lambda left: len(jobs.rows) == left, left))
        await pilot.press("h", "i", "p")
        await until_shown(app, " / ship", "/ship 1")
        await pilot.press("enter")
        await until_shown(app, "▌ship-logs", "/ship 1", "? help")
        await pilot.press("e")
        await until_shown(app, "ship-logs is disabled")
        await pilot.press("escape")
        await until(lambda: len(jobs.rows) == 7)
        assert jobs.cursor_key == "ship-logs"


async def test_escape_in_the_filter_line_clears_it() -> None:
    async with driven(busy_engine()) as (app, pilot):
        jobs = app.screen.query_one(JobsTable)
        await pilot.press("slash", "z", "z", "z")
        await until_shown(app, "nothing fits the filter")
        await pilot.press("escape")
        await until(lambda: len(jobs.rows) == 7)
        assert jobs.has_focus


async def test_letters_in_the_filter_line_are_letters() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("slash", *"qexFwl1z")
        await until_shown(app, " / qexFwl1z")
        assert app.end is None
    assert engine.asked == []


async def test_pasted_text_is_made_safe_and_only_its_first_line_counts() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("slash")
        app.screen.query_one("#filter").post_message(Paste("ba\x1b[2Jck\nq"))
        await until_shown(app, " / ba␛[2Jck")


async def test_each_pane_has_its_own_filter() -> None:
    async with driven(busy_engine()) as (app, pilot):
        nodes = app.screen.query_one(NodeTree)
        await pilot.press("tab", "slash", *"db7", "enter")
        await until(
            lambda: [row.name for row in nodes.rows] == ["db-farm", "rack-b", "db7"]
        )
        assert nodes.cursor_key == "db7"
        assert len(app.screen.query_one(JobsTable).rows) == 7
        await pilot.press("tab", "slash", *"verify", "enter")
        await until_shown(app, "/verify 1")


async def test_the_filter_of_running_tasks_keeps_the_line_between() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("tab", "tab", "slash", *"compress", "enter")
        await until_shown(app, "ended lately", "retry in 48s · exited with status 1")
        await pilot.press("escape", "slash", *"index")
        await until_gone(app, "ended lately")


async def test_help_names_every_action_in_words() -> None:
    async with driven(busy_engine(), (140, 80)) as (app, pilot):
        await pilot.press("question_mark")
        shown = (await until_shown(app, "Help", "What the signs mean")).lower()
        for word in (
            "filter", "enable", "disable", "why", "log", "stop", "forgive", "quit",
            "palette", "details", "freeze", "follow", "wrap", "pane",
        ):  # fmt: skip
            assert word in shown, word
        await pilot.press("question_mark")
        await until_gone(app, "Help")


async def test_help_and_footer_show_rebound_keys() -> None:
    engine = busy_engine()
    async with driven(engine, (140, 80)) as (app, pilot):
        app.set_keymap({"act.toggle": "f9", "log.wrap": "f8"})
        await pilot.press("f9")
        await until_shown(app, "backup is disabled", "f9 on/off")
        await pilot.press("question_mark")
        shown = await until_shown(app, "f9 ", "f8 ")
        assert " e  " not in shown


async def test_the_palette_finds_actions_by_their_words() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("ctrl+p")
        await until_shown(app, "Search for commands")
        await pilot.press(*"forgive")
        await until_shown(app, "Forgive the job's failures", "key: F")
        await pilot.press("enter")
        await until(lambda: engine.asked == [("forgive", ("backup",))])


async def test_clicks_choose_rows_and_the_wheel_scrolls() -> None:
    names = [job(f"job{n:03}", {Reason.DONE: 1}) for n in range(100)]
    engine = ScriptedEngine(current=snapshot(jobs=tuple(names)))
    async with driven(engine) as (app, pilot):
        jobs = app.screen.query_one(JobsTable)
        await until_shown(app, "job000")
        await pilot.click(JobsTable, offset=(5, 5))
        assert jobs.cursor_key == "job003"
        for _ in range(4):
            await pilot._post_mouse_events(
                [MouseScrollDown],
                JobsTable,
                (5, 5),
                button=0,
            )
        await until(lambda: jobs.scroll_offset.y > 3)
        assert jobs.cursor_key == "job003"
        await pilot.click(JobsTable, offset=(5, 4), times=2)
        await until_shown(app, "Job · job")


async def test_a_click_on_the_fold_mark_folds() -> None:
    async with driven(busy_engine()) as (app, pilot):
        nodes = app.screen.query_one(NodeTree)
        await until_shown(app, "▾ rack-a")
        await pilot.click(NodeTree, offset=(3, 3))
        await until(lambda: len(nodes.rows) == 7)
        await pilot.click(NodeTree, offset=(8, 3))
        assert len(nodes.rows) == 7
        assert nodes.cursor_key == "rack-a"


async def test_log_keys_are_shown_when_the_log_has_the_keyboard() -> None:
    async with driven(busy_engine()) as (app, pilot):
        await pilot.press("shift+tab")
        await until_shown(app, "Space follow", "o stdout/err", "W wrap")
        assert app.screen.query_one(LogView).has_focus
        assert not any(row.startswith("▌") for row in grid(app))
