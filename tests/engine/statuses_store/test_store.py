"""The status store on real files."""

import asyncio
import math
import os
import random
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    INCOMPLETE_BACKOFF,
    Bits,
)
from bistro_tui.engine.statuses.status import TaskStatus, forgive
from bistro_tui.engine.statuses.store import StatusStore

BISTRO = """
CREATE TABLE IF NOT EXISTS {table} (
  job_id TEXT, node_id TEXT, timestamp INTEGER, data TEXT, result INTEGER,
  PRIMARY KEY (job_id, node_id)
)
"""


@asynccontextmanager
async def opened(
    path: Path, table: str = "task_statuses"
) -> AsyncIterator[StatusStore]:
    store = await StatusStore.open(path, table)
    try:
        yield store
    finally:
        await store.close()


def task(job: str = "etl", node: str = "db7") -> TaskId:
    return TaskId(JobName(job), NodeName(node))


def status(bits: Bits, **fields: Any) -> TaskStatus:
    return TaskStatus(bits=bits, time=1_700_000_000.25, **fields)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def bistro_database(path: Path, table: str = "task_statuses") -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(BISTRO.format(table=table))
        connection.executemany(
            f"REPLACE INTO {table} (job_id, node_id, timestamp, result)"
            " VALUES (?, ?, ?, ?)",
            [("etl", "db1", 100, 1), ("etl", "db2", 200, 2), ("etl", "db3", 300, 7)],
        )
        connection.commit()


async def refused(path: Path, table: str = "task_statuses") -> str:
    """Return the refusal, after looking that the file was left as it was."""
    before = await asyncio.to_thread(path.read_bytes)
    names = sorted(os.listdir(path.parent))
    with pytest.raises(DataDirUnusable) as refusal:
        await StatusStore.open(path, table)
    assert await asyncio.to_thread(path.read_bytes) == before
    assert sorted(os.listdir(path.parent)) == names
    assert str(path) in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize(
    "stored",
    [
        status(DONE),
        status(FAILED, data={"exception": "no more"}),
        status(INCOMPLETE, data={"row": 5, "nested": [1, {"a": None}]}),
        status(INCOMPLETE_BACKOFF, backoff_sec=60),
        status(ERROR_BACKOFF, backoff_sec=86_400, data={"exception": "ü"}),
        status(Bits.FAILED | Bits.USES_BACKOFF, backoff_sec=60),
        status(Bits.ERROR),
    ],
)
async def test_everything_but_running_comes_back_as_it_was(
    tmp_path: Path, stored: TaskStatus
) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        assert await store.load() == {}
        await store.save([(task(), stored)])
    async with opened(path) as store:
        assert await store.load() == {task(): stored}


