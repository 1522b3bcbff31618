"""The log: following, pausing, choosing, wrapping."""

from datetime import UTC

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import Stream
from bistro_tui.widgets.log_view import LogView
from tests.ui.driving import driven, until, until_gone, until_shown
from tests.ui.pictures import grid, text
from tests.ui.scripted import NOW, ScriptedEngine, running, snapshot, task

ETL = task("etl", "db7")


def one_task(count: int = 0) -> ScriptedEngine:
    engine = ScriptedEngine(current=snapshot(running=(running("etl", "db7"),)))
    engine.write(ETL, *(f"line {number:04}" for number in range(count)))
    return engine


def lines(app: BistroApp) -> list[str]:
    """Return the lines of the log in sight, without the scroll bar."""
    return [row[:-1].rstrip() for row in grid(app) if "│ " in row]


async def test_new_lines_appear_at_the_end_by_themselves() -> None:
    engine = one_task(100)
    async with driven(engine) as (app, _):
        await until_shown(app, "line 0099", "▼ following")
        engine.write(ETL, "something new")
        await until_shown(app, "something new")


async def test_scrolling_up_pauses_and_counts_what_came() -> None:
    engine = one_task(100)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 0099")
        await pilot.press("shift+tab", "ctrl+u")
        await until_shown(app, "paused · space follows")
        top = lines(app)
        engine.write(ETL, *["more"] * 12)
        await until_shown(app, "▼ 12 new · space follows")
        assert lines(app) == top
        await pilot.press("space")
        await until_shown(app, "▼ following", "more")
        await pilot.press("space")
        await until_shown(app, "paused")
        await pilot.press("G")
        await until_shown(app, "▼ following")


async def test_reaching_the_end_follows_again() -> None:
    async with driven(one_task(100)) as (app, pilot):
        await until_shown(app, "line 0099")
        await pilot.press("shift+tab", "k", "k")
        await until_shown(app, "paused")
        await pilot.press("j", "j")
        await until_shown(app, "▼ following")


async def test_g_goes_to_the_oldest_line() -> None:
    async with driven(one_task(100)) as (app, pilot):
        await until_shown(app, "line 0099")
        await pilot.press("shift+tab", "g")
        await until_shown(app, "line 0000")


async def test_the_merged_log_says_whose_each_line_is() -> None:
    engine = one_task()
    engine.write(ETL, "mine")
    engine.write(task("dump", "db1"), "other", stream=Stream.STDERR)
    async with driven(engine) as (app, _):
        await until_shown(app, "mine", "other")
        rows = grid(app)
    assert any(row.startswith(" etl@db7 ") and "│ mine" in row for row in rows)
    assert any(row.startswith(" dump@db1 ") and "▌ other" in row for row in rows)


async def test_o_shows_stdout_then_stderr_then_both() -> None:
    engine = one_task()
    engine.write(ETL, "said")
    engine.write(ETL, "complained", stream=Stream.STDERR)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "said", "complained")
        await pilot.press("shift+tab", "o")
        await until_gone(app, "complained")
        await until_shown(app, "stdout only", "said")
        await pilot.press("o")
        await until_shown(app, "stderr only", "complained")
        assert "│ said" not in text(app)
        await pilot.press("o")
        await until_shown(app, "said", "complained")


async def test_t_shows_the_time_of_each_line() -> None:
    engine = one_task()
    engine.write(ETL, "at noon", at=NOW + 12 * 3600)
    async with driven(engine) as (app, pilot):
        app.screen.query_one(LogView)._zone = UTC
        await until_shown(app, "at noon")
        await pilot.press("shift+tab", "T")
        await until_shown(app, "12:00:00 etl@db7")
        await pilot.press("T")
        await until_gone(app, "12:00:00")


async def test_w_wraps_long_lines_and_arrows_look_along_unwrapped_ones() -> None:
    engine = one_task()
    engine.write(ETL, "start " + "x" * 150 + " end")
    async with driven(engine) as (app, pilot):
        await until_shown(app, "start")
        assert " end" not in "\n".join(grid(app)[-14:])
        await pilot.press("shift+tab", *["right"] * 8)
        await until_shown(app, " end")
        await pilot.press(*["left"] * 8)
        await until_gone(app, " end")
        await pilot.press("W")
        await until_shown(app, "start", " end")
        engine.write(ETL, "y" * 170)
        await until_shown(app, "yyy")
        await pilot.resize_terminal(100, 40)
        await until_shown(app, "start", " end")
        await pilot.press("W")
        await until_gone(app, " end")


async def test_unfinished_lines_stand_below_and_become_lines() -> None:
    engine = one_task(3)
    engine.partial[ETL] = {Stream.STDOUT: b"Password: "}
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "j", "k")
        await until_shown(app, "Log etl@db7", "Password: ▁", "● running")
        engine.partial.clear()
        engine.write(ETL, "Password: done")
        await until_shown(app, "Password: done")
        assert "▁" not in text(app)


async def test_a_filter_keeps_only_the_lines_that_fit() -> None:
    engine = one_task(50)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 0049")
        await pilot.press("shift+tab", "slash", *"0007", "enter")
        await until_shown(app, "line 0007", "/0007 1")
        assert "line 0049" not in text(app)
        engine.write(ETL, "and 0007 again")
        await until_shown(app, "and 0007 again", "/0007 2")
        await pilot.press("escape")
        await until_shown(app, "line 0049")


async def test_streams_and_filter_stay_when_another_task_is_chosen() -> None:
    engine = ScriptedEngine(
        current=snapshot(running=(running("a", "n1"), running("b", "n1")))
    )
    engine.write(task("a", "n1"), "a says", stream=Stream.STDERR)
    engine.write(task("b", "n1"), "b says", stream=Stream.STDERR)
    async with driven(engine) as (app, pilot):
        await pilot.press("shift+tab", "o", "o", "tab", "tab", "tab", "j")
        await until_shown(app, "Log b@n1", "stderr only", "b says")
        assert "a says" not in text(app)


async def test_the_log_of_a_task_stays_after_its_end() -> None:
    engine = one_task(5)
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "l")
        await until_shown(app, "Log etl@db7", "line 0004")
        engine.change(running=())
        engine.write(ETL, "last words")
        await until_shown(app, "Log etl@db7", "last words", "Running 0")


async def test_an_empty_log_says_what_would_show_more() -> None:
    engine = one_task(3)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 0002")
        await pilot.press("shift+tab", "o", "o")
        await until_shown(app, "nothing on stderr yet · o shows the other stream")
        await pilot.press("o", "slash", *"nope")
        await until_shown(app, "no line fits the filter")


async def test_many_thousand_lines_keep_the_newest() -> None:
    engine = one_task(20_000)
    async with driven(engine) as (app, _):
        log = app.screen.query_one(LogView)
        await until_shown(app, "line 19999")
        assert log.buffer.held == 5000
        engine.write(ETL, *(f"flood {n}" for n in range(7000)))
        await until_shown(app, "flood 6999")
        await until(lambda: log.buffer.held <= 5500)
