"""What a plug-in's config loader cannot do to the engine."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from bistro_tui.engine.config import guarded_loader
from bistro_tui.engine.config.guarded_loader import GuardedLoader
from bistro_tui.engine.config.load import LoadedConfig, load_content
from bistro_tui.engine.config.loader import ConfigChanges
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.installed import Group, Part

PART = Part(
    group=Group.CONFIG_LOADERS,
    name="etcd",
    reference="acme:Etcd",
    distribution="acme 1.0",
)

GOOD = b"""{"bistro_settings": {
  "nodes": {"levels": ["l"], "node_sources": [{"source": "empty"}]}, "resources": {}
}}"""


class Script:
    """A loader and its changes that do what a list says, one thing after the other."""

    def __init__(self, *does: BaseException | LoadedConfig | str) -> None:
        self.does = list(does)
        self.entered = self.left = self.pokes = 0

    def _next(self) -> Any:
        done = self.does.pop(0)
        if isinstance(done, BaseException):
            raise done
        return done

    async def load(self) -> Any:
        return self._next()

    def watch(self, *, digest: str) -> ConfigChanges:
        return self

    async def edit(self, change: Callable[[str], str]) -> bool:
        self._next()
        return True

    async def __aenter__(self) -> "Script":
        self.entered += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.left += 1

    def __aiter__(self) -> "Script":
        return self

    async def __anext__(self) -> Any:
        return self._next()

    def poke(self) -> None:
        self.pokes += 1


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_loader, "RETRY_SEC", 0.001)


def good() -> LoadedConfig:
    return load_content(Path("prod"), GOOD)


def guarded(loader: Script) -> GuardedLoader:
    return GuardedLoader(PART, loader, "prod")


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        (KeyError("prod"), "KeyError: 'prod'"),
        (SystemExit(5), "SystemExit: 5"),
        ("text", "TypeError: a LoadedConfig is wanted, not str"),
    ],
)
async def test_a_load_that_fails_is_a_config_that_cannot_be_used(
    does: BaseException | str, problem: str
) -> None:
    with pytest.raises(ConfigUnusable) as caught:
        await guarded(Script(does)).load()
    assert str(caught.value) == (
        f'prod: the config loader "etcd" of acme 1.0 cannot load it: {problem}'
    )


async def test_errors_that_were_told_well_stay_as_they_are() -> None:
    loader = guarded(Script(ConfigUnusable("gone"), ControlRefused("not now")))
    with pytest.raises(ConfigUnusable, match=r"^gone$"):
        await loader.load()
    with pytest.raises(ControlRefused, match=r"^not now$"):
        await loader.edit(str)


async def test_an_edit_that_fails_is_refused() -> None:
    loader = guarded(Script(OSError("read-only"), SystemExit("no")))
    with pytest.raises(ControlRefused, match="cannot edit it: OSError: read-only"):
        await loader.edit(str)
    with pytest.raises(ControlRefused, match="cannot edit it: SystemExit: no"):
        await loader.edit(str)


@pytest.mark.parametrize("error", [ConnectionError, SystemExit])
async def test_after_an_error_the_watch_begins_anew_and_asks_for_all(
    error: type[BaseException],
) -> None:
    script = Script(good(), error("lost"), good())
    async with asyncio.timeout(20), guarded(script).watch(digest="") as changes:
        assert (await anext(changes)).config is not None
        lost = await anext(changes)
        assert (lost.config, lost.trouble) == (
            None,
            'prod: the config loader "etcd" of acme 1.0 cannot watch it:'
            f" {error.__name__}: lost",
        )
        assert (script.entered, script.left, script.pokes) == (1, 1, 0)
        assert (await anext(changes)).config is not None
        assert (script.entered, script.pokes) == (2, 1)
    assert script.left == 2


async def test_a_poke_before_the_first_look_is_not_lost() -> None:
    script = Script(good())
    async with asyncio.timeout(20), guarded(script).watch(digest="") as changes:
        changes.poke()
        await anext(changes)
        assert script.pokes == 1
        changes.poke()
        assert script.pokes == 2
