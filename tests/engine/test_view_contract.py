"""What holds of EngineView and EngineControl, whoever implements them."""

import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.view import JobRow, Reason, Snapshot, Stream
from tests.engine.test_engine import config_text
from tests.engine.view_ways import WAYS, Scheduler, Served, served, until

PRINTS = "printf 'one\\n\\377two\\nun\\303\\251'; exec sleep 900"
HELD, BROKEN = JobName("held"), JobName("broken")
CONFIG = config_text(
    held={"command": ["/bin/sh", "-c", PRINTS, "x"], "priority": 9},
    broken={"command": ["/bin/sh", "-c", 'echo failed > "$2"', "x"], "priority": 1},
    waits={"command": ["true"], "depends_on": ["held"]},
    unable={"command": ["true"], "enabled": False},
    wrong={"command": ["true"], "level_for_tasks": "nowhere"},
).replace('"limit": 2', '"limit": 3')
NOBODY = TaskId(JobName("nobody"), NodeName("d11"))


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("looked-at"), CONFIG) as serving:
        yield serving


def all_run(shown: Snapshot) -> bool:
    return len(shown.running) == 3 and all(row.pid for row in shown.running)


def job(shown: Snapshot, name: JobName) -> JobRow:
    return next(row for row in shown.jobs if row.name == name)


def timeless(shown: Snapshot) -> Snapshot:
    """Return what does not depend on the moment: memory and time in use do."""
    return replace(
        shown,
        serial=0,
        now=0.0,
        running=tuple(
            row._replace(rss=None, cpu_seconds=None, processes=None)
            for row in shown.running
        ),
    )


@pytest.mark.parametrize("way", WAYS)
async def test_all_see_the_same_picture(looked_at: Served, way: str) -> None:
    view = looked_at.by(way)
    shown = await until(view, all_run)
    assert timeless(shown) == timeless(await until(looked_at.door, all_run))
    assert {row.name for row in shown.jobs if row.errors} == {"wrong"}
    assert shown.state.word == "running"
    assert shown.banners


@pytest.mark.parametrize("way", WAYS)
async def test_logs_are_read_byte_for_byte_with_their_unfinished_lines(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    task = (await until(view, all_run)).running[0].task

    page = await view.read_log(task)
    while not page.partial or len(page.lines) < 2:
        page = await view.read_log(task)

    assert [line.line for line in page.lines] == [b"one\n", b"\xfftwo\n"]
    assert {line.task for line in page.lines} == {task}
    assert page.partial == {Stream.STDOUT: "uné".encode()}
    assert page.attempt_running
    first = page.lines[0].line_id
    assert (await view.read_log(task, after=first)).lines == page.lines[1:]
    assert (await view.read_log(task, limit=1)).lines == page.lines[1:]
    assert (await view.read_log(task, after=page.last_id)).lines == ()
    assert page == await looked_at.door.read_log(task)

    merged = await view.read_log(None)
    assert {line.task.job for line in merged.lines} == {"held"}
    assert not merged.attempt_running


@pytest.mark.parametrize("way", WAYS)
async def test_explanations_are_the_same(looked_at: Served, way: str) -> None:
    view = looked_at.by(way)
    await until(view, all_run)
    waiting = TaskId(JobName("waits"), NodeName("d11"))
    for name in (HELD, waiting.job, JobName("unable"), JobName("nobody")):
        assert await view.tasks_of(name) == await looked_at.door.tasks_of(name)
    assert len(await view.tasks_of(waiting.job, limit=2)) == 2
    why = await view.explain(waiting)
    assert why == await looked_at.door.explain(waiting)
    assert why.reason is Reason.DEPENDENCY


@pytest.mark.parametrize("way", WAYS)
async def test_refusals_are_the_same_sentences(looked_at: Served, way: str) -> None:
    scheduler = looked_at.by(way)
    await until(scheduler, all_run)
    idle = TaskId(JobName("waits"), NodeName("d11"))
    asks: list[Callable[[Scheduler], Awaitable[object]]] = [
        lambda one: one.kill_task(NOBODY),
        lambda one: one.kill_task(idle),
        lambda one: one.forgive((NOBODY.job,)),
        lambda one: one.set_job_enabled(NOBODY.job, True),
    ]
    for ask in asks:
        with pytest.raises(ControlRefused) as there:
            await ask(looked_at.door)
        with pytest.raises(ControlRefused) as here:
            await ask(scheduler)
        assert str(here.value) == str(there.value)
    for one in (scheduler, looked_at.door):
        # Over the wire it is also told what of it there is not.
        with pytest.raises(ControlRefused, match=r"^there is no task nobody@d11"):
            await one.explain(NOBODY)


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_asked_happens_and_is_told_until_the_end(
    tmp_path: Path, way: str
) -> None:
    with served(tmp_path, CONFIG) as serving:
        scheduler = serving.by(way)
        news = threading.Event()
        unsubscribe = scheduler.subscribe(news.set)
        task = (await until(scheduler, all_run)).running[0].task
        assert news.is_set()

        said = await scheduler.set_job_enabled(HELD, False)
        assert said == "held disabled in config.json"
        shown = await until(scheduler, lambda s: not job(s, HELD).enabled)
        assert shown.state.config_version == 2
        assert '"enabled": false' in serving.config.read_text()
        said = await scheduler.set_job_enabled(HELD, False)
        # Over the wire nobody knows whose edit it was.
        told = "is disabled already" if way == "door" else "disabled in config.json"
        assert said == f"held {told}"

        said = await scheduler.kill_task(task)
        assert said.startswith(f"stopping {task};")
        await until(scheduler, lambda s: any(row.task == task for row in s.ended))

        await until(
            scheduler,
            lambda s: Reason.FAILED in job(s, BROKEN).counts,
        )
        said = await scheduler.forgive((BROKEN,))
        assert said == "failures of broken are forgiven"

        unsubscribe()
        scheduler.request_stop()
        shown = await until(scheduler, lambda s: s.state.word == "stopped")
        assert shown.running == ()
        serving.thread.outcome()
        with pytest.raises(ControlRefused, match="the engine has stopped"):
            await scheduler.explain(task)
        scheduler.request_stop()
        assert scheduler.snapshot().state.word == "stopped"
