"""No text raises past the parser, stalls it, or loses the last good config."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.board import Board
from bistro_tui.engine.config.load import LoadedConfig, load_content
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.scheduling.events import ConfigBroken, Event
from bistro_tui.engine.world import World
from tests.engine.config import fuzzing
from tests.engine.config.fuzzing import SUFFIXES, check, fuzz, mutated, seeds
from tests.engine.nodes.builders import ManualClock


@pytest.mark.timeout(240)
def test_hundreds_of_broken_texts_are_told_and_not_raised() -> None:
    tally = fuzz(20, count=3000)
    assert 0 < tally.good < tally.tried == 3000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_fuzzer_begins_with_texts_that_are_good(suffix: str) -> None:
    for text in seeds()[suffix]:
        loaded = check(text, suffix)
        assert (loaded.problems, loaded.trouble) == ((), "")


@settings(max_examples=60)
@given(st.binary(), st.sampled_from(SUFFIXES))
def test_any_bytes_are_a_config_or_told(content: bytes, suffix: str) -> None:
    loaded = check(content, suffix)
    assert loaded.config is None
    assert loaded.problems


class Contents:
    """A config loader that is given what to load; records what it was asked."""

    def __init__(self, path: Path, contents: list[bytes]) -> None:
        self.path, self.contents = path, contents
        self.given: list[LoadedConfig] = []
        self.look: Callable[[], None] = lambda: None

    async def load(self) -> LoadedConfig:
        return load_content(self.path, self.contents.pop(0))

    def watch(self, *, digest: str) -> "Contents":
        return self

    async def edit(self, change: Callable[[str], str]) -> bool:
        raise NotImplementedError

    async def __aenter__(self) -> "Contents":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def __aiter__(self) -> "Contents":
        return self

    async def __anext__(self) -> LoadedConfig:
        self.look()
        if not self.contents:
            raise StopAsyncIteration
        self.given.append(await self.load())
        return self.given[-1]

    def poke(self) -> None:
        pass


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_the_last_good_config_stays_whatever_comes(
    suffix: str, tmp_path: Path
) -> None:
    rng = random.Random(suffix)
    good = seeds()[suffix][0]
    path = tmp_path / f"config{suffix}"
    path.write_bytes(good)
    told: list[Event] = []
    bad = [mutated(rng, good, good) for _ in range(120)]
    loader = Contents(path, [good, *bad, good])
    world = World(
        options=EngineOptions(config_path=path, data_dir=tmp_path),
        config_loader=loader,
        instance=NodeName("here"),
        clock=ManualClock(),
        rng=rng,
        board=Board(),
        feed=told.extend,
    )
    await world.load_config()
    in_force: list[Config | None] = []
    loader.look = lambda: in_force.append(world.config)
    await world.watch_config()
    assert len(in_force) == len(loader.given) + 1 == len(bad) + 2
    assert any(isinstance(event, ConfigBroken) for event in told)
    assert sum(each.config is not None for each in loader.given) > 1
    for loaded, before, after in zip(
        loader.given, in_force, in_force[1:], strict=False
    ):
        assert after is not None
        if loaded.config is None:
            assert after is before
        else:
            assert after.settings == loaded.config.settings
            assert list(after.jobs) == list(loaded.config.jobs)
    assert in_force[-1] == in_force[0]
    assert not world.is_broken


def test_the_fuzzer_notices_what_raises_and_what_is_misplaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises(path: Path, content: bytes) -> LoadedConfig:
        raise RecursionError

    def misplaces(path: Path, content: bytes) -> LoadedConfig:
        loaded = load_content(path, content)
        moved = (replace(each, column=each.column + 500) for each in loaded.problems)
        return replace(loaded, problems=tuple(moved))

    monkeypatch.setattr(fuzzing, "load_content", raises)
    with pytest.raises(RecursionError) as caught:
        fuzz(1, count=50)
    assert caught.value.__notes__[0].startswith("text 0 of seed 1, .")
    monkeypatch.setattr(fuzzing, "load_content", misplaces)
    with pytest.raises(AssertionError):
        fuzz(1, count=50)
