"""The log: following, pausing, choosing, wrapping."""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import pytest

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import Attempt, LogPage, LogSearch, Stream
from bistro_tui.present.log_buffer import CAPACITY, PAGE
from bistro_tui.widgets.log_view import LogView
from tests.ui.driving import NARROW, driven, until, until_gone, until_shown
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


async def test_t_shows_the_time_of_each_line_then_its_age_then_none() -> None:
    engine = one_task()
    engine.write(ETL, "at noon", at=NOW + 12 * 3600)
    async with driven(engine) as (app, pilot):
        app.screen.query_one(LogView)._zone = UTC
        await until_shown(app, "at noon")
        await pilot.press("shift+tab", "T")
        await until_shown(app, "12:00:00 etl@db7")
        await pilot.press("T")
        await until_shown(app, "  0s etl@db7")
        await pilot.press("T")
        await until_gone(app, "  0s etl@db7")


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
        assert log.buffer.held == PAGE
        engine.write(ETL, *(f"flood {n}" for n in range(7000)))
        await until_shown(app, "flood 6999")
        assert log.buffer.held <= CAPACITY


async def test_reading_on_while_lines_pour_in_loses_no_line_in_sight() -> None:
    engine = one_task(100)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 0099")
        await pilot.press("shift+tab", "ctrl+u")
        await until_shown(app, "paused")
        top = lines(app)
        for _ in range(6):
            engine.write(ETL, *["flood"] * 4_999)
            await until_shown(app, "new · space follows")
        await until_shown(app, "+ new · space follows")
        assert lines(app) == top
        await pilot.press("G")
        await until_shown(app, "▼ following", "flood")


async def test_scrolling_to_the_top_fetches_older_lines_up_to_the_first() -> None:
    engine = one_task(8_000)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 7999")
        await pilot.press("shift+tab", "g")
        await until_shown(app, "line 3000")
        log = app.screen.query_one(LogView)
        await until(lambda: log.buffer.held >= 6_000)
        # What was in sight stays there while lines come above it.
        assert lines(app)[0].endswith("line 3000")
        await pilot.press("k")
        await until_shown(app, "line 2999")
        while log.buffer.shown[0].line != b"line 0000\n":
            await pilot.press("g")
            await pilot.pause()
        await pilot.press("g")
        await until_shown(app, "line 0000")
        assert not any(search.text for _, search in searches(engine))


def searches(engine: ScriptedEngine) -> list[tuple[str, LogSearch]]:
    """Return what the store was asked."""
    return [
        ("search_log", one[1])
        for one in engine.asked
        if one[0] == "search_log" and isinstance(one[1], LogSearch)
    ]


async def test_an_applied_filter_finds_lines_that_are_not_held() -> None:
    engine = one_task(8_000)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 7999")
        await pilot.press("shift+tab", "slash", *"0042")
        await until_shown(app, "no line fits the filter")
        assert not searches(engine)
        await pilot.press("enter")
        await until_shown(app, "line 0042", "/0042 1")
        assert {search.text for _, search in searches(engine)} == {"0042"}


async def test_enter_shows_a_hit_among_its_neighbours_and_escape_goes_back() -> None:
    engine = one_task(8_000)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 7999")
        await pilot.press("shift+tab", "slash", *"0042", "enter")
        await until_shown(app, "line 0042")
        await pilot.press("enter")
        await until_shown(app, "line 0041", "line 0042", "line 0043")
        await until_gone(app, "/0042 1")
        await pilot.press("escape")
        await until_shown(app, "line 0042", "/0042 1")
        await until_gone(app, "line 0041")
        await pilot.press("escape")
        await until_shown(app, "line 7999", "▼ following")


async def test_n_walks_the_hits_of_the_last_filter_beyond_what_is_held() -> None:
    engine = one_task(8_000)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 7999")
        await pilot.press("shift+tab", "n")
        await until_shown(app, "nothing was looked for yet")
        await pilot.press("slash", *"500", "enter", "escape", "N")
        await until_shown(app, "▌etl@db7                  │ line 7500")
        await pilot.press("N", "N", "N", "N")
        await until_shown(app, "▌etl@db7                  │ line 5008")
        for _ in range(9):
            await pilot.press("N")
        await until_shown(app, "▌etl@db7                  │ line 4500")
        await pilot.press("N", "N")
        await until_shown(app, "▌etl@db7                  │ line 2500")
        await pilot.press("n")
        await until_shown(app, "▌etl@db7                  │ line 3500")


async def test_brackets_walk_the_lines_that_tell_of_errors() -> None:
    engine = one_task(10)
    engine.write(ETL, "fatal: it broke", *["fine"] * 60)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "fine")
        await pilot.press("shift+tab", "left_square_bracket")
        await until_shown(app, "▌etl@db7                  │ fatal: it broke")
        await pilot.press("left_square_bracket")
        await until_shown(app, "no hit further back")


