"""When the host is measured, and what is said of it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bistro_tui.engine.config.model import PhysicalResource, ResourceSpec, Settings
from bistro_tui.engine.ids import WORKER_LEVEL, ResourceName
from bistro_tui.engine.physical.host import Gpu, HostResources
from bistro_tui.engine.physical.keeper import HostKeeper
from bistro_tui.engine.physical.reader import HostReader, Measured
from bistro_tui.engine.physical.system_files import SystemFiles
from bistro_tui.engine.physical.texts import Unreadable

T4 = Gpu(bus_id="0A", name="T4")


def asking(*keys: str) -> Settings:
    return Settings(
        physical_resources={
            key: PhysicalResource(logical_resource=ResourceName(key)) for key in keys
        }
    )


class Files(SystemFiles):
    """Memory that cannot be read while it is None."""

    def __init__(self, cores: float = 4.0, ram_mb: float | None = 1024.0) -> None:
        self.cores, self.ram = cores, ram_mb

    def cpu_cores(self) -> float:
        return self.cores

    def ram_mb(self) -> float:
        if self.ram is None:
            raise Unreadable("/proc/meminfo: gone")
        return self.ram


class Cards:
    """The answers to come, the last one for ever."""

    def __init__(self, *answers: Sequence[Gpu] | str) -> None:
        self.answers = list(answers) or [(T4,)]
        self.asked = 0

    async def gpus(self) -> tuple[Gpu, ...]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)
        if isinstance(answer, str):
            raise Unreadable(answer)
        return tuple(answer)


def reader(
    files: Files | None = None, cards: Cards | None = None, *, is_here: bool = True
) -> HostReader:
    return HostReader("box", files=files or Files(), cards=cards, is_here=is_here)


@pytest.mark.parametrize(
    ("keys", "host"),
    [
        ((), HostResources(name="box")),
        (("ram_mb",), HostResources(name="box", ram_mb=1024.0)),
        (("cpu_core",), HostResources(name="box", cpu_cores=4.0)),
        (("gpu_card",), HostResources(name="box", gpus=(T4,))),
    ],
)
async def test_only_what_the_config_uses_is_measured(
    keys: tuple[str, ...], host: HostResources
) -> None:
    cards = Cards()
    assert await reader(cards=cards).measure(asking(*keys)) == Measured(host=host)
    assert cards.asked == ("gpu_card" in keys)


async def test_cards_are_asked_for_where_a_resource_counts_those_of_a_model() -> None:
    cards, model = Cards(), ResourceName("GPU: T4")
    settings = replace(
        asking(), resources={WORKER_LEVEL: {model: ResourceSpec(limit=0, default=0)}}
    )
    assert (await reader(cards=cards).measure(settings)).host.gpus == (T4,)


async def test_where_tasks_run_elsewhere_nothing_is_measured() -> None:
    elsewhere = reader(cards=Cards(), is_here=False)
    settings = asking("ram_mb", "cpu_core", "gpu_card")
    assert elsewhere.wanted(settings) == frozenset()
    assert (await elsewhere.measure(settings)).host == HostResources(name="box")


async def test_what_fails_is_unknown_and_told_and_the_rest_is_known() -> None:
    broken = reader(Files(ram_mb=None), Cards("nvidia-smi: is not in PATH"))
    found = await broken.measure(asking("ram_mb", "cpu_core", "gpu_card"))
    assert found.host == HostResources(name="box", cpu_cores=4.0)
    assert found.troubles == (
        "the GPUs of this host are unknown: nvidia-smi: is not in PATH",
        "the memory of this host is unknown: /proc/meminfo: gone",
    )


async def test_with_nobody_to_ask_for_cards_there_are_none() -> None:
    found = await reader().measure(asking("gpu_card"))
    assert found == Measured(host=HostResources(name="box"))


class Kept:
    """A keeper, and every host that it told of by itself."""

    def __init__(self, files: Files, cards: Cards, refresh_sec: float = 0.005) -> None:
        self.told: list[HostResources] = []
        self._news = asyncio.Event()
        self.keeper = HostKeeper(
            reader(files, cards), refresh_sec=refresh_sec, on_host=self._hear
        )

    def _hear(self, host: HostResources) -> None:
        self.told.append(host)
        self._news.set()

    async def hear(self, number: int) -> None:
        """Run until so many hosts were told of."""
        running = asyncio.ensure_future(self.keeper.run())
        try:
            async with asyncio.timeout(25):
                while len(self.told) < number:
                    self._news.clear()
                    await self._news.wait()
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_a_config_that_asks_for_the_same_is_answered_from_memory() -> None:
    cards = Cards()
    keeper = Kept(Files(), cards).keeper
    first = await keeper.look(asking("gpu_card"))
    assert await keeper.look(asking("gpu_card")) is first
    assert cards.asked == 1


async def test_a_config_that_asks_for_something_else_is_measured_for() -> None:
    keeper = Kept(Files(), Cards()).keeper
    assert (await keeper.look(asking("gpu_card"))).ram_mb == 0
    both = await keeper.look(asking("gpu_card", "ram_mb"))
    assert (both.ram_mb, both.gpus) == (1024.0, (T4,))


async def test_it_is_measured_again_from_time_to_time() -> None:
    files = Files()
    kept = Kept(files, Cards())
    settings = asking("ram_mb")
    await kept.keeper.look(settings)
    kept.keeper.follow(settings)
    files.ram = 512.0
    await kept.hear(2)
    assert {host.ram_mb for host in kept.told} == {512.0}


async def test_a_config_that_asks_for_nothing_costs_nothing() -> None:
    kept = Kept(Files(), Cards(), refresh_sec=0)
    kept.keeper.follow(asking())
    running = asyncio.ensure_future(kept.keeper.run())
    for _ in range(50):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert kept.told == []


async def test_the_log_has_one_line_for_each_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="bistro_tui")
    cards = Cards("gone", "gone", [T4, T4], [T4, T4], "stuck", "stuck")
    kept = Kept(Files(), cards)
    settings = asking("gpu_card", "cpu_core", "ram_mb")
    await kept.keeper.look(settings)
    kept.keeper.follow(settings)
    await kept.hear(6)
    unknown = "the GPUs of this host are unknown"
    known = "this host has 4 CPU cores; 1024 MB of memory"
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", f"{unknown}: gone; what the config says holds instead"),
        ("INFO", known),
        ("INFO", f"{known}; GPUs: 2 x T4"),
        ("WARNING", f"{unknown}: stuck; what the config says holds instead"),
        ("INFO", known),
    ]
