"""The pages that SQLite writes, read without it."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bistro_tui.engine.salvage.image import Image
from bistro_tui.engine.salvage.pages import Value, children, records

values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-300, 300),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=30),
    st.integers(100, 20_000).map(lambda size: "long " * (size // 5)),
    st.integers(0, 20_000).map(bytes),
)
rows = st.dictionaries(
    st.integers(-(2**63), 2**63 - 1), st.tuples(values, values), max_size=30
)
slowly = settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck)
)

Rows = dict[int, tuple[Value, ...]]


def made(path: Path, table: Rows, page_size: int) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?)",
            [(rowid, *row) for rowid, row in table.items()],
        )


def found(path: Path) -> Iterator[tuple[int, tuple[Value, ...]] | None]:
    with Image(path) as image:
        for leaf in image.leaves():
            for record in image.rows(leaf.page):
                yield (record.rowid, record.values[1:]) if record else None


@slowly
@given(table=rows, page_size=st.sampled_from([512, 4096, 65536]))
def test_every_row_of_a_sound_table_is_found(
    tmp_path: Path, table: Rows, page_size: int
) -> None:
    path = tmp_path / "t.sql3"
    made(path, table, page_size)
    assert dict(row for row in found(path) if row is not None) == table


@dataclass(repr=False)
class Sound:
    """A file that is whole, and its rows."""

    content: bytes
    table: Rows


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    path = tmp_path_factory.mktemp("sound") / "t.sql3"
    rng = random.Random(3)
    table: Rows = {
        number: (rng.randbytes(rng.randrange(900)), f"row {number}")
        for number in range(400)
    }
    made(path, table, 1024)
    return Sound(path.read_bytes(), table)


@slowly
@given(lost=st.lists(st.integers(0, 10_000), max_size=12))
def test_rows_on_pages_that_are_whole_survive_the_loss_of_any_others(
    tmp_path: Path, sound: Sound, lost: list[int]
) -> None:
    content, table = sound.content, sound.table
    damaged = bytearray(content)
    # The schema too: what led to the rows need not be there any more.
    for page in (number % (len(content) // 1024) for number in lost):
        damaged[page * 1024 : page * 1024 + 1024] = bytes(1024)
    path = tmp_path / "t.sql3"
    path.write_bytes(damaged)
    survivors = [row for row in found(path) if row is not None]
    assert all(table[rowid] == row for rowid, row in survivors)
    # A page has a row at least, and a long row no more than one page beside its own.
    assert len(survivors) >= len(table) - 8 * len(lost)


@slowly
@given(
    end=st.integers(0, 300_000),
    junk=st.lists(st.tuples(st.integers(0, 300_000), st.binary(max_size=12))),
)
def test_no_file_is_too_broken_to_be_looked_at(
    tmp_path: Path,
    sound: Sound,
    end: int,
    junk: list[tuple[int, bytes]],
) -> None:
    damaged = bytearray(sound.content[:end])
    for at, some in junk:
        if at < len(damaged):
            damaged[at : at + len(some)] = some
    path = tmp_path / "t.sql3"
    path.write_bytes(damaged)
    list(found(path))


@settings(deadline=None)
@given(
    page=st.binary(max_size=600), start=st.sampled_from([0, 100]), usable=st.just(512)
)
def test_any_bytes_are_a_page(page: bytes, start: int, usable: int) -> None:
    # Each of them has two bytes that say where it is; a row, four of its own too.
    most = max(usable, len(page))
    assert 6 * len(list(records(page, start, usable, lambda _: page))) <= most
    assert 2 * (len(list(children(page, start))) - 1) <= len(page)


def test_pages_that_were_given_up_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.sql3"
    made(path, dict.fromkeys(range(200), ("x" * 300, None)), 1024)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM t WHERE id >= 50")
    assert {row[0] for row in found(path) if row is not None} == set(range(50))


def test_a_wal_is_read_as_far_as_its_transactions_have_ended(tmp_path: Path) -> None:
    path, copy = tmp_path / "t.sql3", tmp_path / "copy.sql3"
    made(path, {1: ("old", None)}, 1024)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for number in (2, 3, 4):
            with connection:
                connection.execute("INSERT INTO t VALUES (?, 'new', 0)", [number])
        wal = Path(f"{path}-wal").read_bytes()
        copy.write_bytes(path.read_bytes())
    frame, beside = 24 + 1024, Path(f"{copy}-wal")
    beside.write_bytes(wal)
    assert [row[0] for row in found(copy) if row] == [1, 2, 3, 4]
    # Without the middle, what follows it is still known to be whole.
    beside.write_bytes(wal[: 32 + frame] + bytes(100) + wal[32 + frame + 100 :])
    assert [row[0] for row in found(copy) if row] == [1, 2]
    damaged = bytearray(wal)
    damaged[32 + frame + 500] ^= 1
    beside.write_bytes(damaged)
    assert [row[0] for row in found(copy) if row] == [1, 2, 3, 4]
    beside.write_bytes(wal[: -frame // 2])
    assert [row[0] for row in found(copy) if row] == [1, 2, 3]


@pytest.mark.parametrize("page_size", [512, 1024])
def test_of_a_last_page_that_is_cut_off_only_whole_rows_come_back(
    tmp_path: Path, page_size: int
) -> None:
    path = tmp_path / "t.sql3"
    # Of the one that is too long for its page, the end stands on the last one.
    tables: tuple[Rows, ...] = (
        dict.fromkeys(range(4), ("x" * 90, "y")),
        {1: ("x", "y" * 1_300)},
    )
    for table in tables:
        made(path, table, page_size)
        content = path.read_bytes()
        for cut in range(1, page_size - 7):
            path.write_bytes(content[:-cut])
            here = list(found(path))
            whole = dict(row for row in here if row is not None)
            assert whole.items() <= table.items(), cut
            assert len(here) == len(table), cut


def test_a_last_page_that_is_cut_off_before_its_rows_are_named_is_gone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.sql3"
    made(path, dict.fromkeys(range(300), ("x" * 90, None)), 1024)
    content = path.read_bytes()
    for left in range(8):
        path.write_bytes(content[: len(content) - 1024 + left])
        with Image(path) as image:
            last = image.pages + (not left)
            assert last not in {leaf.page for leaf in image.leaves()}
            assert last in image.gone


def test_a_page_that_leads_to_others_and_is_cut_off_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "t.sql3"
    made(path, dict.fromkeys(range(60), ("x" * 90, None)), 1024)
    with closing(sqlite3.connect(path)) as connection, connection:
        # A full root's rows move to new pages; that of the last table is the last.
        connection.execute("CREATE TABLE last (id INTEGER PRIMARY KEY, a)")
        connection.execute("DROP TABLE t")
        rows = [(n, "z" * 400) for n in range(8)]
        connection.executemany("INSERT INTO last VALUES (?, ?)", rows)
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'last'"
        ).fetchone()
    content = path.read_bytes()
    assert len(content) == root * 1024
    for left in (1, 12, 14, 900, 1_022):
        path.write_bytes(content[: len(content) - 1024 + left])
        with Image(path) as image:
            leaves = list(image.leaves())
            assert image.gone == {root}
            found_rows = [
                row for leaf in leaves for row in image.rows(leaf.page) if row
            ]
        assert {leaf.table for leaf in leaves} == {"last"}
        assert len(found_rows) == len(rows)
