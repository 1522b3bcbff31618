"""When the nodes are looked at, with real scripts and a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.config.model import Json, Settings
from bistro_tui.engine.nodes import keeper as module
from bistro_tui.engine.nodes.keeper import NodesKeeper
from bistro_tui.engine.nodes.loader import NodesResult
from tests.engine.nodes.builders import (
    ManualClock,
    is_alive,
    loader,
    outline,
    script,
    settings,
)

MANUAL: tuple[str, Json] = ("manual", {"p": []})


def scripted(name: str, **prefs: Json) -> tuple[str, Json]:
    return ("script", {"parent_level": "a", "script": name, **prefs})


class Kept:
    """A running keeper and what it told."""

    def __init__(self, path: Path, update_ms: int, retry_ms: int) -> None:
        self.clock = ManualClock(99.5)
        self.told: list[NodesResult] = []
        self._news = asyncio.Event()
        self.keeper = NodesKeeper(
            loader(path, self.clock),
            clock=self.clock,
            update_ms=update_ms,
            retry_ms=retry_ms,
            on_nodes=self._tell,
        )

    def _tell(self, result: NodesResult) -> None:
        self.told.append(result)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(25):
            while not condition():
                self._news.clear()
                await self._news.wait()

    @property
    def names(self) -> list[str]:
        return outline(self.told[-1].tree)


@asynccontextmanager
async def kept(
    path: Path, wanted: Settings, *, update_ms: int = 600_000, retry_ms: int = 600_000
) -> AsyncIterator[Kept]:
    found = Kept(path, update_ms, retry_ms)
    await found.keeper.first(wanted)
    running = asyncio.ensure_future(found.keeper.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.wait([running])


async def file(path: Path) -> str:
    async with asyncio.timeout(25):
        while not path.exists() or not path.read_text().endswith("\n"):
            await asyncio.sleep(0.01)
    return path.read_text()


HANGS = "echo $$ > started; exec sleep 100"


async def dead(pid: int) -> None:
    async with asyncio.timeout(25):
        while is_alive(pid):
            await asyncio.sleep(0.01)


async def test_nodes_change_on_the_second_that_the_wall_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECHECK_SEC", 0.01)
    prefs = {
        "parent_level": "instance",
        "schedule": [{"cron": {"epoch": 100}, "lifetime": 10}],
    }
    async with kept(tmp_path, settings(("add_time", prefs))) as run:
        await asyncio.sleep(0.05)
        assert run.told == []
        run.clock.wall = 100.0
        await run.until(lambda: bool(run.told))
        assert run.names == ["root", "root/root:100"]
        run.clock.wall = 50_000.0  # as after a night's sleep
        await run.until(lambda: len(run.told) == 2)
        assert run.names == ["root"]
        run.clock.wall = 105.0  # as when somebody sets it back
        await run.until(lambda: len(run.told) == 3)
        assert run.names == ["root", "root/root:100"]


async def test_where_no_time_matters_nothing_wakes_it(tmp_path: Path) -> None:
    async with kept(tmp_path, settings(MANUAL)) as run:
        pause = run.keeper._pause()
        assert pause is not None
        assert pause > 500
        run.clock.wall += 10_000
        assert run.keeper._pause() == pytest.approx(pause, abs=60)


async def test_a_request_asks_again_and_so_does_time(tmp_path: Path) -> None:
    name = script(tmp_path / "n.sh", "echo x >> asked; wc -l < asked")
    wanted = settings(MANUAL, scripted(name))
    async with kept(tmp_path, wanted) as run:
        run.keeper.request()
        await run.until(lambda: bool(run.told))
        assert run.names[-1] == "root/p/2"
    async with kept(tmp_path, wanted, update_ms=20) as run:
        await run.until(lambda: len(run.told) == 2)
        assert run.names[-1] == "root/p/5"


async def test_after_a_failure_it_asks_again_sooner(tmp_path: Path) -> None:
    body = "if [ -e mended ]; then echo x; else touch mended; exit 1; fi"
    name = script(tmp_path / "n.sh", body)
    async with kept(tmp_path, settings(MANUAL, scripted(name)), retry_ms=20) as run:
        await run.until(lambda: bool(run.told))
        assert run.told[0].errors == ()
        assert run.names[-1] == "root/p/x"


async def test_a_change_does_not_wait_for_a_script_that_hangs_but_ends_it(
    tmp_path: Path,
) -> None:
    name = script(tmp_path / "n.sh", "echo x")
    async with kept(tmp_path, settings(MANUAL, scripted(name))) as run:
        script(tmp_path / "n.sh", HANGS)
        run.keeper.request()
        pid = int(await file(tmp_path / "started"))
        script(tmp_path / "n.sh", "echo y")
        more = settings(("manual", {"p": [], "q": []}), scripted(name))
        async with asyncio.timeout(25):
            changed = await run.keeper.change(more)
        assert outline(changed.tree) == ["root", "root/p", "root/q", "root/p/x"]
        await run.until(lambda: bool(run.told))
        assert run.names == ["root", "root/p", "root/q", "root/p/y", "root/q/y"]
        await dead(pid)
        assert len(run.told) == 1


async def test_the_answer_to_older_settings_is_dropped(tmp_path: Path) -> None:
    old = script(tmp_path / "old.sh", "echo old")
    new = script(tmp_path / "new.sh", "echo new")
    async with kept(tmp_path, settings(MANUAL, scripted(old))) as run:
        for _ in range(5):
            run.keeper.request()
            await asyncio.sleep(0)
            await run.keeper.change(settings(MANUAL, scripted(new)))
        await run.until(lambda: bool(run.told) and run.told[-1].is_complete)
        assert all(outline(r.tree)[-1] == "root/p/new" for r in run.told)


async def test_a_hanging_script_leaves_the_time_based_nodes_on_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECHECK_SEC", 0.01)
    name = script(tmp_path / "n.sh", "echo x")
    prefs = {
        "parent_level": "instance",
        "schedule": [{"cron": {"epoch": 100}, "lifetime": 10}],
    }
    wanted = settings(MANUAL, scripted(name), ("add_time", prefs))
    async with kept(tmp_path, wanted) as run:
        script(tmp_path / "n.sh", HANGS)
        run.keeper.request()
        pid = int(await file(tmp_path / "started"))
        run.clock.wall = 100.0
        await run.until(lambda: bool(run.told))
        assert run.names == ["root", "root/p", "root/p/x", "root/root:100"]
    await dead(pid)


async def test_it_is_settled_once_every_source_answered_or_failed(
    tmp_path: Path,
) -> None:
    name = script(tmp_path / "n.sh", "exit 1")
    seen = []
    async with kept(tmp_path, settings(MANUAL)) as run:
        seen.append(run.keeper.is_settled)
        await run.keeper.change(settings(MANUAL, scripted(name)))
        seen.append(run.keeper.is_settled)
        await run.until(lambda: bool(run.told))
        seen.append(run.keeper.is_settled)
    assert seen == [True, False, True]
    assert run.told[-1].errors
