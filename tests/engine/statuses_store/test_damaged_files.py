"""Files that are not what they were: refused as they are, or opened with every row."""

import random
from collections import Counter
from pathlib import Path

import pytest

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.statuses.store import StatusStore
from tests.engine.statuses_store.damaging import (
    Known,
    Left,
    contents,
    left_behind,
    mutations,
    put,
)

ROUNDS = 15
"""Of seven accidents each; for each of the two files."""

ROWS_OF_A_FEW_PAGES = 45


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "statuses.sql3"


async def start(path: Path) -> Known | str:
    """Return what a start finds in the file, or why it refuses it as it is."""
    before = contents(path)
    try:
        store = await StatusStore.open(path, "task_statuses")
    except DataDirUnusable as refusal:
        assert contents(path) == before
        return str(refusal)
    try:
        return dict(await store.load())
    except DataDirUnusable as refusal:
        return str(refusal)
    finally:
        await store.close()


def differing(left: Left, found: Known) -> int:
    return sum(found.get(one) != known for one, known in left.known.items())


def check_refusal(text: str, path: Path) -> None:
    assert str(path) in text
    is_strange = "newer" in text or "another program" in text or "without task" in text
    assert "it was not touched" in text
    assert is_strange or f"doctor --salvage --data-dir {path.parent}" in text


async def test_a_damaged_database_is_refused_as_it_is_or_has_its_rows(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=300, commits=0)
    seen: Counter[str] = Counter()
    for kind, content in mutations(left.database, random.Random(11), ROUNDS):
        put(path, left._replace(database=content))
        found = await start(path)
        if isinstance(found, str):
            check_refusal(found, path)
            seen["refused"] += 1
        elif content:
            # Other values within a row are all that no look at the file can tell.
            assert differing(left, found) <= ROWS_OF_A_FEW_PAGES, kind
            seen[kind] += 1
    assert seen["refused"] > 50
    assert not seen["cut"]


async def test_a_database_whose_last_page_is_cut_off_is_refused_as_it_is(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=300, commits=0)
    for cut in (1, 511, 4000, 4095):
        put(path, left._replace(database=left.database[:-cut]))
        found = str(await start(path))
        assert "is damaged: " in found
        check_refusal(found, path)


async def test_a_last_page_that_a_checkpoint_did_not_end_to_write_is_no_damage(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=60, commits=3)
    written, size = len(left.database) // 4096, 4096
    pages = {
        int.from_bytes(left.wal[at : at + 4], "big")
        for at in range(32, len(left.wal), 24 + size)
    }
    # The WAL stays until all of it is in the file.
    new = min(number for number in pages if number > written)
    cut = left.database + bytes(size * (new - written - 1)) + bytes(1_000)
    put(path, left._replace(database=cut))
    assert await start(path) == left.known


async def test_a_damaged_wal_is_refused_as_it_is_or_lacks_what_may_never_have_ended(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=60, commits=6)
    seen: Counter[str] = Counter()
    for kind, content in mutations(left.wal, random.Random(12), ROUNDS):
        put(path, left._replace(wal=content))
        found = await start(path)
        if isinstance(found, str):
            check_refusal(found, path)
            seen["refused"] += 1
        else:
            # A WAL that ends early is one that was never longer.
            possible = left.states if kind == "cut" else left.states[-2:]
            assert found in possible, kind
            seen[kind] += 1
    assert seen["refused"] > 50


async def test_a_wal_of_one_unfinished_commit_is_no_damage(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=60, commits=3)
    frame = 24 + 4096
    torn = left.wal[: -2 * frame] + bytes(frame) + left.wal[-frame:]
    put(path, left._replace(wal=torn))
    assert await start(path) == left.states[-2]


async def test_a_wal_that_begins_with_something_else_is_damage(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=20, commits=1)
    put(path, left._replace(wal=b"notes of mine\n" * 1000))
    found = await start(path)
    assert "the beginning of its -wal file" in str(found)


async def test_a_wal_that_never_came_to_the_disk_is_no_damage(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=20, commits=1)
    put(path, left._replace(wal=bytes(len(left.wal))))
    assert await start(path) in left.states
