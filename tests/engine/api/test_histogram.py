"""The ``histogram`` handler."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.api.scene import CONFIG, Scene, opened


async def test_each_level_counts_all_its_nodes_that_the_job_has_tasks_below(
    scene: Scene,
) -> None:
    found = (await scene.data("histogram"))["histograms"]
    assert "typo" not in found
    assert found.keys() == {"etl", "flaky", "broken", "serve", "report", "off"}
    for levels in found.values():
        sums = {level: sum(counts.values()) for level, counts in levels.items()}
        assert sums == {"instance": 1, "host": 2, "db": 4}


async def test_it_follows_what_happens(scene: Scene) -> None:
    async def of_flaky() -> Any:
        found = await scene.data("histogram", jobs=["flaky"], num_samples=5)
        return found["samples"]["flaky"]["db"]

    assert (await of_flaky())["gB"] == ["d11"]
    starts = scene.desk.core.starts
    await scene.data("forgive_jobs", jobs=["flaky"])
    seen: set[str] = set()
    async with asyncio.timeout(25):
        while scene.desk.core.starts == starts or "gB" not in (now := await of_flaky()):
            now = await of_flaky()
            seen.update(code for code, names in now.items() if "d11" in names)
            await asyncio.sleep(0)
    assert now["gB"] == ["d11"]
    assert seen <= {"g", "C", "gB"}
    assert "C" in seen


async def test_samples_are_at_most_those_of_the_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, names in ((0, []), (2, ["d11", "d12"]), (9, ["d11", "d12", "d21"])):
        path = tmp_path / str(most)
        path.mkdir()
        async with opened(path, CONFIG, monkeypatch, monitor_samples=most) as scene:
            found = await scene.data("histogram", jobs=["off"], num_samples=7)
            assert found["samples"]["off"]["db"]["B"] == names


async def test_unknown_jobs_are_left_out_and_an_empty_list_means_all(
    scene: Scene,
) -> None:
    nobody = await scene.data("histogram", jobs=["nobody", "typo"], num_samples=1)
    assert nobody == {"histograms": {}, "samples": {}}
    every = await scene.data("histogram", jobs=[])
    assert every == await scene.data("histogram")
