"""The command line and the palette: the same acts by words and names."""

from bistro_tui.engine.view import JobName, Reason
from tests.ui.driving import driven, top, until, until_gone, until_shown
from tests.ui.scenes import busy_engine, quiet_engine
from tests.ui.scripted import ScriptedEngine, job, node, running, snapshot, task


async def test_a_command_is_completed_run_and_remembered() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("colon", *"dis")
        await until_shown(app, "disable [JOB] · disable a job")
        await pilot.press("tab", "space", *"ver", "tab")
        await until_shown(app, " : disable verify-backup")
        await pilot.press("enter")
        await until_shown(app, "verify-backup is disabled · u undoes")
        await pilot.press("colon", "up")
        await until_shown(app, " : disable verify-backup")
        await pilot.press("escape")
        await until_gone(app, " : disable")
    assert engine.asked == [("set_job_enabled", "verify-backup", False)]


async def test_what_no_command_means_is_said_with_the_nearest() -> None:
    async with driven(busy_engine()) as (app, pilot):
        for typed, said in (
            ("whi backup", "there is no command :whi; did you mean :why?"),
            ("job bakkup", "there is no job bakkup; did you mean backup?"),
            ("why backup db77", "there is no node db77; did you mean db7?"),
            ("limit rack io many", "many is no limit"),
            ("limit rack oi 3", "oi of each rack: there is no such resource"),
            ("theme nigth-bistro", "there is no theme"),
        ):
            await pilot.press("colon")
            top(app).query_one("#command-text").value = typed
            await pilot.press("enter")
            await until_shown(app, said)


async def test_why_log_and_acts_by_name() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        for typed in ("priority backup 3", "limit rack io 4", "stop backup db1"):
            await pilot.press("colon")
            top(app).query_one("#command-text").value = typed
            await pilot.press("enter")
        await until(lambda: len(engine.asked) == 3)
        await pilot.press("colon", *"why backup", "enter")
        await until_shown(app, "Why · backup", "held by")
    first = engine.current.running[0]
    assert engine.asked == [
        ("set_job_priority", "backup", 3.0),
        ("set_limit", "rack", "io", 4),
        ("kill_task", first.task, first.invocation, False),
    ]


async def test_colon_q_means_q() -> None:
    async with driven(quiet_engine()) as (app, pilot):
        await pilot.press("colon", "q", "enter")
        await until(lambda: app.end is not None)
    assert app.end == "quit"


async def test_the_palette_finds_names_among_100_000_nodes() -> None:
    nodes = (node("farm"), *(node(f"db{n:06}", 1) for n in range(100_000)))
    engine = ScriptedEngine(current=snapshot(nodes=nodes))
    async with driven(engine) as (app, pilot):
        gone: list[tuple[str, object]] = []
        top(app).go = lambda key, thing=None: gone.append((key, thing))
        await pilot.press("ctrl+p", *"db098765")
        await until_shown(app, "node db098765")
        # What fits the letters before the last one is offered until that is looked for.
        await until_gone(app, "node db098760")
        await pilot.press("enter")
        await until(lambda: bool(gone))
    assert [(key, str(thing)) for key, thing in gone] == [("3", "db098765")]


async def test_names_in_the_palette_are_no_markup() -> None:
    bad = "[/foo]\x1b[2J [b]x"
    engine = ScriptedEngine(
        current=snapshot(
            jobs=(job(bad, {Reason.RUNNING: 1}),), running=(running(bad, bad),)
        )
    )
    async with driven(engine) as (app, pilot):
        await pilot.press("ctrl+p", *"foo")
        await until_shown(app, "job [/foo]␛[2J [b]x", "task [/foo]␛[2J [b]x@[/foo]")
    assert task(JobName(bad), bad) == engine.current.running[0].task
