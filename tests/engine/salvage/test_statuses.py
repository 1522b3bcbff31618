"""What is saved of a damaged status database."""

import random
import stat
from pathlib import Path

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.salvage.salvage import into_place, salvage
from bistro_tui.engine.salvage.saved import Saved
from bistro_tui.engine.statuses.bits import DONE, FAILED
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import read_statuses
from tests.engine.salvage.saving import made_by
from tests.engine.statuses_store.damaging import (
    Known,
    Left,
    contents,
    execute,
    left_behind,
    mutations,
    put,
)
from tests.engine.statuses_store.test_store import (
    bistro_database,
    opened,
    status,
    task,
)

TABLE = "task_statuses"
ROUNDS = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "statuses.sql3"


def saved_of(path: Path) -> Saved:
    """Return what was saved, after looking that the damaged file is as it was."""
    before = contents(path)
    saved = salvage(path, TABLE)
    assert saved is not None
    after = contents(path)
    assert {name: after[name] for name in before} == before
    return saved


async def rows_in(path: Path) -> Known:
    async with opened(path, TABLE) as store:
        return dict(await store.load())


def known_in(path: Path) -> Known:
    """Return the same without opening the file for writing, which takes its syncs."""
    return dict(read_statuses(path, TABLE))


async def test_all_but_what_stood_on_a_lost_page_is_saved(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=300, commits=0)
    for page in range(0, len(left.database) // 4096, 6):
        damaged = bytearray(left.database)
        damaged[page * 4096 : page * 4096 + 4096] = bytes(4096)
        put(path, left._replace(database=bytes(damaged)))
        saved = salvage(path, TABLE)
        if saved is None:
            # The end of one long row: SQLite does not look at what is in it.
            found = known_in(path)
            assert sum(found[one] != left.known[one] for one in left.known) < 2
            continue
        found = known_in(made_by(saved))
        assert found.items() <= left.known.items()
        assert len(found) >= len(left.known) - 60
        assert saved.rows[TABLE] == len(found)
        assert saved.problem
        if len(found) < len(left.known):
            assert saved.gone_pages or saved.broken_rows
        made_by(saved).unlink()


@pytest.mark.parametrize("with_wal", [False, True])
async def test_a_row_that_is_cut_off_with_the_last_page_is_lost_and_that_is_told(
    path: Path, tmp_path: Path, *, with_wal: bool
) -> None:
    left = await left_behind(tmp_path, rows=300, commits=0)
    if with_wal:
        # A commit that leaves the last page alone.
        live, last = tmp_path / "live.sql3", {task("etl", "n0"): status(FAILED)}
        async with opened(live) as store:
            await store.load()
            await store.save(list(last.items()))
            wal = Path(f"{live}-wal").read_bytes()
        left = Left(left.database, wal, (left.known | last,))
    lost = set()
    for cut in range(1, 4096, 97):
        put(path, left._replace(database=left.database[:-cut]))
        saved = saved_of(path)
        assert saved.problem == "its last page is cut off"
        found = known_in(made_by(saved))
        assert found.items() <= left.known.items(), cut
        lost.add(len(left.known) - len(found))
        assert saved.broken_rows >= len(left.known) - len(found)
        assert saved.missing_rows is None
        made_by(saved).unlink()
    assert max(lost) > 0


async def test_without_any_schema_every_row_is_saved(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=300, commits=0)
    put(path, left._replace(database=bytes(4096) + left.database[4096:]))
    assert await rows_in(made_by(saved_of(path))) == left.known


async def test_no_accident_makes_a_salvage_fail_or_invent_a_task(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=200, commits=0)
    rng = random.Random(4)
    for kind, content in mutations(left.database, rng, ROUNDS):
        put(path, left._replace(database=content))
        if salvage(path, TABLE) is None:
            continue
        fresh = path.with_name("statuses.salvaged.sql3")
        found = known_in(fresh)
        if kind in {"zeroed", "cut"}:
            assert found.items() <= left.known.items()
        strange = [one for one in found if one not in left.known]
        assert len(strange) <= 8, kind
        fresh.unlink()


async def test_the_newest_commit_of_a_task_counts_also_beyond_a_broken_one(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=60, commits=6)
    wal = bytearray(left.wal)
    wal[len(wal) // 3] ^= 4
    put(path, left._replace(wal=bytes(wal)))
    found = await rows_in(made_by(saved_of(path)))
    assert found.keys() == left.known.keys()
    older = [one for one, known in left.known.items() if found[one] != known]
    assert len(older) < 20


async def test_attempts_and_commits_are_saved_too(path: Path, tmp_path: Path) -> None:
    left = await left_behind(tmp_path, rows=100, commits=0)
    put(path, left._replace(database=bytes(4096) + left.database[4096:]))
    async with opened(made_by(saved_of(path))) as store:
        await store.load()
        assert store.commits == 1
        attempts = await store.last_attempts([task("etl", "n3")])
    assert [one.invocation for one in attempts.values()] == [InvocationId(5, 7)]


async def test_a_row_that_cannot_have_been_written_is_not_saved(path: Path) -> None:
    async with opened(path) as store:
        await store.save([(task(node=str(i)), status(DONE)) for i in range(9)])
    execute(
        path,
        "UPDATE task_statuses SET result_bits = 6 WHERE node_id = '1'",
        "UPDATE task_statuses SET result_bits = 1 << 40 WHERE node_id = '2'",
        "UPDATE task_statuses SET data = '{' WHERE node_id = '3'",
        "UPDATE task_statuses SET status_time = 3.5 WHERE node_id = '4'",
        "UPDATE task_statuses SET commit_number = -1 WHERE node_id = '5'",
        "UPDATE task_statuses SET job_id = x'ff' WHERE node_id = '6'",
    )
    content = path.read_bytes()
    path.write_bytes(bytes(4096) + content[4096:])
    saved = saved_of(path)
    found = await rows_in(made_by(saved))
    assert {one.node for one in found} == {"0", "7", "8"}
    assert saved.broken_rows == 6


async def test_a_database_of_bistro_is_salvaged(path: Path) -> None:
    bistro_database(path)
    content = path.read_bytes()
    path.write_bytes(bytes(100) + content[100:])
    saved = saved_of(path)
    assert await rows_in(made_by(saved)) == {
        task(node="db1"): TaskStatus(bits=DONE, time=100.0),
        task(node="db2"): TaskStatus(bits=FAILED, time=200.0),
    }
    assert saved.broken_rows == 0


async def test_the_tables_of_a_file_stay_apart(path: Path) -> None:
    for table, bits in (("one", DONE), ("two", FAILED)):
        async with opened(path, table) as store:
            many = [(task(node=str(i)), status(bits)) for i in range(300)]
            await store.save(many)
    damaged = bytearray(path.read_bytes())
    damaged[-4096:] = bytes(4096)
    path.write_bytes(damaged)
    saved = saved_of(path)
    assert set(saved.rows) == {"one", "two"}
    for table, bits in (("one", DONE), ("two", FAILED)):
        async with opened(made_by(saved), table) as store:
            assert {known.bits for known in (await store.load()).values()} == {bits}


async def test_what_is_whole_is_not_salvaged(path: Path, tmp_path: Path) -> None:
    put(path, await left_behind(tmp_path, rows=20, commits=2))
    assert salvage(path, TABLE) is None
    assert "statuses.salvaged.sql3" not in contents(path)


async def test_nothing_is_overwritten_and_the_new_file_is_private(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=20, commits=0)
    put(path, Left(left.database[:9000], b"", left.states))
    first, second = made_by(saved_of(path)), made_by(saved_of(path))
    assert (first.name, second.name) == (
        "statuses.salvaged.sql3",
        "statuses.salvaged-2.sql3",
    )
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert not list(path.parent.glob("*-journal"))


async def test_each_salvage_has_a_place_of_its_own_for_what_is_damaged(
    path: Path, tmp_path: Path
) -> None:
    left = await left_behind(tmp_path, rows=20, commits=0)
    put(path, left._replace(database=left.database[:9000]))
    places = [f"{path.parent}/statuses.damaged/", f"{path.parent}/statuses.damaged-2/"]
    saved = saved_of(path)
    assert places[0] in into_place(saved)[0]
    assert places[0] in into_place(saved)[0]
    (path.parent / "statuses.damaged" / "statuses.sql3").touch()
    assert places[1] in into_place(saved)[0]