async def test_a_running_status_is_never_stored(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        with pytest.raises(ValueError, match="etl@db7"):
            await store.save([(task(), status(Bits.RUNNING))])


async def test_the_table_begins_with_bistros_columns(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path, "my.statuses") as store:
        await store.save(
            [
                (task("a"), status(DONE)),
                (task("b"), status(FAILED, data={"x": 1})),
                (task("c"), status(ERROR_BACKOFF, backoff_sec=15)),
            ]
        )
    names = [row[1] for row in rows(path, "PRAGMA table_info(my_statuses)")]
    assert names[:5] == ["job_id", "node_id", "timestamp", "data", "result"]
    assert rows(
        path,
        "SELECT job_id, node_id, timestamp, data, result FROM my_statuses ORDER BY 1",
    ) == [
        ("a", "db7", 1_700_000_000, None, 1),
        ("b", "db7", 1_700_000_000, '{"x":1}', 2),
        ("c", "db7", 1_700_000_000, None, 0),
    ]


async def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        await store.save([(task(), status(DONE))])
        found = list(os.scandir(tmp_path))
        assert {stat.S_IMODE(entry.stat().st_mode) for entry in found} == {0o600}


async def test_a_commit_is_on_disk_in_full_and_in_a_wal(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        assert await store._database.read("PRAGMA synchronous") == [(2,)]
        assert await store._database.read("PRAGMA journal_mode") == [("wal",)]
        await store.save([(task(), status(DONE))])
        assert len(rows(path, "SELECT * FROM task_statuses")) == 1


async def test_a_later_row_for_a_task_replaces_the_earlier(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        await store.save([(task(), status(FAILED)), (task(), status(DONE))])
        await store.save([])
        assert await store.load() == {task(): status(DONE)}


async def test_saves_at_the_same_time_do_not_disturb_each_other(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s.sql3") as store, asyncio.TaskGroup() as group:
        for i in range(20):
            group.create_task(
                store.save([(task(node=f"{i}-{j}"), status(DONE)) for j in range(5)]),
                name=f"save {i}",
            )
    async with opened(tmp_path / "s.sql3") as store:
        assert len(await store.load()) == 100


async def test_a_cancelled_save_leaves_the_store_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        many = [(task(node=str(i)), status(DONE)) for i in range(5_000)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await store.save(many)
        await store.save([(task(), status(FAILED))])
        assert (await store.load())[task()] == status(FAILED)


async def test_a_failed_save_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        with closing(sqlite3.connect(path)) as other:
            other.execute(
                "CREATE TRIGGER no BEFORE INSERT ON task_statuses"
                " WHEN NEW.job_id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        with pytest.raises(sqlite3.Error):
            await store.save(
                [(task("good"), status(DONE)), (task("bad"), status(DONE))]
            )
        assert await store.load() == {}
        await store.save([(task("good"), status(DONE))])
        assert set(await store.load()) == {task("good")}


odd_texts = st.text(
    st.sampled_from("ab'\";\0\n\x1bé\U0001f4a9\ud800\udc80"), max_size=8
)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.tuples(odd_texts, odd_texts), odd_texts, max_size=5))
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, given_rows: dict[tuple[str, str], str]
) -> None:
    path = tmp_path_factory.mktemp("odd") / "s.sql3"
    wanted = {
        task(*names): status(INCOMPLETE, data={"text": data})
        for names, data in given_rows.items()
    }

    async def there_and_back() -> Mapping[TaskId, TaskStatus]:
        async with opened(path) as store:
            await store.save(list(wanted.items()))
        async with opened(path) as store:
            return await store.load()

    # Half a pair and half a pair is one character to JSON, and to people.
    assert asyncio.run(there_and_back()).keys() == wanted.keys()


async def test_odd_data_comes_back(tmp_path: Path) -> None:
    odd = status(INCOMPLETE, data={"\0\ud800": ["\udc80", 10**30, 0.1]}, backoff_sec=0)
    async with opened(tmp_path / "s.sql3") as store:
        await store.save([(task(), odd)])
        assert await store.load() == {task(): odd}


async def test_a_delay_beyond_any_integer_is_stored_as_the_longest(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        await store.save([(task(), status(ERROR_BACKOFF, backoff_sec=10**20))])
        assert (await store.load())[task()].backoff_sec == 2**63 - 1


async def test_a_database_of_bistro_opens_and_works(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    bistro_database(path)
    async with opened(path) as store:
        assert await store.load() == {
            task(node="db1"): TaskStatus(bits=DONE, time=100.0),
            task(node="db2"): TaskStatus(bits=FAILED, time=200.0),
        }
        await store.save([(task(node="db2"), status(DONE))])
    async with opened(path) as store:
        assert (await store.load())[task(node="db2")] == status(DONE)


async def test_a_database_of_bistro_that_was_killed_opens(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    bistro_database(tmp_path / "live.sql3")
    with closing(sqlite3.connect(tmp_path / "live.sql3")) as live:
        live.execute("REPLACE INTO task_statuses VALUES ('etl','db9',400,NULL,1)")
        live.commit()
        for suffix in ("", "-wal"):
            content = await asyncio.to_thread(
                (tmp_path / f"live.sql3{suffix}").read_bytes
            )
            await asyncio.to_thread(
                (tmp_path / f"statuses.sql3{suffix}").write_bytes, content
            )
    async with opened(path) as store:
        assert task(node="db9") in await store.load()


async def test_a_row_that_bistro_wrote_over_ours_counts(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        await store.save(
            [
                (task(node="1"), status(ERROR_BACKOFF, backoff_sec=60)),
                (task(node="2"), status(DONE)),
            ]
        )
    rows_now = "UPDATE task_statuses SET result = {} WHERE node_id = '{}'"
    with closing(sqlite3.connect(path)) as other:
        other.execute(rows_now.format(1, "1"))
        other.execute(rows_now.format(0, "2"))
        other.commit()
    async with opened(path) as store:
        found = await store.load()
    assert found[task(node="1")].bits == DONE
    assert task(node="2") not in found


async def test_rows_with_values_of_other_kinds_do_not_stop_the_load(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sql3"
    bistro_database(path)
    with closing(sqlite3.connect(path)) as other:
        other.executemany(
            "REPLACE INTO task_statuses VALUES (CAST(? AS TEXT), ?, ?, ?, ?)",
            [
                (b"\xff\xfe", "n", 1, None, 1),
                ("etl", "null time", None, None, 1),
                ("etl", "bad data", "x", "{not json", 2),
                ("etl", "list", 5, "[1]", 2),
                (None, None, 5, None, 1),
                ("etl", b"blob", 5, None, 1),
            ],
        )
        other.commit()
    async with opened(path) as store:
        found = await store.load()
    assert found[task(node="null time")] == TaskStatus(bits=DONE, time=0.0)
    assert found[task(node="bad data")] == TaskStatus(bits=FAILED, time=0.0)
    assert found[task(node="list")].data == {}
    assert task(node="db1") in found


async def test_a_row_with_odd_numbers_loads_and_can_be_stored_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sql3"
    largest = 2**63 - 1
    failed, backoff = int(FAILED), int(ERROR_BACKOFF)
    odd: list[tuple[Any, ...]] = [
        ("time", 5, 2, failed, 1e300, 0),
        ("infinite", 5, 2, failed, math.inf, 0),
        ("both", largest, 2, failed, -1e300, 0),
        ("timestamp", largest, 2, None, None, None),
        ("long ago", -largest - 1, 2, None, None, None),
        ("delay", 5, 0, backoff, 5.0, largest),
        ("less than none", 5, 0, backoff, 5.0, -largest),
    ]
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.executemany(
            "INSERT INTO task_statuses (job_id, node_id, timestamp, result,"
            " result_bits, status_time, backoff_duration)"
            " VALUES ('etl', ?, ?, ?, ?, ?, ?)",
            odd,
        )
        other.commit()
    async with opened(path) as store:
        found = await store.load()
        await store.save([(task, forgive(one)) for task, one in found.items()])
    values = {key.node: (one.time, one.backoff_sec) for key, one in found.items()}
    assert values == {
        "time": (5.0, 0),
        "infinite": (5.0, 0),
        "both": (0.0, 0),
        "timestamp": (0.0, 0),
        "long ago": (0.0, 0),
        "delay": (5.0, largest),
        "less than none": (5.0, 0),
    }


async def test_several_tables_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path, "one") as store:
        await store.save([(task(), status(DONE))])
    async with opened(path, "two") as store:
        assert await store.load() == {}
        await store.save([(task(), status(FAILED))])
    async with opened(path, "one") as store:
        assert await store.load() == {task(): status(DONE)}


@pytest.mark.parametrize("table", ['a"b', "a; DROP TABLE x", "select", "täble", "a b"])
async def test_a_table_may_have_any_name(tmp_path: Path, table: str) -> None:
    async with opened(tmp_path / "s.sql3", table) as store:
        await store.save([(task(), status(DONE))])
    async with opened(tmp_path / "s.sql3", table) as store:
        assert await store.load() == {task(): status(DONE)}


@pytest.mark.parametrize("table", ["", "a\0b", "sqlite_x"])
async def test_a_table_that_cannot_be_is_refused(tmp_path: Path, table: str) -> None:
    with pytest.raises(DataDirUnusable, match="--status-table"):
        await StatusStore.open(tmp_path / "s.sql3", table)


async def test_a_file_that_is_no_database_is_refused_untouched(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sql3"
    path.write_bytes(b"these are my notes\n" * 100)
    assert "not an SQLite database" in await refused(path)


async def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.sql3").mkdir()
    with pytest.raises(DataDirUnusable, match="is a directory"):
        await StatusStore.open(tmp_path / "s.sql3", "t")


async def test_a_database_of_another_program_is_refused_untouched(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sql3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
        other.commit()
    assert "without task statuses" in await refused(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA application_id = 7")
    assert "of another program" in await refused(path)


async def test_a_table_of_another_shape_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    bistro_database(path, "others")
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE mine (a, b)")
        other.commit()
    assert "its table mine is not one" in await refused(path, "mine")


async def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        await store.save([(task(), status(DONE))])
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
        newer.commit()
    assert "newer bistro-tui" in await refused(path)


async def test_a_damaged_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        many = [(task(node=str(i)), status(DONE, data={"i": i})) for i in range(2000)]
        await store.save(many)
    good = await asyncio.to_thread(path.read_bytes)
    rng = random.Random(5)
    damaged = [
        good[: len(good) // 2],
        good[:100],
        good[:16] + b"\xff" * 84 + good[100:],
    ]
    for _ in range(5):
        at = rng.randrange(1, len(good) // 4096) * 4096
        damaged.append(good[:at] + b"\0" * 4096 + good[at + 4096 :])
    for content in damaged:
        await asyncio.to_thread(path.write_bytes, content)
        await refused(path)


async def test_a_locked_database_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.sql3"
    bistro_database(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr("bistro_tui.engine.sqlite.BUSY_SEC", 0.05)
        monkeypatch.setattr("bistro_tui.engine.database.BUSY_SEC", 0.05)
        with pytest.raises(DataDirUnusable, match="in use by another program"):
            await StatusStore.open(path, "task_statuses")


async def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        await store.save([(task(), status(DONE))])
        assert any("_connection_worker" in one.name for one in threading.enumerate())
    async with asyncio.timeout(25):
        while any("_connection_worker" in one.name for one in threading.enumerate()):
            await asyncio.sleep(0.005)


# From which attempt a status is.


ATTEMPT = InvocationId(1_700_000_000, 0x7FFF_FFFF_FFFF_FFFF)
LATER = InvocationId(1_700_000_060, 1)


async def test_the_attempt_of_a_status_comes_back_with_it(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        await store.save_attempts(
            [
                (task(node="1"), status(DONE), ATTEMPT),
                (task(node="2"), status(FAILED), None),
                (task(node="\ud800"), status(DONE), LATER),
            ]
        )
    async with opened(path) as store:
        asked = [task(node=name) for name in ("1", "2", "3", "\ud800")]
        assert await store.last_attempts(asked) == {
            task(node="1"): LastAttempt(ATTEMPT, 1),
            task(node="\ud800"): LastAttempt(LATER, 1),
        }
        assert await store.last_attempts([]) == {}
    assert rows(path, "SELECT invocation FROM task_statuses WHERE node_id = '1'") == [
        (str(ATTEMPT),)
    ]


async def test_attempts_of_which_no_real_status_is_known_are_loaded(
    tmp_path: Path,
) -> None:
    made = ERROR_BACKOFF | Bits.OVERWRITEABLE
    rows = [
        (task(node="1"), status(made), ATTEMPT),
        (task(node="2"), status(ERROR_BACKOFF), ATTEMPT),
        (task(node="3"), status(made), None),
        (task(node="\ud800"), status(made), LATER),
    ]
    async with opened(tmp_path / "s.sql3") as store:
        await store.save_attempts(rows)
        known = await store.load()
        assert known.made_for == {task(node="1"): ATTEMPT, task(node="\ud800"): LATER}
        assert known == {one: stored for one, stored, _ in rows}


async def test_a_status_without_an_attempt_keeps_the_one_before(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        await store.save_attempts([(task(), status(FAILED), ATTEMPT)])
        await store.save([(task(), status(INCOMPLETE))])
        assert await store.load() == {task(): status(INCOMPLETE)}
        assert await store.last_attempts([task()]) == {task(): LastAttempt(ATTEMPT, 2)}
        await store.save_attempts(
            [(task(), status(DONE), LATER), (task(), status(FAILED), None)]
        )
        assert await store.load() == {task(): status(FAILED)}
        assert await store.last_attempts([task()]) == {task(): LastAttempt(LATER, 3)}


async def test_commits_are_counted_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        for _ in range(3):
            await store.save([(task(node="1"), status(DONE))])
    async with opened(path) as store:
        await store.load()
        assert store.commits == 3
        await store.save_attempts([(task(), status(DONE), ATTEMPT)])
        assert store.commits == 4
        assert await store.last_attempts([task()]) == {task(): LastAttempt(ATTEMPT, 4)}


@pytest.mark.parametrize("odd", [-1, 0, 2**63 - 1, "x", 1.5, b"\xff", None])
async def test_a_number_of_a_commit_that_is_none_does_not_count(
    tmp_path: Path, odd: object
) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        await store.save_attempts([(task(), status(DONE), ATTEMPT)])
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE task_statuses SET commit_number = ?", (odd,))
        other.commit()
    async with opened(path) as store:
        await store.load()
        assert store.commits == 0
        assert await store.last_attempts([task()]) == {task(): LastAttempt(ATTEMPT, 0)}


async def test_very_many_tasks_are_asked_for_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        many = [task(node=str(number)) for number in range(1_001)]
        await store.save_attempts([(one, status(DONE), ATTEMPT) for one in many])
        assert len(await store.last_attempts(many)) == 1_001


@pytest.mark.parametrize("odd", ["", "x", "1-2", 7, b"\xff", "1-" + "f" * 17])
async def test_an_attempt_that_is_none_is_not_known(
    tmp_path: Path, odd: str | int | bytes
) -> None:
    path = tmp_path / "s.sql3"
    async with opened(path) as store:
        await store.save([(task(), status(DONE))])
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE task_statuses SET invocation = ?", (odd,))
        other.commit()
    async with opened(path) as store:
        assert await store.last_attempts([task()]) == {}
        assert await store.load() == {task(): status(DONE)}


VERSION_1 = """
CREATE TABLE task_statuses (
  job_id TEXT, node_id TEXT, timestamp INTEGER, data TEXT, result INTEGER,
  result_bits INTEGER, status_time REAL, backoff_duration INTEGER,
  PRIMARY KEY (job_id, node_id)
)
"""


async def test_a_database_of_version_1_is_taken_over_in_place(tmp_path: Path) -> None:
    path = tmp_path / "s.sql3"
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA application_id = 0x62545549")
        old.execute("PRAGMA user_version = 1")
        old.execute(VERSION_1)
        old.execute(
            "INSERT INTO task_statuses VALUES ('etl', 'db7', 1700000000, NULL, 1,"
            " 4, 1700000000.25, 0)"
        )
        old.commit()
    async with opened(path) as store:
        assert await store.load() == {task(): status(DONE)}
        assert await store.last_attempts([task()]) == {}
        await store.save_attempts([(task(node="new"), status(DONE), ATTEMPT)])
        assert await store.last_attempts([task(node="new")])
    assert rows(path, "PRAGMA user_version") == [(2,)]
    async with opened(path, "other"):
        pass
    async with opened(path) as store:
        assert len(await store.load()) == 2


async def test_a_database_of_bistro_learns_attempts(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    bistro_database(path)
    async with opened(path) as store:
        assert await store.last_attempts([task(node="db1")]) == {}
        await store.save_attempts([(task(node="db1"), status(FAILED), ATTEMPT)])
    # Bistro knows nothing of it, and its row is of another attempt.
    with closing(sqlite3.connect(path)) as other:
        other.execute(
            "REPLACE INTO task_statuses (job_id, node_id, timestamp, result)"
            " VALUES ('etl', 'db1', 500, 1)"
        )
        other.commit()
    async with opened(path) as store:
        assert await store.last_attempts([task(node="db1")]) == {}
        assert (await store.load())[task(node="db1")].bits == DONE
