"""The page of jobs, and the page of one job."""

import asyncio
from dataclasses import replace

from textual.pilot import Pilot

from bistro_tui.app import BistroApp
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    Attempt,
    AttemptPage,
    JobFacts,
    JobGrid,
    JobName,
    LevelName,
    NodeName,
    Reason,
    TaskRow,
)
from bistro_tui.screens.jobs import JobsPage
from bistro_tui.widgets.cell_map import CellMap
from bistro_tui.widgets.job_lists import SegmentTasks
from bistro_tui.widgets.jobs_table import JobsLedger
from tests.ui.driving import NARROW, WIDE, driven, until, until_gone, until_shown
from tests.ui.pictures import grid, text
from tests.ui.scripted import (
    NOW,
    FrozenClock,
    ScriptedEngine,
    job,
    node,
    running,
    snapshot,
    task,
)

R = Reason
PLACES = {reason: place for place, reason in enumerate(Reason)}
SPREAD = [R.DONE] * 20 + [R.RUNNING] * 2 + [R.BACKOFF] + [R.RESOURCE] * 7
HOSTS = [f"h{number}" for number in range(len(SPREAD))]


def farm() -> ScriptedEngine:
    """Return thirty hosts in two racks, and a job in the middle of them."""
    counts = {reason: SPREAD.count(reason) for reason in set(SPREAD)}
    jobs = (
        job("etl", counts, eta=NOW + 700),
        job("extract", {R.DONE: 30}),
        job("broken", {R.JOB_INVALID: 30}, errors=("etl.json:3:1: no command",)),
        job("gone", {R.RUNNING: 1}, in_config=False),
        job("sweep", {R.JOB_DISABLED: 2}, enabled=False, level=LevelName("rack")),
    )
    nodes = [node("farm", 0)]
    for rack in ("east", "west"):
        nodes.append(node(rack, 1))
        half = HOSTS[:15] if rack == "east" else HOSTS[15:]
        nodes += [node(name, 2) for name in half]
    engine = ScriptedEngine(
        snapshot(
            jobs=jobs,
            nodes=tuple(nodes),
            running=(running("etl", "h20", 60), running("etl", "h21", 61)),
        )
    )
    engine.task_rows = [
        TaskRow(
            task=task("etl", name),
            reason=reason,
            since=NOW - 60 if reason is R.RUNNING else None,
            attempts=1 if reason in (R.RUNNING, R.DONE) else 0,
            next_run=NOW + 48 if reason is R.BACKOFF else None,
            why="io 5/5 on east" if reason is R.RESOURCE else "",
        )
        for name, reason in zip(HOSTS, SPREAD, strict=True)
    ]
    engine.grids[JobName("etl")] = JobGrid(
        job=JobName("etl"),
        level=LevelName("host"),
        nodes=tuple(map(NodeName, HOSTS)),
        reasons=bytes(PLACES[reason] for reason in SPREAD),
    )
    engine.facts[JobName("etl")] = JobFacts(
        job=JobName("etl"),
        facts=(("command", "/bin/etl"),),
        depends_on=(JobName("extract"),),
        needed_by=(),
        file="/etc/farm.json",
        line=12,
        excerpt=('"bistro_job->etl": {}',),
        throughput=4.0,
        median_seconds=3.0,
    )
    engine.facts[JobName("extract")] = replace(
        engine.facts[JobName("etl")],
        job=JobName("extract"),
        depends_on=(),
        needed_by=(JobName("etl"),),
        line=30,
    )
    engine.attempts = [
        Attempt(
            task=task("etl", HOSTS[number]),
            invocation=f"i{number}",
            started=NOW - 100 - number,
            ended=NOW - 90 - number,
            result="done" if number else "failed",
            exit="exited with status 0" if number else "exited with status 7",
            detail="",
            worker="local",
            peak_memory=None,
            cpu_seconds=None,
        )
        for number in range(250)
        for _ in range(number < len(HOSTS))
    ]
    return engine


def page_of(app: BistroApp) -> JobsPage:
    return app.screen.query_one(JobsPage)


async def to_job(app: BistroApp, pilot: Pilot[None]) -> None:
    await pilot.press("2")
    await until_shown(app, "/min", "etl")
    await pilot.press("enter")
    await until_shown(app, "Jobs › etl", "By level 3", "Last attempts", "/bin/etl")


async def test_every_job_stands_with_its_bar_its_counts_and_what_is_wrong() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done", "⏸ 7 resource")
        rows = grid(app)
    etl = next(row for row in rows if row.startswith("▌etl"))
    assert etl.split()[1:3] == ["●", "running"]
    assert "20    2    ·    1    7    ·    ·   30" in etl
    for name, word in (
        ("broken", "⚠ invalid"),
        ("gone", "⊘ removed"),
        ("sweep", "⊘ disabled"),
        ("extract", "✓ done"),
    ):
        assert any(row.startswith(f" {name}") and word in row for row in rows), name
    levels = [row.split()[0] for row in rows[3:5]]
    assert levels == ["rack", "host"]
    assert all(len(row) <= 140 for row in rows)


