"""The whole engine in one loop: real files, real clock, pretended or real tasks."""

import asyncio
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.disk import Disk
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import (
    ConfigUnusable,
    ControlRefused,
    DataDirHeld,
    DataDirUnusable,
)
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.publish import Publisher
from bistro_tui.engine.runners.protocol import RunnerTrouble
from bistro_tui.engine.view import Banner, Reason, Snapshot

HELD = ["/bin/sh", "-c", "echo up; exec sleep 60", "held"]


def config_text(enabled: bool = True, **jobs: dict[str, Any]) -> str:
    return json.dumps(
        {
            "bistro_settings": {
                "enabled": enabled,
                "nodes": {
                    "levels": ["host", "db"],
                    "node_source": "manual",
                    "node_source_prefs": {"h1": ["d11", "d12"], "h2": ["d21"]},
                },
                "resources": {"instance": {"slots": {"limit": 2, "default": 1}}},
            },
            **{
                f"bistro_job->{name}": {"owner": "t", "enabled": True} | job
                for name, job in jobs.items()
            },
        },
        indent=2,
    )


class Run:
    """An open engine and the task that runs it."""

    def __init__(self, engine: Engine, running: "asyncio.Task[Outcome]") -> None:
        self.engine = engine
        self.running = running
        self._news = asyncio.Event()
        engine.subscribe(self._news.set)

    async def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        async with asyncio.timeout(25):
            while not condition(self.engine.latest):
                self._news.clear()
                await self._news.wait()
        return self.engine.latest

    async def stop(self) -> Outcome:
        self.engine.request_stop()
        return await self.end()

    async def end(self) -> Outcome:
        async with asyncio.timeout(20):
            return await self.running


def make(path: Path, **options: Any) -> Engine:
    chosen = EngineOptions(
        config_path=path / "config.json", data_dir=path / "data", **options
    )
    return Engine(
        chosen, instance=NodeName("here"), clock=SystemClock(), rng=random.Random(1)
    )


@asynccontextmanager
async def served(path: Path, **options: Any) -> AsyncIterator[Run]:
    engine = make(path, **options)
    await engine.open()
    running = asyncio.ensure_future(engine.run())
    try:
        yield Run(engine, running)
    finally:
        while not running.done():
            engine.request_stop()
            await asyncio.wait([running], timeout=2)
        await asyncio.wait([running])


def write(path: Path, text: str) -> None:
    (path / "config.json").write_text(text)


async def test_it_ends_by_itself_when_every_owed_task_is_done(tmp_path: Path) -> None:
    write(tmp_path, config_text(a={}, b={"depends_on": ["a"]}))
    async with served(tmp_path, dry_run=True, exit_when_done=True) as run:
        outcome = await run.end()

    assert outcome.ended_by_itself
    assert outcome.is_complete
    assert (outcome.done, outcome.started) == (6, 6)
    assert run.engine.latest.state.word == "stopped"


async def test_what_the_runner_has_to_tell_is_a_banner_of_one_line_and_no_error(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"enabled": False}))
    async with served(tmp_path, dry_run=True) as run:
        for text, shown in (
            ("ram_mb is counted", "ram_mb is counted"),
            ("it broke:\nTraceback", "it broke; see the log"),
        ):
            run.engine._dispatcher.report(RunnerTrouble(text=text))
            banner = Banner(topic="runner", text=shown, is_error=False)
            found = await run.until(partial(_shows, banner))
            assert [one for one in found.banners if one.topic == "runner"] == [banner]


def _shows(banner: Banner, snapshot: Snapshot) -> bool:
    return banner in snapshot.banners


