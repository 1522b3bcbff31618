"""The overlay of w: from one answer to the next, and to who is in the way."""

from dataclasses import replace

from bistro_tui.engine.view import Claims, Holding, ResourceName, Waiting
from tests.ui.driving import driven, top, until, until_gone, until_shown
from tests.ui.scenes import busy_engine
from tests.ui.scripted import ScriptedEngine, task


def engine_with_claims() -> ScriptedEngine:
    engine = busy_engine()
    rack = next(row for row in engine.current.nodes if row.name == "rack-a")
    io = ResourceName("io")
    engine.claimed[rack.name, io] = Claims(
        node=rack.name, resource=io, used=5, limit=5,
        holders=tuple(
            Holding(task=task(job, "db1"), amount=number)
            for job, number in (("backup", 2), ("verify-backup", 1))
        ),
        waiters=(
            Waiting(
                job=task("backup", "").job, need=1, tasks=12,
                first=task("backup", "db2"),
            ),
        ),
    )  # fmt: skip
    return engine


async def test_from_a_job_to_its_task_to_the_resource_to_who_waits_and_back() -> None:
    async with driven(engine_with_claims()) as (app, pilot):
        await pilot.press("w")
        await until_shown(app, "Why · backup", "db2 and 1 more", "held by backup@db1")
        await pilot.press("enter")
        await until_shown(app, "backup › backup · resource", "2 tasks")
        await pilot.press("j", "enter")
        await until_shown(app, "› backup@db4", "✗ resources of rack-a")
        await until_shown(app, "● backup@db1  2 of 5 · 12m34s")
        await pilot.press("enter")
        await until_shown(app, "› io on rack-a", "5/5  full", "12 tasks · 1 each")
        for shown in ("› backup@db4", "2 tasks", "held by backup@db1"):
            await pilot.press("escape")
            await until_shown(app, shown)
        await pilot.press("escape")
        await until_gone(app, "Why ·")


async def test_enter_on_a_holder_goes_to_its_task_and_l_to_its_log() -> None:
    async with driven(engine_with_claims()) as (app, pilot):
        gone: list[tuple[str, object]] = []
        top(app).go = lambda key, thing=None: gone.append((key, thing))
        for key in ("enter", "l"):
            await pilot.press("w")
            await until_shown(app, "held by backup@db1")
            await pilot.press("j")
            await until_shown(app, "Enter go to it")
            await pilot.press(key)
            await until_gone(app, "Why ·")
    assert [key for key, _ in gone] == ["5", "6"]
    assert {str(thing) for _, thing in gone} == {"backup@db1"}


async def test_x_on_a_holder_stops_that_attempt() -> None:
    engine = engine_with_claims()
    async with driven(engine) as (app, pilot):
        await pilot.press("w")
        await until_shown(app, "held by backup@db1")
        await pilot.press("j", "x")
        await until(lambda: bool(engine.asked))
    first = engine.current.running[0]
    assert engine.asked == [("kill_task", first.task, first.invocation, False)]


async def test_the_answer_follows_what_happens_and_the_cursor_stays_on_its_line() -> (
    None
):
    engine = engine_with_claims()
    async with driven(engine) as (app, pilot):
        await pilot.press("w")
        await until_shown(app, "held by verify-backup@db1")
        await pilot.press("j", "j")
        await until_shown(app, "▌      held by verify-backup@db1")
        for of in (task("backup", "db2"), task("backup", "db4")):
            why = engine.explanations[of]
            holders = (task("verify-backup", "db1"), *why.holders[:1])
            engine.explanations[of] = replace(why, holders=holders)
        engine.change(running=engine.current.running[2:])
        await until_shown(app, "held by backup@db1 ")
        await until_shown(app, "▌      held by verify-backup@db1")


async def test_w_on_a_node_leads_to_its_resources() -> None:
    async with driven(engine_with_claims()) as (app, pilot):
        await pilot.press("tab", "j", "w")
        await until_shown(app, "Why · rack-a", "running here and below")
        await pilot.press("enter")
        await until_shown(app, "› io on rack-a", "5/5  full")
