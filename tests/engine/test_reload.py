"""A config that goes bad under running tasks: nothing is killed, nothing is lost."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.view import Banner, Snapshot
from tests.engine.config.ruin import RUINS, Ruin, restore

INSTANCE = NodeName("here")
SLOTS = 2

WAITS = 'until [ -e "$BISTRO_CONFIG_DIR/go.$1" ]; do sleep 0.02; done; echo done > "$2"'
"""Runs until somebody makes a file with the name of its node."""


def config_text(
    path: Path, nodes: tuple[str, ...] = ("n1", "n2", "n3"), **more: Any
) -> str:
    return json.dumps(
        {
            "bistro_settings": {
                "enabled": True,
                "nodes": {
                    "levels": ["db"],
                    "node_order": "original",
                    "node_sources": [
                        {"source": "manual", "prefs": {name: [] for name in nodes}}
                    ],
                },
                "resources": {"instance": {"slots": {"limit": SLOTS, "default": 1}}},
                "kill_orphan_tasks_after_sec": 0,
                **more,
            },
            "bistro_job->a": {
                "owner": "t",
                "env": {"BISTRO_CONFIG_DIR": str(path)},
                "command": ["/bin/sh", "-c", WAITS, "waits"],
            },
        },
        indent=2,
    )


class Run:
    """An engine that serves, and what it shows."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine, self.path = engine, path
        self._news = asyncio.Event()
        engine.subscribe(self._news.set)

    async def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        async with asyncio.timeout(25):
            while not condition(self.engine.latest):
                self._news.clear()
                await self._news.wait()
        return self.engine.latest

    async def end_one(self) -> None:
        """Let one running task end and wait until that is shown."""
        shown = self.engine.latest
        ended = len(shown.ended)
        (self.path / f"go.{shown.running[0].task.node}").touch()
        await self.until(lambda s: len(s.ended) == ended + 1)

    @property
    def banners(self) -> dict[str, Banner]:
        return {banner.topic: banner for banner in self.engine.latest.banners}


@asynccontextmanager
async def served(path: Path, text: str) -> AsyncIterator[Run]:
    config = path / "config.json"
    config.write_text(text)
    options = EngineOptions(config_path=config, data_dir=path / "data")
    engine = Engine(
        options, instance=INSTANCE, clock=SystemClock(), rng=random.Random(1)
    )
    await engine.open()
    running = asyncio.ensure_future(engine.run())
    try:
        run = Run(engine, path)
        await run.until(lambda s: len([row for row in s.running if row.pid]) == SLOTS)
        yield run
    finally:
        while not running.done():
            engine.request_stop()
            await asyncio.wait([running], timeout=2)
        await running


def pids(shown: Snapshot) -> set[int | None]:
    return {row.pid for row in shown.running}


def is_bad(shown: Snapshot) -> bool:
    return any(banner.topic == "config" for banner in shown.banners)


def is_good(shown: Snapshot) -> bool:
    return not is_bad(shown)


@pytest.mark.slow
@pytest.mark.parametrize("ruin", RUINS, ids=str)
async def test_while_the_config_is_bad_running_tasks_go_on_and_none_starts(
    tmp_path: Path, ruin: Ruin, caplog: pytest.LogCaptureFixture
) -> None:
    good = config_text(tmp_path)
    config = tmp_path / "config.json"
    caplog.set_level(logging.INFO, logger="bistro_tui")
    async with served(tmp_path, good) as run:
        before = pids(run.engine.latest)
        ruin.do(config)
        shown = await run.until(is_bad)

        told = run.banners["config"].text
        assert str(config) in told
        assert ruin.told in told
        assert any(told in record.getMessage() for record in caplog.records)
        assert shown.state.word == "paused"
        assert pids(shown) == before

        await run.end_one()
        shown = run.engine.latest
        assert shown.starts == SLOTS
        assert len(pids(shown) & before) == len(shown.running) == SLOTS - 1
        assert run.engine.world.config is not None

        restore(config, good)
        shown = await run.until(lambda s: s.starts == SLOTS + 1)
        assert is_good(shown)
        assert pids(shown) & before
        assert [row.result.value for row in shown.ended] == ["done"]


@pytest.mark.slow
async def test_with_keep_tasks_start_by_the_last_good_config(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = config_text(tmp_path, on_bad_config="keep")
    async with served(tmp_path, text) as run:
        restore(tmp_path / "config.json", "{")
        await run.until(is_bad)
        assert "the last good one stays in force" in caplog.text

        await run.end_one()
        shown = await run.until(lambda s: s.starts == SLOTS + 1)
        assert is_bad(shown)
        assert shown.state.word == "running"


@pytest.mark.slow
async def test_a_keep_that_only_the_bad_config_asks_for_does_not_count(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, config_text(tmp_path)) as run:
        bad = config_text(tmp_path, on_bad_config="keep", scheduler="no such")
        restore(tmp_path / "config.json", bad)
        shown = await run.until(is_bad)
        assert shown.state.word == "paused"


async def test_nodes_that_cannot_be_are_a_bad_config_and_the_old_ones_stay(
    tmp_path: Path,
) -> None:
    good = config_text(tmp_path)
    config = tmp_path / "config.json"
    async with served(tmp_path, good) as run:
        before = pids(run.engine.latest)
        # The instance has that name already.
        restore(config, config_text(tmp_path, nodes=("n1", INSTANCE)))
        shown = await run.until(is_bad)

        assert str(config) in run.banners["config"].text
        assert INSTANCE in run.banners["config"].text
        assert shown.state.word == "paused"
        assert [row.name for row in shown.nodes] == [INSTANCE, "n1", "n2", "n3"]
        assert pids(shown) == before

        restore(config, good)
        shown = await run.until(is_good)
        assert shown.state.word == "running"
        assert pids(shown) == before


async def test_one_task_more_after_an_edit_of_a_limit_and_no_other_is_touched(
    tmp_path: Path,
) -> None:
    good = config_text(tmp_path)
    async with served(tmp_path, good) as run:
        before = pids(run.engine.latest)
        restore(tmp_path / "config.json", good.replace('"limit": 2', '"limit": 3'))
        shown = await run.until(lambda s: s.starts == SLOTS + 1)
        assert before < pids(shown)