async def test_a_snapshot_shows_jobs_nodes_running_tasks_and_limits(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": HELD}, off={"enabled": False}))
    async with served(tmp_path, worker_command="true") as run:
        shown = await run.until(lambda s: all(row.pid for row in s.running))

        assert [row.name for row in shown.jobs] == ["a", "off"]
        assert shown.jobs[0].counts == {Reason.RUNNING: 2, Reason.RESOURCE: 1}
        assert shown.jobs[1].counts == {Reason.JOB_DISABLED: 3}
        assert [(row.name, row.depth) for row in shown.nodes] == [
            ("here", 0),
            ("h1", 1),
            ("d11", 2),
            ("d12", 2),
            ("h2", 1),
            ("d21", 2),
        ]
        (slots,) = shown.nodes[0].usage
        assert (slots.resource, slots.used, slots.limit) == ("slots", 2, 2)
        assert len(shown.running) == shown.starts == 2
        assert shown.state.word == "running"
        outcome = await run.stop()

    assert not outcome.ended_by_itself
    assert outcome.blocked == 3


async def test_disabling_a_job_edits_the_file_and_answers_after_the_reload(
    tmp_path: Path,
) -> None:
    text = config_text(a={"command": HELD})
    write(tmp_path, text)
    async with served(tmp_path) as run:
        said = await run.engine.world.set_job_enabled(JobName("a"), enabled=False)

        assert said == "a disabled in config.json"
        before, after = text.rsplit("true", 1)
        assert (tmp_path / "config.json").read_text() == before + "false" + after
        shown = await run.until(lambda s: s.state.config_version == 2)
        assert not shown.jobs[0].enabled
        assert len(shown.running) == 2

        with pytest.raises(ControlRefused, match='no job called "b"'):
            await run.engine.world.set_job_enabled(JobName("b"), enabled=True)


async def test_a_bad_config_pauses_starts_and_a_good_one_goes_on(
    tmp_path: Path,
) -> None:
    good = config_text(a={"command": HELD})
    write(tmp_path, good)
    async with served(tmp_path) as run:
        write(tmp_path, good[:-5])
        shown = await run.until(lambda s: bool(s.banners))

        assert shown.banners[0].topic == "config"
        assert "config.json:" in shown.banners[0].text
        assert shown.state.word == "paused"
        assert len(shown.running) == 2

        write(tmp_path, good)
        shown = await run.until(lambda s: not s.banners)
        assert shown.state.word == "running"


async def test_a_change_of_the_nodes_is_fetched_with_the_config(
    tmp_path: Path,
) -> None:
    write(tmp_path, config_text(a={"command": HELD}))
    async with served(tmp_path) as run:
        write(tmp_path, config_text(a={"command": HELD}).replace("d21", "d99"))
        shown = await run.until(lambda s: s.state.config_version == 2)

        assert shown.nodes[-1].name == "d99"


async def test_a_job_that_is_gone_is_shown_while_it_runs(tmp_path: Path) -> None:
    write(tmp_path, config_text(a={"command": HELD}))
    async with served(tmp_path) as run:
        write(tmp_path, config_text(b={"command": HELD}))
        shown = await run.until(lambda s: s.state.config_version == 2)

        assert [(row.name, row.in_config) for row in shown.jobs] == [
            ("b", True),
            ("a", False),
        ]


async def test_a_task_can_be_looked_at_explained_killed_and_forgiven(
    tmp_path: Path,
) -> None:
    kill_at_once = {"kill_subprocess": {"method": "kill"}}
    write(tmp_path, config_text(a={"command": HELD} | kill_at_once))
    async with served(tmp_path) as run:
        engine = run.engine
        task = engine.latest.running[0].task
        async with asyncio.timeout(25):
            while not (
                page := await engine.control.read_log(task, after=0, limit=10)
            ).lines:
                await asyncio.sleep(0.01)
        assert [line.line for line in page.lines] == [b"up\n"]
        assert page.attempt_running
        assert (await engine.control.explain(task)).reason is Reason.RUNNING
        open_tasks = await engine.control.tasks_of(JobName("a"), limit=10)
        assert [one.reason for one in open_tasks] == [
            Reason.RESOURCE,
            Reason.RUNNING,
            Reason.RUNNING,
        ]

        assert (await engine.control.kill_task(task)).startswith(f"stopping {task}")
        shown = await run.until(lambda s: bool(s.ended))
        assert shown.ended[0].task == task
        assert shown.ended[0].result is Reason.BACKOFF

        assert "a" in await engine.control.forgive((JobName("a"),))
        with pytest.raises(ControlRefused):
            await engine.control.kill_task(TaskId(JobName("a"), NodeName("nowhere")))
        with pytest.raises(ControlRefused):
            await engine.control.explain(TaskId(JobName("a"), NodeName("nowhere")))
        with pytest.raises(ControlRefused):
            await engine.control.forgive((JobName("nobody"),))


async def test_a_bad_start_leaves_nothing_open(tmp_path: Path) -> None:
    write(tmp_path, "{")
    with pytest.raises(ConfigUnusable, match=r"config\.json:1:2"):
        await make(tmp_path).open()
    assert not (tmp_path / "data").exists()

    write(tmp_path, config_text(a={"command": HELD}))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "task_logs.sql3").write_bytes(b"no database" * 200)
    with pytest.raises(DataDirUnusable):
        await make(tmp_path).open()
    (tmp_path / "data" / "task_logs.sql3").unlink()

    async with served(tmp_path) as run:
        with pytest.raises(DataDirHeld):
            await make(tmp_path).open()
        await run.until(lambda s: len(s.running) == 2)