async def test_right_walks_the_states_and_enter_lists_the_tasks_of_one() -> None:
    engine = farm()
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        await pilot.press("right", "right")
        await until_shown(app, "▸● 2 running◂", "2 tasks run now")
        await pilot.press("enter")
        await until_shown(app, "Tasks 2", "etl · running", "h20", "h21")
        await pilot.press("right", "right")
        shown = await until_shown(app, "▸⏸ 7 resource◂", "io 5/5 on east")
        assert "h23" in shown
        await pilot.press("left")
        await until_shown(app, "▸↻ 1 backoff◂", "48s")
        await pilot.press("escape")
        await until_gone(app, "etl · backoff")
        await until_shown(app, "▸↻ 1 backoff◂")
        await pilot.press("escape")
        await until_gone(app, "▸")


async def test_another_job_has_no_segment_chosen() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        await pilot.press("right", "down")
        await until_shown(app, "── extract", "✓ 30 done")
        assert "▸" not in text(app)
        await pilot.press("down")
        await until_shown(app, "── broken", "⚠ etl.json:3:1: no command")
        await pilot.press("down")
        await until_shown(app, "removed from the config")


async def test_what_keys_act_on_is_the_task_with_its_attempt() -> None:
    engine = farm()
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        await pilot.press("right", "right", "enter")
        await until_shown(app, "Tasks 2", "h20")
        await pilot.press("x")
        await until(lambda: any(one[0] == "kill_task" for one in engine.asked))
    asked = next(one for one in engine.asked if one[0] == "kill_task")
    assert asked[1] == task("etl", "h20")
    assert asked[2] == engine.current.running[0].invocation


async def test_a_segment_can_be_clicked_and_clicked_again_to_open_it() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        rows = grid(app)
        y = next(at for at, row in enumerate(rows) if "✓ 20 done" in row)
        x = rows[y].index("7 resource")
        await pilot.click(offset=(x, y))
        await until_shown(app, "▸⏸ 7 resource◂")
        await pilot.click(offset=(x, y))
        await until_shown(app, "etl · resource", "io 5/5 on east")


async def test_enter_opens_the_job_with_all_that_is_known_of_it() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await to_job(app, pilot)
        shown = await until_shown(
            app,
            "Nodes 30",
            "east",
            "Tasks 30",
            "← extract  ✓ done  30/30 done",
            "/etc/farm.json:12",
            '12 │ "bistro_job->etl": {}',
            "status 7",
            "4.0 done a minute",
            "~12m left",
        )
        farm_row = next(row for row in shown.splitlines() if " farm " in row)
        assert "20/30" in farm_row
        await pilot.press("escape")
        await until_shown(app, "/min")
        assert app.screen.query_one(JobsLedger).has_focus


async def test_in_a_job_the_chosen_state_narrows_tasks_and_cells() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await to_job(app, pilot)
        await pilot.press("right", "right")
        shown = await until_shown(app, "▸● 2 running◂", "Tasks 2", "h21")
        cells = next(row for row in shown.splitlines() if row.startswith(" · ·"))
        assert cells[: 2 * len(HOSTS)].count("●") == 2
        await pilot.press("escape")
        await until_shown(app, "Tasks 30")


async def test_the_cursor_moves_on_cells_and_names_the_node() -> None:
    engine = farm()
    async with driven(engine, WIDE) as (app, pilot):
        await to_job(app, pilot)
        await pilot.press("shift+tab", "shift+tab")
        cells = app.screen.query_one(CellMap)
        await until(lambda: cells.has_focus)
        await until_shown(app, "h0 ✓ done")
        await pilot.press("end")
        await until_shown(app, "h29 ⏸ resource")
        await pilot.press("left", "home", "right")
        await until_shown(app, "h1 ✓ done")
        newer = engine.grids[JobName("etl")]
        engine.grids[JobName("etl")] = replace(
            newer, nodes=newer.nodes[1:], reasons=newer.reasons[1:]
        )
        engine.change(jobs=(job("etl", {R.DONE: 19, R.RESOURCE: 10}),))
        move(app, 30)
        await until_shown(app, "Nodes 29", "h1 ✓ done")
        await pilot.press("enter")
        await until_shown(app, "Task · etl@h1")


async def test_a_row_of_a_level_leads_to_its_nodes() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await to_job(app, pilot)
        await pilot.press("shift+tab")
        await until_shown(app, "━ By level 3")
        await pilot.press("G", "enter")
        await until_shown(app, "━ Nodes 30", "h15 ✓ done")


