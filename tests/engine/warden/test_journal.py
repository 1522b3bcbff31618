"""What a journal says after a warden has written it, and after it was cut short."""

import contextlib
import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.warden import journal as journals
from bistro_tui.engine.warden.journal import Journal, JournalEntry, read_journal


def opened(path: Path) -> Journal:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, flags, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    journal = Journal(descriptor, str(path))
    journal.begin("b-o-o-t", 77)
    return journal


def test_what_is_not_settled_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = opened(path)
    for number in range(1, 6):
        journal.starting(number, b'{"n": %d}' % number)
    for number in (1, 2, 3):
        journal.started(number, 100 + number, 5, 6)
    journal.not_started(4)
    journal.settled((2,))
    journal.flush()
    found = read_journal(path)
    assert (found.boot_id, found.pid, found.damaged) == ("b-o-o-t", 77, 0)
    assert found.unsettled == (
        JournalEntry(1, b'{"n": 1}', 101, 5, 6),
        JournalEntry(3, b'{"n": 3}', 103, 5, 6),
        JournalEntry(5, b'{"n": 5}', None, 0, 0),
    )


def test_a_start_is_in_the_file_before_it_is_made(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j")
    journal.starting(1, b"{}")
    assert [one.number for one in read_journal(tmp_path / "j").unsettled] == [1]


def test_the_last_line_says_that_no_start_follows_and_comes_after_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fresh file now would have to be looked for by whoever has read this one.
    monkeypatch.setattr(journals, "ROOM", 0)
    path = tmp_path / "j"
    journal = opened(path)
    journal.starting(1, b"{}")
    journal.started(1, 101, 5, 6)
    assert not read_journal(path).is_final
    journal.last()
    found = read_journal(path)
    assert (found.is_final, found.damaged) == (True, 0)
    assert found.unsettled == (JournalEntry(1, b"{}", 101, 5, 6),)
    assert list(tmp_path.iterdir()) == [path]


def test_a_last_line_that_does_not_fit_is_not_taken_for_written(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j")
    journal.starting(1, b"{}")
    size = (tmp_path / "j").stat().st_size
    with room_for(size + 1), pytest.raises(OSError, match=r"."):
        journal.last()
    assert (tmp_path / "j").stat().st_size == size
    journal.last()
    assert read_journal(tmp_path / "j").is_final


@pytest.mark.parametrize("line", [b"L", b"L x\n", b"LL\n"])
def test_only_a_whole_last_line_is_one(line: bytes) -> None:
    assert not journals.parse_journal(b"B boot 7\n" + line).is_final
    assert journals.parse_journal(b"B boot 7\nL\n" + line).is_final


def test_a_file_with_nothing_unsettled_is_removed_at_the_end(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j")
    journal.starting(1, b"{}")
    journal.settled((1,))
    journal.close()
    assert list(tmp_path.iterdir()) == []


@given(cut=st.integers(0, 300))
def test_a_file_that_ends_anywhere_is_read_up_to_there(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = opened(path)
    for number in range(1, 8):
        journal.starting(number, b'{"some": "record"}')
        journal.started(number, number, 1, 2)
    journal.flush()
    os.truncate(path, min(cut, path.stat().st_size))
    found = read_journal(path)
    assert found.damaged == 0
    assert [one.number for one in found.unsettled] == list(
        range(1, len(found.unsettled) + 1)
    )


@given(junk=st.binary(max_size=200))
def test_damage_is_counted_and_harms_no_other_line(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    path.write_bytes(b"B boot 1\nS 5 {}\n" + b"X" + junk + b"\nP 5 9 1 2\n")
    found = read_journal(path)
    assert found.damaged >= 1
    assert found.boot_id


def test_a_long_life_does_not_make_a_long_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ROOM", 10_000)
    journal = opened(tmp_path / "j")
    journal.starting(0, b"stays")
    for number in range(1, 2_000):
        journal.starting(number, b"x" * 50)
        journal.started(number, 5, 1, 2)
        journal.settled((number,))
    journal.flush()
    [left] = tmp_path.iterdir()
    assert left.stat().st_size < 11_000
    assert read_journal(left).unsettled == (JournalEntry(0, b"stays", None, 0, 0),)
    # Whoever looks for the warden by the lock of its journal finds the new file locked.
    with left.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    journal.close()


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file be longer: what does not fit is cut, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@given(room=st.integers(1, 100))
def test_a_start_that_does_not_fit_fails_and_nothing_else_is_lost(
    tmp_path_factory: pytest.TempPathFactory, room: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = opened(path)
    for number in (1, 12):
        journal.starting(number, b"{}")
        journal.flush()
    journal.started(1, 101, 5, 6)
    journal.settled((12,))
    with room_for(path.stat().st_size + room):
        with pytest.raises(OSError, match=r"."):
            journal.starting(3, b"x" * 100)
        journal.not_started(3)
        with contextlib.suppress(OSError):
            journal.flush()
        assert {one.number for one in read_journal(path).unsettled} >= {1}
    journal.starting(4, b"{}")
    found = read_journal(path)
    assert found.damaged == 0
    assert found.unsettled == (
        JournalEntry(1, b"{}", 101, 5, 6),
        JournalEntry(4, b"{}", None, 0, 0),
    )


def test_a_first_line_that_does_not_fit_is_written_later(tmp_path: Path) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
    journal = Journal(os.open(tmp_path / "j", flags, 0o600), str(tmp_path / "j"))
    with room_for(4), pytest.raises(OSError, match=r"."):
        journal.begin("b-o-o-t", 77)
    journal.starting(1, b"{}")
    found = read_journal(tmp_path / "j")
    assert (found.boot_id, found.pid, len(found.unsettled)) == ("b-o-o-t", 77, 1)


@pytest.mark.parametrize("what", ["flock", "write", "open"])
def test_a_fresh_file_that_cannot_be_made_leaves_nothing_and_fails_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(journals, "ROOM", 1_000)
    journal = opened(tmp_path / "j")
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if os.fstat(descriptor).st_size == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if what == "open":
        (tmp_path / "j.1").mkdir()
    elif what == "flock":
        monkeypatch.setattr(fcntl, "flock", refuse)
    else:
        monkeypatch.setattr(os, "write", full)
    before = sorted(path.name for path in tmp_path.iterdir())
    descriptors = len(os.listdir("/dev/fd"))
    journal.starting(0, b"stays")
    while (tmp_path / "j").stat().st_size < 1_900:
        journal.starting(1, b"x" * 50)
        journal.settled((1,))
        journal.flush()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert len(os.listdir("/dev/fd")) == descriptors
    assert [one.number for one in read_journal(tmp_path / "j").unsettled] == [0]
    monkeypatch.undo()


def test_a_start_that_makes_the_file_long_is_in_the_fresh_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ROOM", 1_000)
    journal = opened(tmp_path / "j")
    for number in range(200):
        journal.starting(number, b"x" * 50)
        [file] = tmp_path.iterdir()
        assert [one.number for one in read_journal(file).unsettled] == [number]
        journal.settled((number,))
        if number % 2:
            journal.flush()