async def test_the_summary_names_why_a_run_is_not_complete(tmp_path: Path) -> None:
    write(tmp_path, config_text(enabled=False, a={"command": HELD}))
    async with served(tmp_path, exit_when_done=True) as run:
        disabled = await run.end()
    assert not disabled.is_complete
    assert "enabled is false" in disabled.problems[0]

    write(tmp_path, config_text(a={}))
    async with served(tmp_path, exit_when_done=True) as run:
        no_command = await run.end()
    assert no_command.problems == ("no job can run: each has errors",)
    assert "--worker-command" in run.engine.latest.jobs[0].errors[0]


SLOW_NODES = "#!/bin/sh\necho started > {mark}\nsleep 30\necho n\n"


def script_config(script: Path) -> str:
    text = json.loads(config_text(a={"command": HELD}))
    text["bistro_settings"]["nodes"] = {
        "levels": ["db"],
        "node_sources": [
            {
                "source": "script",
                "prefs": {"parent_level": "instance", "script": str(script)},
            }
        ],
    }
    return json.dumps(text)


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


class HeldScript:
    """Names its node by how often it was asked, and answers only when it may."""

    def __init__(self, path: Path) -> None:
        self._asked, self._go = path.with_suffix(".asked"), path.with_suffix(".go")
        held = f"until [ -e '{self._go}' ]; do sleep 0.02; done"
        number = f"$(($(wc -l < '{self._asked}')))"
        text = f"#!/bin/sh\necho >> '{self._asked}'\n{held}\necho {path.name}{number}\n"
        self.path = script(path, text)

    def may_end(self, may: bool) -> None:
        if may:
            self._go.touch()
        else:
            self._go.unlink()

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(25):
            while not self._asked.exists() or self._asked.stat().st_size < times:
                await asyncio.sleep(0.01)


async def test_a_stop_that_is_asked_for_while_opening_ends_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    slow = script(tmp_path / "slow.sh", SLOW_NODES.format(mark=mark))
    write(tmp_path, script_config(slow))
    engine = make(tmp_path)
    opening = asyncio.ensure_future(engine.open())
    async with asyncio.timeout(25):
        while not mark.exists():
            await asyncio.sleep(0.01)
        engine.request_stop()
        assert await opening is False
    script(tmp_path / "slow.sh", "#!/bin/sh\necho n\n")
    async with served(tmp_path, dry_run=True) as run:
        assert run.engine.latest.state.word == "running"


