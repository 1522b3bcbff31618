"""Parts chosen by name, made from what is installed."""

import random
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.loader import FileLoader
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.installed import Group, PluginError
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import (
    check_names,
    make_config_loader,
    open_status_store,
)
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.keeping import StatusKeeper
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.conftest import Install

TASK = TaskId(JobName("a"), NodeName("n"))

STORES = """
class Memory:
    def __init__(self, context):
        self.context = context
    async def load(self): return []
    async def save(self, rows): raise LookupError("full")
    async def close(self): raise LookupError("stuck")

class Strange(Memory):
    async def load(self): return {"a@n": 1}

async def strange(context):
    return Strange(context)

async def memory(context):
    return Memory(context)

async def down(context):
    raise ConnectionRefusedError("nobody listens")

async def wrong(context):
    return object()

class Leaving(Memory):
    async def load(self): raise SystemExit(1)
    async def save(self, rows): raise SystemExit(2)
    async def close(self): raise SystemExit(3)

async def leaving(context):
    return Leaving(context)

async def left(context):
    raise SystemExit(4)

def sync(context):
    return Memory(context)
"""


def options(**chosen: Any) -> EngineOptions:
    return EngineOptions(config_path=Path("c.json"), **chosen)


async def opened(name: str, path: Path) -> StatusKeeper:
    return await open_status_store(
        options(status_store=name), path, clock=SystemClock()
    )


@pytest.fixture
def stores(install: Install) -> None:
    install(
        "acme-stores",
        STORES,
        *(
            (Group.STATUS_STORES, name, f"acme_stores_module:{name}")
            for name in (
                *("memory", "down", "wrong", "sync", "strange"),
                *("leaving", "left"),
            )
        ),
    )


@pytest.mark.parametrize("runner", ["auto", "local", "remote", "mixed"])
def test_the_words_for_runners_need_no_plug_in(runner: str) -> None:
    check_names(options(runner=runner))


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        (
            {"runner": "locql"},
            '--runner: unknown runner "locql"; there are auto',
        ),
        ({"config_loader": "etcd"}, 'unknown config loader "etcd"; there are file'),
        ({"status_store": "sqlit"}, 'did you mean "sqlite"?'),
    ],
)
def test_unknown_names_are_told_before_anything_is_opened(
    chosen: dict[str, str], problem: str
) -> None:
    with pytest.raises(PluginError) as caught:
        check_names(options(**chosen))
    assert problem in str(caught.value)


def test_the_config_loader_of_files_is_the_default() -> None:
    made = make_config_loader(options(), clock=SystemClock(), rng=random.Random())
    assert isinstance(made, FileLoader)


def test_a_loader_is_told_the_config_as_it_was_given(install: Install) -> None:
    install(
        "acme-loader",
        "class Loader:\n"
        "    def __init__(self, context): self.context = context\n"
        "    def load(self): ...\n"
        "    def watch(self): ...\n"
        "    def edit(self): ...\n",
        (Group.CONFIG_LOADERS, "etcd", "acme_loader_module:Loader"),
    )
    chosen = options(
        config_loader="etcd", config_name="http://x//y", config_update_ms=7
    )
    made: Any = make_config_loader(chosen, clock=SystemClock(), rng=random.Random())
    context = made._loader.context
    assert (context.config, context.poll_ms) == ("http://x//y", 7)


@pytest.mark.parametrize("error", ["OSError", "SystemExit"])
def test_a_loader_that_cannot_be_made_names_its_distribution(
    install: Install, error: str
) -> None:
    install(
        f"acme-{error}",
        f"def loader(context): raise {error}('no token')",
        (Group.CONFIG_LOADERS, "poor", f"acme_{error}_module:loader"),
    )
    with pytest.raises(PluginError) as caught:
        make_config_loader(
            options(config_loader="poor"), clock=SystemClock(), rng=random.Random()
        )
    assert str(caught.value) == (
        f'the config loader "poor" of acme-{error} 1.0 cannot be made:'
        f" {error}: no token"
    )


@pytest.mark.usefixtures("stores")
async def test_whatever_a_store_raises_is_an_error_that_is_waited_out(
    tmp_path: Path,
) -> None:
    store = await opened("memory", tmp_path)
    assert await store.load() == {}
    with pytest.raises(OSError, match=r"acme-stores 1\.0: LookupError: full"):
        await store.save([(TASK, TaskStatus(bits=DONE, time=1.0))])
    with pytest.raises(OSError, match="LookupError: stuck"):
        await store.close()


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("name", ["down", "sync", "left"])
async def test_a_store_that_cannot_be_opened_is_unusable_with_a_way_out(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(DataDirUnusable) as caught:
        await opened(name, tmp_path)
    assert f'the status store "{name}" of acme-stores 1.0' in str(caught.value)
    assert "--status-store" in str(caught.value)


@pytest.mark.usefixtures("stores")
async def test_a_store_that_exits_has_failed(tmp_path: Path) -> None:
    store = await opened("leaving", tmp_path)
    with pytest.raises(DataDirUnusable, match="SystemExit: 1"):
        await store.load()
    with pytest.raises(OSError, match="SystemExit: 2"):
        await store.save([(TASK, TaskStatus(bits=DONE, time=1.0))])
    with pytest.raises(OSError, match="SystemExit: 3"):
        await store.close()


@pytest.mark.usefixtures("stores")
async def test_a_store_that_gives_something_else_is_unusable(tmp_path: Path) -> None:
    store = await opened("strange", tmp_path)
    with pytest.raises(DataDirUnusable, match="a TaskId is wanted, not 'a@n'"):
        await store.load()


@pytest.mark.usefixtures("stores")
async def test_a_store_without_its_methods_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        PluginError, match=r"object has no load\(\), save\(\), close\(\)"
    ):
        await opened("wrong", tmp_path)
