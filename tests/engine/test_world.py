"""Config and nodes from real files and scripts; the core is a list of what it hears."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.board import Board
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.job_version import job_version
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.nodes import keeper as keeper_module
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import make_config_loader
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    Event,
    HostReported,
    NodesLoaded,
)
from bistro_tui.engine.world import World
from tests.engine.nodes.builders import ManualClock, outline, script

MANUAL: tuple[str, Json] = ("manual", {"p": []})
HANGS = "echo $$ > started; exec sleep 100"
JOB = JobName("etl")
COMPLETE: dict[str, Json] = {"owner": "me", "command": ["true"]}


def scripted(name: str, level: str = "a") -> tuple[str, Json]:
    return ("script", {"parent_level": level, "script": name})


def write(
    path: Path,
    *sources: tuple[str, Json],
    levels: Sequence[str] = ("a", "b"),
    limit: int = 1,
    command: Sequence[str] = ("true",),
) -> None:
    listed = [{"source": source, "prefs": prefs} for source, prefs in sources]
    config = {
        "bistro_settings": {
            "enabled": True,
            "nodes": {"levels": levels, "node_sources": listed},
            "resources": {"instance": {"slots": {"limit": limit, "default": 1}}},
        },
        f"bistro_job->{JOB}": {
            "owner": "t",
            "level_for_tasks": levels[0],
            "status_from": "exit_code",
            "command": command,
        },
    }
    text = json.dumps(config, indent=2)
    (path / "config.tmp").write_text(text)
    (path / "config.tmp").replace(path / "config.json")


def measure(path: Path, physical: str) -> None:
    """Let the config that is there ask for something of this host."""
    raw = json.loads((path / "config.json").read_text())
    settings = raw["bistro_settings"]
    settings["resources"]["worker"] = {"measured": {"limit": 0, "default": 0}}
    settings["physical_resources"] = {physical: {"logical_resource": "measured"}}
    (path / "config.json").write_text(json.dumps(raw))


class Served:
    """A world at work, and every batch of events that it fed."""

    def __init__(
        self, path: Path, clock: SystemClock | ManualClock, nvidia_smi: str = ""
    ) -> None:
        options = EngineOptions(
            config_path=path / "config.json",
            config_update_ms=100,
            nvidia_smi=nvidia_smi,
            refresh_usable_physical_resources_sec=0,
        )
        rng = random.Random(1)
        self.fed: list[Sequence[Event]] = []
        self.board = Board()
        self._news = asyncio.Event()
        self.world = World(
            options=options,
            config_loader=make_config_loader(options, clock=clock, rng=rng),
            instance=NodeName("root"),
            clock=clock,
            rng=rng,
            board=self.board,
            feed=self._feed,
        )

    def _feed(self, events: Sequence[Event]) -> None:
        self.fed.append(events)
        self._news.set()

    async def until(self, condition: Callable[[], bool], within: float = 25) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self._news.clear()
                await self._news.wait()

    @property
    def names(self) -> list[str]:
        trees = [e for events in self.fed for e in events if isinstance(e, NodesLoaded)]
        return outline(trees[-1].tree)

    def kinds(self, *, since: int = 1) -> list[list[type[Event]]]:
        """Return the kinds of events of each batch that holds any, the first aside."""
        return [[type(e) for e in events] for events in self.fed[since:] if events]


@asynccontextmanager
async def served(
    path: Path,
    clock: SystemClock | ManualClock | None = None,
    nvidia_smi: str = "",
) -> AsyncIterator[Served]:
    run = Served(path, clock or SystemClock(), nvidia_smi)
    config = await run.world.load_config()
    host = await run.world.load_host()
    nodes = await run.world.load_nodes()
    run.fed.append([*host, *nodes, config])
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(run.world.watch_config()),
            group.create_task(run.world.watch_nodes()),
            group.create_task(run.world.watch_host()),
        ]
        try:
            yield run
        finally:
            for task in tasks:
                task.cancel()


async def started(path: Path) -> None:
    async with asyncio.timeout(25):
        while not (path / "started").exists():
            await asyncio.sleep(0.01)


async def test_an_edit_counts_at_once_while_a_node_script_hangs(tmp_path: Path) -> None:
    name = script(tmp_path / "n.sh", "echo x")
    write(tmp_path, MANUAL, scripted(name))
    async with served(tmp_path) as run:
        script(tmp_path / "n.sh", HANGS)
        run.world.request_reload()
        await started(tmp_path)
        async with asyncio.timeout(25):
            await run.world.set_job_enabled(JOB, False)
        assert run.world.config is not None
        assert not run.world.config.jobs[JOB].enabled
        assert run.kinds() == [[ConfigLoaded]]
        assert run.names == ["root", "root/p", "root/p/x"]


async def test_the_file_decides_whether_a_job_is_enabled_already(
    tmp_path: Path,
) -> None:
    """An edit may be in the file and not in force when somebody asks for the next."""
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        said = await asyncio.gather(
            *(run.world.set_job_enabled(JOB, on) for on in (False, True, False, False))
        )
        word = "in config.json"
        assert said[:3] == [
            f"etl disabled {word}",
            f"etl enabled {word}",
            f"etl disabled {word}",
        ]
        assert said[3] == "etl is disabled already"
        raw = json.loads((tmp_path / "config.json").read_text())
        assert raw["bistro_job->etl"]["enabled"] is False
        assert run.world.config is not None
        assert not run.world.config.jobs[JOB].enabled


async def test_an_edit_behind_the_back_of_the_running_config_counts(
    tmp_path: Path,
) -> None:
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        text = (tmp_path / "config.json").read_text()
        disabled = text.replace('"owner"', '"enabled": false, "owner"')
        (tmp_path / "config.json").write_text(disabled)
        assert "enabled in config.json" in await run.world.set_job_enabled(JOB, True)
        assert run.world.config is not None
        assert run.world.config.jobs[JOB].enabled


async def test_a_job_is_saved_and_deleted_and_in_force_when_that_is_told(
    tmp_path: Path,
) -> None:
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        name = JobName("new one")
        job: dict[str, Json] = {"owner": "me", "command": ["true"]}
        await run.world.save_job(name, job)
        assert run.world.config is not None
        assert run.world.config.jobs[name].owner == "me"
        version = job_version(job)
        await run.world.save_job(name, {**job, "owner": "you"}, version=version)
        for edit in (
            run.world.save_job(name, job, version=version),
            run.world.delete_job(name, version=version),
            run.world.set_job_enabled(name, False, version=version),
        ):
            with pytest.raises(ControlRefused, match="was changed meanwhile"):
                await edit
        assert run.world.config.jobs[name].owner == "you"
        await run.world.delete_job(name)
        assert name not in run.world.config.jobs


async def test_a_job_that_would_be_bad_is_not_saved_and_its_errors_are_told(
    tmp_path: Path,
) -> None:
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        before = (tmp_path / "config.json").read_bytes()
        with pytest.raises(ControlRefused) as caught:
            await run.world.save_job(JOB, {"level_for_tasks": "z", "env": 1})
        assert str(caught.value).startswith("nothing was saved: the job would be bad\n")
        assert "level_for_tasks" in str(caught.value)
        assert "env" in str(caught.value)
        assert (tmp_path / "config.json").read_bytes() == before
        assert run.kinds() == []


async def test_clients_that_save_at_once_lose_nothing(tmp_path: Path) -> None:
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        names = [JobName(f"job {number}") for number in range(20)]
        await asyncio.gather(
            *(run.world.save_job(name, COMPLETE) for name in names),
            *(run.world.set_job_enabled(JOB, on) for on in (False, True, False)),
        )
        assert run.world.config is not None
        assert set(run.world.config.jobs) == {JOB, *names}
        assert not run.world.config.jobs[JOB].enabled


async def test_an_edit_of_a_bad_config_is_made_and_told_to_be_not_in_force(
    tmp_path: Path,
) -> None:
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        config = tmp_path / "config.json"
        config.write_text(config.read_text().replace('"levels"', '"leveled"'))
        new = JobName("new")
        value: dict[str, Json] = {"owner": "me", "level_for_tasks": "anything"}
        edits = (
            (run.world.set_job_enabled(JOB, False), "etl disabled"),
            (run.world.set_job_enabled(JOB, True), "etl enabled"),
            (run.world.save_job(new, value), "new saved"),
            (run.world.save_job(new, value), "new saved"),
            (run.world.delete_job(JOB), "etl deleted"),
        )
        for edit, said in edits:
            with pytest.raises(ControlRefused) as caught:
                await edit
            assert str(caught.value) == (
                f"the file now has {said}, but the running config does not yet:"
                " see the config banner"
            )
        with pytest.raises(ControlRefused, match="nothing was saved: the job would"):
            await run.world.save_job(new, {**value, "env": 1})
        found = json.loads(config.read_text())
        assert found["bistro_job->new"] == value
        assert "bistro_job->etl" not in found
        assert run.world.config is not None
        assert run.world.config.jobs.keys() == {JOB}


async def test_an_edit_of_the_nodes_comes_with_the_nodes_that_fit_it(
    tmp_path: Path,
) -> None:
    old = script(tmp_path / "old.sh", 'echo "$1-old"')
    write(tmp_path, MANUAL, scripted(old))
    async with served(tmp_path) as run:
        new = script(tmp_path / "new.sh", HANGS)
        write(tmp_path, ("manual", {"q": []}), scripted(new), limit=7)
        await run.until(lambda: run.world.version == 2)
        assert run.kinds() == [[NodesLoaded, ConfigLoaded]]
        assert run.names == ["root", "root/q"]
        assert run.world.awaits_nodes
        await started(tmp_path)
        # What follows does not wait for that script either, but ends it.
        write(tmp_path, ("manual", {"q": []}), scripted(old), limit=7)
        await run.until(lambda: run.names[-1] == "root/q/q-old")


async def test_a_config_that_asks_for_this_host_comes_with_what_it_has(
    tmp_path: Path,
) -> None:
    write(tmp_path, MANUAL)
    async with served(tmp_path) as run:
        assert run.kinds(since=0) == [[HostReported, NodesLoaded, ConfigLoaded]]
        (first, *_) = run.fed[0]
        assert first == HostReported(HostResources(name=socket.gethostname()))
        measure(tmp_path, "ram_mb")
        await run.until(lambda: run.world.version == 2)
        assert run.kinds() == [[HostReported, ConfigLoaded]]
        (reported, _) = run.fed[-1]
        assert isinstance(reported, HostReported)
        assert reported.host.ram_mb > 0
        assert reported.host.gpus == ()


async def test_a_host_that_has_changed_is_an_event_and_one_that_has_not_is_none(
    tmp_path: Path,
) -> None:
    write(tmp_path, MANUAL)
    measure(tmp_path, "gpu_card")
    script(tmp_path / "smi", f"cd {tmp_path}; echo . >> asked; cat cards")
    (tmp_path / "cards").write_text("0A, 1, T4\n")
    async with served(tmp_path, nvidia_smi=str(tmp_path / "smi")) as run:
        async with asyncio.timeout(25):
            while (tmp_path / "asked").read_text().count(".") < 4:
                await asyncio.sleep(0.01)
        assert run.kinds() == []
        (tmp_path / "two").write_text("0A, 1, T4\n0B, 1, T4\n")
        (tmp_path / "two").replace(tmp_path / "cards")
        await run.until(lambda: run.kinds() == [[HostReported]])
        (reported,) = run.fed[-1]
        assert isinstance(reported, HostReported)
        assert [gpu.bus_id for gpu in reported.host.gpus] == ["0A", "0B"]


async def test_nodes_of_a_level_that_is_gone_are_dropped(tmp_path: Path) -> None:
    write(tmp_path, ("manual", {"p": ["p1"]}))
    async with served(tmp_path) as run:
        write(tmp_path, MANUAL, levels=["a"])
        await run.until(lambda: run.world.version == 2)
        assert run.names == ["root", "root/p"]


async def test_a_look_that_finds_the_same_nodes_is_no_event(tmp_path: Path) -> None:
    name = script(tmp_path / "n.sh", "echo x; echo . >> asked")
    write(tmp_path, MANUAL, scripted(name))
    async with served(tmp_path) as run:
        run.world.request_reload()
        await run.until(lambda: len(run.fed) == 2)
        assert (tmp_path / "asked").read_text() == ".\n.\n"
        assert run.kinds() == []


async def test_a_failing_script_is_on_the_board_until_it_is_mended(
    tmp_path: Path,
) -> None:
    name = script(tmp_path / "n.sh", "echo x")
    write(tmp_path, MANUAL, scripted(name))
    async with served(tmp_path) as run:
        script(tmp_path / "n.sh", "exit 3")
        run.world.request_reload()
        await run.until(lambda: bool(run.board.banners()))
        assert "exited with status 3" in run.board.banners()[0].text
        assert list(run.world.problems()) == [run.board.banners()[0].text]
        assert run.kinds() == []
        script(tmp_path / "n.sh", "echo y")
        run.world.request_reload()
        await run.until(lambda: run.names[-1] == "root/p/y")
        assert run.board.banners() == ()


async def test_nodes_that_cannot_be_refuse_the_start(tmp_path: Path) -> None:
    name = script(tmp_path / "n.sh", "echo p")
    write(tmp_path, MANUAL, scripted(name))
    run = Served(tmp_path, SystemClock())
    await run.world.load_config()
    with pytest.raises(ConfigUnusable, match='"p" is on two levels'):
        await run.world.load_nodes()


async def test_time_based_nodes_come_on_their_second_also_with_a_bad_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "RECHECK_SEC", 0.01)
    clock = ManualClock(99.0)
    prefs = {
        "parent_level": "instance",
        "schedule": [{"cron": {"epoch": [100, 200]}, "lifetime": 10}],
    }
    write(tmp_path, ("add_time", prefs))
    async with served(tmp_path, clock) as run:
        clock.wall = 100.0
        await run.until(lambda: run.names == ["root", "root/root:100"])
        (tmp_path / "config.json").write_text("{")
        await run.until(lambda: run.world.is_broken)
        clock.wall = 200.0
        await run.until(lambda: run.names == ["root", "root/root:200"])


async def test_a_run_does_not_end_while_an_edit_waits_for_its_nodes(
    tmp_path: Path,
) -> None:
    """The task of ``p`` ends while the script is still to name ``x``, which is owed."""
    wait = "cd $0; while [ -e held ]; do sleep 0.01; done; exit 0"
    command = ["/bin/sh", "-c", wait, str(tmp_path)]
    hold = tmp_path / "held"
    hold.touch()
    write(tmp_path, MANUAL, command=command)
    engine = Engine(
        EngineOptions(
            config_path=tmp_path / "config.json",
            data_dir=tmp_path / "data",
            exit_when_done=True,
        ),
        instance=NodeName("root"),
        clock=SystemClock(),
        rng=random.Random(1),
    )
    await engine.open()
    running = asyncio.ensure_future(engine.run())
    try:
        name = script(tmp_path / "n.sh", "touch started; sleep 1; echo x")
        write(tmp_path, MANUAL, scripted(name, "instance"), command=command)
        await started(tmp_path)
        hold.unlink()
        async with asyncio.timeout(20):
            outcome = await running
        assert outcome.started == 2
        assert outcome.is_complete
    finally:
        while not running.done():
            engine.request_stop()
            await asyncio.wait([running], timeout=1)