async def test_a_stop_while_the_disk_is_looked_at_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Event()

    async def look(_: Disk) -> None:
        looked.set()
        await asyncio.Event().wait()

    write(tmp_path, config_text(a={"command": HELD}))
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "look", look)
        engine = make(tmp_path)
        opening = asyncio.ensure_future(engine.open())
        async with asyncio.timeout(25):
            await looked.wait()
            engine.request_stop()
            assert await opening is False
    async with served(tmp_path) as run:
        await run.until(lambda s: len(s.running) == 2)


async def test_nodes_of_an_older_config_never_come_back(tmp_path: Path) -> None:
    old = HeldScript(tmp_path / "old")
    new = HeldScript(tmp_path / "new")
    seen: list[str] = []

    def shows(name: str) -> Callable[[Snapshot], bool]:
        def look(snapshot: Snapshot) -> bool:
            seen.append(snapshot.nodes[-1].name)
            return seen[-1] == name

        return look

    write(tmp_path, script_config(old.path))
    old.may_end(True)
    async with served(tmp_path) as run:
        assert run.engine.latest.nodes[-1].name == "old1"
        old.may_end(False)
        run.engine.request_reload()
        await old.until_asked(2)
        write(tmp_path, script_config(new.path))
        await new.until_asked(1)
        run.engine.request_reload()
        old.may_end(True)
        new.may_end(True)
        await run.until(shows("new2"))
        run.engine.request_reload()
        await run.until(shows("new3"))

    assert "old2" not in seen


async def test_an_error_in_one_of_the_loops_leaves_no_task_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_: object) -> None:
        raise OverflowError("line ids are used up")

    monkeypatch.setattr(LogStore, "append", explode)
    write(tmp_path, config_text(a={"command": HELD}))
    engine = make(tmp_path)
    await engine.open()
    with pytest.raises((BaseExceptionGroup, OverflowError)):
        async with asyncio.timeout(20):
            await engine.run()

    assert engine.latest.state.word == "stopped"
    assert engine.latest.running == ()


async def test_a_stop_does_not_wait_for_ever_for_a_store_that_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.stopping.GIVE_UP_SEC", 0.2)
    write(tmp_path, config_text(a={"command": HELD}))
    async with served(tmp_path) as run:
        await run.until(lambda s: len(s.running) == 2)
        blocker = sqlite3.connect(tmp_path / "data" / "task_logs.sql3")
        try:
            blocker.execute("BEGIN EXCLUSIVE")
            run.engine.request_stop()
            async with asyncio.timeout(50):
                outcome = await run.running
        finally:
            blocker.close()

    assert "cannot be stored" in outcome.lost or "not be stored" in outcome.lost
    assert run.engine.latest.state.word == "stopped"


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """Have every snapshot that is made from now on put on a list."""
    made: list[Snapshot] = []
    take = Publisher.take

    def noted(self: Publisher, **arguments: Any) -> Snapshot:
        made.append(take(self, **arguments))
        return made[-1]

    monkeypatch.setattr(Publisher, "take", noted)
    return made


async def test_no_snapshot_is_made_while_nobody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counted(monkeypatch)
    write(tmp_path, config_text(a={}, b={}))
    engine = make(tmp_path, dry_run=True, exit_when_done=True)
    await engine.open()
    async with asyncio.timeout(20):
        outcome = await engine.run()

    assert outcome.done == 6
    assert made == []
    assert engine.latest.state.word == "stopped"
    assert engine.latest is made[0]


async def test_snapshots_take_but_a_small_part_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.snapshots.PUBLISH_SEC", 0.0)
    take = Publisher.take

    def slow(self: Publisher, **arguments: Any) -> Snapshot:
        time.sleep(0.01)
        return take(self, **arguments)

    monkeypatch.setattr(Publisher, "take", slow)
    write(tmp_path, config_text(a={"enabled": False}))
    async with served(tmp_path, dry_run=True) as run:
        news: list[float] = []
        run.engine.subscribe(lambda: news.append(time.monotonic()))
        async with asyncio.timeout(60):
            while len(news) < 4:
                # There is always something new to show.
                trouble = RunnerTrouble(text=f"{time.monotonic()}")
                run.engine._dispatcher.report(trouble)
                await asyncio.sleep(0.002)
        gaps = [later - sooner for sooner, later in pairwise(news[:4])]

    assert min(gaps) > 0.08


