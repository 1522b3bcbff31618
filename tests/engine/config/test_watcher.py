import asyncio
import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import watchfiles

from bistro_tui.engine.config.load import LoadedConfig
from bistro_tui.engine.config.watcher import QUIET_SEC, ConfigWatcher
from tests.engine.config.builders import SEED
from tests.engine.config.watching import SLOW_POLL_MS, Looks, until, watching


def owned_by(name: str) -> str:
    return SEED.replace('"test"', f'"{name}"')


def is_owned_by(name: str) -> Callable[[LoadedConfig], bool]:
    return lambda loaded: loaded.text == owned_by(name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "config" / "simple.json"
    found.parent.mkdir()
    found.write_text(SEED)
    return found


def write(path: Path, text: str) -> None:
    path.write_text(text)


def rename(path: Path, text: str) -> None:
    other = path.with_name("simple.json.tmp")
    other.write_text(text)
    other.replace(path)


def write_with_an_older_time(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, (1, 1))


def remove(path: Path) -> None:
    path.unlink()


def move_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


def make_directory(path: Path) -> None:
    path.parent.mkdir()


def open_to_write(path: Path) -> IO[str]:
    return path.open("w")


@pytest.mark.parametrize("change", [write, rename, write_with_an_older_time])
async def test_after_a_quiet_second_a_change_is_seen_within_100_ms(
    path: Path, change: Callable[[Path, str], None]
) -> None:
    took: list[float] = []
    async with watching(path, settle_sec=0.5) as seen:
        # 100 ms is promised; the rest is for a machine that is busy with other tests.
        while not took or (min(took) >= 0.4 and len(took) < 5):
            await asyncio.sleep(QUIET_SEC + 0.1 if took else 0)
            start = time.monotonic()
            change(path, owned_by(f"ann{len(took)}"))
            took.append(await seen.until(is_owned_by(f"ann{len(took)}")) - start)
            assert len(seen.loads) == len(took)
    assert min(took) < 0.4


async def test_a_swapped_link_in_the_middle_is_seen(tmp_path: Path) -> None:
    for version, owner in (("v1", "test"), ("v2", "ann")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "simple.json").write_text(owned_by(owner))
    (tmp_path / "..data").symlink_to("v1")
    path = tmp_path / "mounted" / "simple.json"
    path.parent.mkdir()
    path.symlink_to("../..data/simple.json")
    async with watching(path, settle_sec=0.5) as seen:
        (tmp_path / "..tmp").symlink_to("v2")
        # Long before it would be looked at without a notice.
        (tmp_path / "..tmp").replace(tmp_path / "..data")
        await seen.until(is_owned_by("ann"))
        # The new target is watched from now on.
        (tmp_path / "v2" / "simple.json").write_text(owned_by("bob"))
        await seen.until(is_owned_by("bob"))


async def test_many_changes_come_at_most_once_a_second_and_the_last_one_wins(
    path: Path,
) -> None:
    async with watching(path) as seen:
        end = time.monotonic() + 2.5
        number = 0
        while time.monotonic() < end:
            number += 1
            rename(path, owned_by(f"v{number}"))
            await asyncio.sleep(0.01)
        await seen.until(is_owned_by(f"v{number}"), timeout=25.0)
    gaps = [after - before for before, after in itertools.pairwise(seen.times)]
    assert number > 10
    assert len(seen.loads) >= 2
    assert all(gap > 0.9 for gap in gaps)
    assert all(loaded.config is not None for loaded in seen.loads)


async def test_a_touch_and_a_change_beside_it_are_nothing(path: Path) -> None:
    async with watching(path) as seen:
        os.utime(path)
        path.with_name("other.json").write_text("x")
        await asyncio.sleep(0.3)
        assert seen.loads == []
        write(path, owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        assert len(seen.loads) == 1


async def test_a_file_that_goes_and_comes_back_is_told_both_times(path: Path) -> None:
    async with watching(path) as seen:
        remove(path)
        await seen.until(lambda loaded: "no such file" in loaded.trouble)
        write(path, SEED)
        await seen.until(lambda loaded: loaded.config is not None)
        assert len(seen.loads) == 2


async def test_a_directory_that_goes_and_comes_back_is_told_both_times(
    path: Path,
) -> None:
    async with watching(path, poll_ms=300) as seen:
        move_directory(path)
        await seen.until(lambda loaded: loaded.trouble != "")
        make_directory(path)
        write(path, owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        write(path, owned_by("bob"))
        await seen.until(is_owned_by("bob"))


async def test_a_half_written_file_is_not_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Looks(monkeypatch)
    async with watching(path) as seen:
        text = owned_by("ann")
        with open_to_write(path) as file:
            file.write(text[:60])
            file.flush()
            # Anything else is no proof where nobody tells of writers.
            await until(lambda: looks.waited or looks.bad)
            file.write(text[60:])
        await seen.until(is_owned_by("ann"))
        assert len(seen.loads) == 1


async def test_a_bad_file_is_told_once(path: Path) -> None:
    async with watching(path, poll_ms=50) as seen:
        write(path, "{")
        await seen.until(lambda loaded: "never closed" in loaded.trouble)
        await asyncio.sleep(0.4)
        assert len(seen.loads) == 1


async def test_a_poke_loads_at_once_even_if_nothing_changed(path: Path) -> None:
    async with watching(path) as seen:
        write(path, owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        took = []
        for count in range(2, 7):
            start = time.monotonic()
            seen.watcher.poke()
            await seen.until(seen.has(count))
            took.append(time.monotonic() - start)
        # Without one, all but the first would take the second between two loads.
        assert sorted(took)[1] < 0.4


async def test_polling_is_enough_where_there_are_no_notices(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError("inotify watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", refuse)
    async with watching(path, poll_ms=50) as seen:
        write(path, owned_by("ann"))
        await seen.until(is_owned_by("ann"))
        write(path, owned_by("bob"))
        await seen.until(is_owned_by("bob"))


async def test_a_same_second_edit_of_equal_size_is_seen(path: Path) -> None:
    async with watching(path) as seen:
        for name in ("abc", "abf", "abe"):
            write_with_an_older_time(path, owned_by(name))
        await seen.until(is_owned_by("abe"))


async def test_leaving_ends_the_thread(path: Path) -> None:
    def watchers() -> list[str]:
        return [
            thread.name
            for thread in threading.enumerate()
            if thread.name == "config watcher"
        ]

    async with watching(path):
        assert watchers() == ["config watcher"]
    assert watchers() == []


async def test_cancelling_ends_it_quickly(path: Path) -> None:
    async def run() -> None:
        async with ConfigWatcher(path, poll_ms=SLOW_POLL_MS, digest="") as watcher:
            async for _ in watcher:
                pass

    took = []
    for _ in range(3):
        task = asyncio.ensure_future(run())
        await asyncio.sleep(0.3)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took.append(time.monotonic() - start)
    assert min(took) < 0.5