async def test_dependencies_lead_to_their_jobs_and_escape_leads_back() -> None:
    async with driven(farm(), WIDE) as (app, pilot):
        await to_job(app, pilot)
        await pilot.press("tab")
        await until_shown(app, "━ About")
        await pilot.press("slash", *"extract", "enter")
        await pilot.press("enter")
        await until_shown(app, "Jobs › extract", "→ etl")
        await pilot.press("escape")
        await until_shown(app, "Jobs › etl")
        await pilot.press("escape")
        await until_shown(app, "/min")


async def test_a_small_screen_opens_one_pane_of_a_job_at_a_time() -> None:
    async with driven(farm(), NARROW) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        await pilot.press("enter")
        await until_shown(app, "━ Tasks 30", "─ About", "─ Last attempts 30")
        assert "/bin/etl" not in text(app)
        await pilot.press("tab")
        await until_shown(app, "━ About", "/bin/etl")
        for size in ((40, 10), (60, 20), (300, 80), (110, 24)):
            await pilot.resize_terminal(*size)
            await until_shown(app, "Jobs › etl", "About")


async def test_what_a_scheduler_does_not_answer_is_said_where_it_would_stand() -> None:
    class Old(ScriptedEngine):
        async def job_facts(self, job: JobName) -> JobFacts:
            raise ControlRefused("this scheduler knows no job_facts")

        async def job_grid(self, job: JobName) -> JobGrid:
            raise ControlRefused("this scheduler knows no job_grid")

        async def history(self, **asked: object) -> AttemptPage:
            raise ControlRefused("this scheduler knows no history")

    old = Old(farm().current)
    async with driven(old, WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        await pilot.press("enter")
        await until_shown(
            app,
            "Jobs › etl",
            "knows no job_facts",
            "knows no job_grid",
            "knows no history",
            "no task now",
        )


async def test_a_frozen_screen_asks_nothing() -> None:
    asked: list[JobName] = []

    class Counting(ScriptedEngine):
        async def job_grid(self, job: JobName) -> JobGrid:
            asked.append(job)
            return await super().job_grid(job)

    engine = Counting(farm().current, grids=farm().grids)
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "✓ 20 done")
        await pilot.press("z")
        await until_shown(app, "frozen")
        await pilot.press("enter")
        await until_shown(app, "Jobs › etl")
        page_of(app)._ask()
        await pilot.pause()
        assert asked == []
        await pilot.press("z")
        await until_shown(app, "Nodes 30")


async def test_a_job_that_leaves_while_its_page_is_open_is_said_to_be_gone() -> None:
    engine = farm()
    async with driven(engine, WIDE) as (app, pilot):
        await to_job(app, pilot)
        engine.change(jobs=engine.current.jobs[1:])
        await until_shown(app, "this job is gone", "Jobs › etl")
        await pilot.press("escape")
        await until_shown(app, "/min", "extract")


async def test_long_lists_are_read_as_they_are_scrolled() -> None:
    names = [f"n{number:04}" for number in range(900)]
    engine = ScriptedEngine(snapshot(jobs=(job("etl", {R.RUNNABLE: 900}),)))
    engine.task_rows = [
        TaskRow(
            task=task("etl", name),
            reason=R.RUNNABLE,
            since=None,
            attempts=0,
            next_run=None,
            why="",
        )
        for name in names
    ]
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "900 ready")
        await pilot.press("right", "enter")
        await until_shown(app, "900 · 200 listed", "n0000")
        tasks = app.screen.query_one("#segment-tasks", SegmentTasks)
        for listed in (400, 600, 800, 900):
            await pilot.press("G")
            await until_listed(tasks, listed)
        await pilot.press("G")
        await until_shown(app, "n0899", "Tasks 900")


async def test_ten_thousand_jobs_are_listed_at_once() -> None:
    jobs = tuple(job(f"job{n:05}", {R.DONE: 2, R.RUNNING: 1}) for n in range(10_000))
    engine = ScriptedEngine(snapshot(jobs=jobs))
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("2")
        await until_shown(app, "Jobs 10,000", "job00000")
        page = page_of(app)
        loop, took = asyncio.get_running_loop(), []
        for number in range(5):
            began = loop.time()
            page.take(replace(engine.current, serial=10 + number))
            took.append(loop.time() - began)
        assert min(took) < 0.3
        await pilot.press("G")
        await until_shown(app, "job09999")


async def until_listed(tasks: SegmentTasks, number: int) -> None:
    await until(lambda: len(tasks.rows) >= number, f"{number} tasks listed")


def move(app: BistroApp, seconds: float) -> None:
    assert isinstance(app.clock, FrozenClock)
    app.clock.wall += seconds