def many_tasks(*, hosts: int, jobs: int) -> str:
    named: dict[str, Any] = {f"j{number}": {} for number in range(jobs)}
    config = json.loads(config_text(**named))
    config["bistro_settings"]["nodes"]["node_source_prefs"] = {
        f"h{host}": [f"h{host}d{db}" for db in range(5)] for host in range(hosts)
    }
    config["bistro_settings"]["resources"]["instance"]["slots"]["limit"] = 7
    return json.dumps(config)


async def test_rows_of_nodes_and_attempts_agree_in_every_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.snapshots.PUBLISH_SEC", 0.0)
    monkeypatch.setattr("bistro_tui.engine.snapshots.PUBLISH_SHARE", 1.0)
    write(tmp_path, many_tasks(hosts=4, jobs=5))
    flags = {"benchmark_run": True, "test_task_duration_ms": 10}
    snapshots: list[Snapshot] = []
    async with served(tmp_path, **flags, exit_when_done=True) as run:
        run.engine.subscribe(lambda: snapshots.append(run.engine.latest))
        await run.end()

    assert len({len(shown.running) for shown in snapshots}) > 1
    for shown in snapshots:
        root, *below = shown.nodes
        assert root.usage[0].used == root.running == len(shown.running) <= 7
        on_leaves = Counter(row.task.node for row in shown.running)
        assert {r.name: r.running for r in below if r.depth == 2 and r.running} == (
            dict(on_leaves)
        )
        for level in (1, 2):
            assert sum(r.running for r in below if r.depth == level) == root.running
        done = sum(job.counts.get(Reason.DONE, 0) for job in shown.jobs)
        assert len(shown.running) + done <= 100
        assert len(shown.ended) == done
    assert len(snapshots[-1].ended) == 100
    for before, after in pairwise(snapshots):
        # Newest first: what was shown moves down.
        assert after.ended[len(after.ended) - len(before.ended) :] == before.ended


async def test_an_attempt_that_is_being_killed_is_shown_so(tmp_path: Path) -> None:
    stubborn = ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"]
    write(tmp_path, config_text(a={"command": stubborn}))
    async with served(tmp_path) as run:
        engine = run.engine
        task = engine.latest.running[0].task
        async with asyncio.timeout(25):
            while not (await engine.control.read_log(task, after=0, limit=10)).lines:
                await asyncio.sleep(0.01)
        shown = await run.until(lambda s: all(row.pid for row in s.running))
        assert not any(row.stopping for row in shown.running)

        await engine.control.kill_task(task)
        shown = await run.until(lambda s: any(row.stopping for row in s.running))

        (row,) = (row for row in shown.running if row.stopping)
        assert row.task == task
        assert row.kill_at is not None
        assert 0 < row.kill_at - shown.now <= 10
        assert all(row.pid and row.containment for row in shown.running)
        assert all(row.kill_at is None for row in shown.running if not row.stopping)
        engine.request_stop()
        engine.request_stop()
        await run.end()


@pytest.mark.slow
async def test_what_a_task_uses_is_shown_while_it_runs(tmp_path: Path) -> None:
    busy = ["/bin/sh", "-c", "sleep 60 & while :; do :; done"]
    write(tmp_path, config_text(a={"command": busy}))
    async with served(tmp_path) as run:
        # The first look may be one at a task that has not started its child yet.
        shown = await run.until(lambda s: any(row.processes == 2 for row in s.running))
        row = next(row for row in shown.running if row.processes == 2)
        assert row.rss is not None
        assert row.rss > 10_000
        assert row.cpu_seconds is not None
        assert row.processes == 2
        run.engine.request_stop()
        run.engine.request_stop()
        await run.end()
