"""A watched config file goes bad in every way there is, and becomes good again."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bistro_tui.engine.config.load import SETTLE_SEC, LoadedConfig
from tests.engine.config.builders import SEED
from tests.engine.config.ruin import RUINS, Ruin, restore, without_permission
from tests.engine.config.watching import Looks, measured_lag, watching

pytestmark = pytest.mark.slow

QUICK_POLL_MS = 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "simple.json"
    found.write_text(SEED)
    return found


def owned_by(name: str) -> str:
    return SEED.replace('"test"', f'"{name}"')


def is_owned_by(name: str) -> Callable[[LoadedConfig], bool]:
    return lambda loaded: loaded.text == owned_by(name)


def is_bad(loaded: LoadedConfig) -> bool:
    return loaded.config is None


@pytest.mark.parametrize("ruin", RUINS, ids=str)
async def test_a_bad_file_is_told_once_and_the_good_one_after_it(
    path: Path, ruin: Ruin
) -> None:
    async with watching(path) as seen, measured_lag() as lag:
        ruin.do(path)
        await seen.until(is_bad)
        (problem, *_) = seen.loads[-1].problems
        assert problem.file == str(path)
        assert problem.message
        restore(path, owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        assert len(seen.loads) == 2
    assert lag.worst < 0.25
    assert lag.longest < 10


async def test_what_stays_bad_is_not_told_again_and_again(path: Path) -> None:
    async with watching(path, poll_ms=QUICK_POLL_MS) as seen:
        restore(path, "{")
        first = await seen.until(is_bad)
        path.unlink()
        os.mkfifo(path)
        await seen.until(lambda loaded: "regular" in loaded.trouble)
        while time.monotonic() < first + 2.5:
            await asyncio.sleep(0.05)
        assert len(seen.loads) == 2


async def test_a_bad_text_is_read_a_second_time_before_it_counts(path: Path) -> None:
    async with watching(path, settle_sec=0.5) as seen:
        start = time.monotonic()
        path.write_text("{")
        told = await seen.until(is_bad)
        assert told - start >= SETTLE_SEC


async def test_a_bad_text_that_is_mended_at_once_is_never_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch)
    looks.after_bad = lambda: restore(path, owned_by("ann"))
    async with watching(path) as seen:
        restore(path, "{")
        await seen.until(is_owned_by("ann"))
        assert len(seen.loads) == 1
    assert looks.bad == 1


async def test_the_same_content_is_nothing_new_however_it_is_put_there(
    path: Path,
) -> None:
    async with watching(path, poll_ms=QUICK_POLL_MS) as seen:
        path.write_text(SEED)
        await asyncio.sleep(0.1)
        restore(path, SEED)
        await asyncio.sleep(0.1)
        other = path.with_name("other.json")
        other.write_text(SEED)
        path.unlink()
        path.symlink_to(other.name)
        await asyncio.sleep(0.4)
        assert seen.loads == []
        # The file behind the link is followed from now on.
        other.write_text(owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        assert len(seen.loads) == 1


async def test_an_older_file_put_back_is_news(path: Path) -> None:
    backup = path.with_name("backup.json")
    backup.write_text(owned_by("before"))
    os.utime(backup, (1, 1))
    async with watching(path) as seen:
        path.write_text(owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        backup.replace(path)
        await seen.until(is_owned_by("before"))


async def test_permission_that_is_taken_away_is_told_and_lost_again(
    path: Path,
) -> None:
    async with watching(path, poll_ms=QUICK_POLL_MS) as seen:
        with without_permission(path):
            await seen.until(lambda loaded: "no permission" in loaded.trouble)
        await seen.until(lambda loaded: loaded.text == SEED)
        assert len(seen.loads) == 2


def swap(path: Path, text: str) -> None:
    other = path.with_name(path.name + ".new")
    other.write_text(text)
    other.replace(path)


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)


YAML = """\
bistro_settings:
  enabled: true
  nodes: {levels: [host], node_sources: []}
  resources: {}
"""


def yaml_of(number: int) -> str:
    """Return a config of 30 jobs that all have one owner; half of it is good, too."""
    jobs = [f"bistro_job->j{index}: {{owner: v{number}}}\n" for index in range(30)]
    return YAML + "".join(jobs)


@pytest.mark.parametrize("change", [swap, rewrite])
async def test_a_hundred_changes_a_second_are_read_whole_and_the_last_one_wins(
    tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    path = tmp_path / "busy.yaml"
    path.write_text(yaml_of(0))
    number = 0
    async with watching(path) as seen, measured_lag() as lag:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            number += 1
            await asyncio.to_thread(change, path, yaml_of(number))
            await asyncio.sleep(0.009)
        stopped = time.monotonic()
        last = await seen.until(lambda loaded: loaded.text == yaml_of(number))
    assert number > 10
    assert last - stopped < 10
    assert len(seen.loads) >= 2
    assert all(after - before > 0.9 for before, after in itertools.pairwise(seen.times))
    assert lag.worst < 0.25
    assert lag.longest < 10
    for loaded in seen.loads:
        assert loaded.config is not None
        owners = [job.owner for job in loaded.config.jobs.values()]
        assert (len(owners), len(set(owners))) == (30, 1)