async def test_m_goes_a_minute_on_and_back() -> None:
    engine = one_task()
    for minute in range(30):
        engine.write(ETL, *[f"minute {minute:02}"] * 20, at=NOW + 60 * minute)
    async with driven(engine) as (app, pilot):
        await until_shown(app, "minute 29")
        await pilot.press("shift+tab", "M", "M")
        await until_shown(app, "▌etl@db7                  │ minute 27")
        await pilot.press("m")
        await until_shown(app, "▌etl@db7                  │ minute 28")


def attempt(started: float, ended: float, result: str = "failed") -> Attempt:
    return Attempt(
        task=ETL, invocation=f"{started:.0f}_1", started=started, ended=ended,
        result=result, exit="exited with status 1", detail="", worker="local",
        peak_memory=None, cpu_seconds=None,
    )  # fmt: skip


async def test_l_walks_back_through_the_attempts_and_escape_returns() -> None:
    engine = one_task()
    engine.attempts = [
        attempt(NOW - 100, NOW - 70, "error_backoff"),
        attempt(NOW - 200, NOW - 170),
    ]
    engine.write(ETL, "first words", at=NOW - 190)
    engine.write(ETL, "second words", at=NOW - 90)
    engine.write(ETL, "third words", at=NOW - 1)
    async with driven(engine) as (app, pilot):
        await pilot.press("tab", "tab", "l")
        await until_shown(app, "first words", "second words", "third words")
        await pilot.press("L")
        await until_shown(app, "attempt of", "error backoff after 30s", "second words")
        assert "third words" not in text(app)
        await pilot.press("L")
        await until_shown(app, "failed after 30s", "first words")
        await pilot.press("L")
        await until_shown(app, "no attempt before that is known")
        await pilot.press("escape")
        await until_shown(app, "● running", "third words")


async def test_y_copies_the_line_under_the_cursor_and_big_y_all_in_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "bistro-tui" / "copied.txt"
    engine = one_task(3)
    engine.write(ETL, "\x1b]0;x\x07 evil \x1b[31mred")
    async with driven(engine) as (app, pilot):
        await until_shown(app, "evil")
        await pilot.press("shift+tab", "k", "y")
        await until_shown(app, "copied 1 line · also in")
        assert app.clipboard == "line 0002"
        assert file.read_text() == "line 0002\n"
        assert file.stat().st_mode & 0o777 == 0o600
        await pilot.press("Y")
        await until_shown(app, "copied 4 lines")
        assert app.clipboard.splitlines()[-1] == "␛]0;x␇ evil red"


async def test_v_opens_the_whole_log_in_the_pager_as_safe_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAGER", "less -S")
    engine = one_task(6_000)
    engine.write(ETL, "\x1b[2Jevil")
    seen: list[tuple[list[str], str]] = []

    async def lend(command: Sequence[str]) -> str:
        seen.append((list(command[:-1]), Path(command[-1]).read_text()))
        return "less: no such file or directory"

    async with driven(engine) as (app, pilot):
        await until_shown(app, "evil")
        monkeypatch.setattr(app.screen, "_lend", lend)
        await pilot.press("shift+tab", "v")
        await until_shown(app, "no pager: less: no such file or directory")
    [(command, shown)] = seen
    assert command == ["less", "-S", "+G"]
    assert shown.splitlines()[0] == "etl@db7: line 0000"
    assert shown.splitlines()[-1] == "etl@db7: ␛[2Jevil"
    assert len(shown.splitlines()) == 6_001


async def test_escape_stops_reading_for_the_pager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = one_task(10)
    begun = asyncio.Event()
    lent: list[Sequence[str]] = []

    async def endless(search: LogSearch) -> LogPage:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError(search)

    async def lend(command: Sequence[str]) -> str:
        lent.append(command)
        return ""

    async with driven(engine) as (app, pilot):
        await until_shown(app, "line 0009")
        monkeypatch.setattr(app.screen, "_lend", lend)
        monkeypatch.setattr(engine, "search_log", endless)
        await pilot.press("shift+tab", "v")
        await until_shown(app, "reading it for the pager … · Escape stops")
        assert begun.is_set()
        await pilot.press("escape")
        await until_gone(app, "reading it for the pager")
        assert lent == []


async def test_wrapped_lines_keep_their_place_while_others_come() -> None:
    engine = one_task()
    engine.write(ETL, *(f"{n:04} " + "x" * 400 + f" end{n:04}" for n in range(60)))
    async with driven(engine, NARROW) as (app, pilot):
        await until_shown(app, "0059")
        await pilot.press("shift+tab", "W")
        await until_shown(app, "end0059", "▼ following")
        await pilot.press("ctrl+u")
        await until_shown(app, "paused")
        before = grid(app)[-8:-1]
        engine.write(ETL, "y" * 300)
        await until_shown(app, "1 new")
        after = grid(app)[-8:-1]
        assert [row[:-1] for row in after] == [row[:-1] for row in before]
