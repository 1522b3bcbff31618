"""Finding old journals, and telling whether a warden still writes them."""

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from bistro_tui.engine.recovery.journals import (
    LeftJournal,
    find_journals,
    find_successors,
)
from bistro_tui.engine.warden.tree import look
from tests.engine.recovery.builders import LeftRun
from tests.engine.recovery.processes import locked_by_child, until

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="/proc tells who has a file open"
)


def names(journals: list[LeftJournal]) -> list[str]:
    return [journal.path.name for journal in journals]


def close(*journals: LeftJournal) -> None:
    for journal in journals:
        journal.close()


def test_journals_are_found_by_their_names_and_nothing_else_is(tmp_path: Path) -> None:
    wanted = ["warden.12.1", "warden.12.1.3", "warden.7.2", "warden.7.3.stored"]
    others = ["lock", "warden.7", "warden.7.1.damaged", "warden.a.b", "warden.7.1.new"]
    for name in (*wanted, *others):
        (tmp_path / name).touch()
    (tmp_path / "warden.9.9").symlink_to(tmp_path / "lock")
    (tmp_path / "warden.8.1").mkdir()

    found, troubles = find_journals(tmp_path)

    assert names(found) == wanted
    assert [text.partition(": ")[0] for text in troubles] == [
        str(tmp_path / "warden.8.1"),
        str(tmp_path / "warden.9.9"),
    ]
    assert [journal.is_stored for journal in found] == [False, False, False, True]
    close(*found)


def test_a_journal_is_held_as_long_as_its_warden_lives(tmp_path: Path) -> None:
    run = LeftRun(tmp_path).write()
    journal = LeftJournal(run.journal)
    with locked_by_child(run.journal):
        assert journal.is_held()
    assert not journal.is_held()
    assert not journal.is_held()
    close(journal)


def test_a_warden_that_removed_its_journal_left_nothing(tmp_path: Path) -> None:
    run = LeftRun(tmp_path).write()
    journal = LeftJournal(run.journal)
    before = journal.is_gone
    run.journal.unlink()
    run.journal.touch()

    assert (before, journal.is_gone) == (False, True)
    close(journal)


@needs_proc
def test_only_the_process_that_has_the_journal_open_is_signalled(
    tmp_path: Path,
) -> None:
    run = LeftRun(tmp_path).write()
    other = tmp_path / "other"
    other.touch()

    def signalled(pid: int, number: int) -> bool:
        run.warden_pid = pid
        run.write()
        journal = LeftJournal(run.journal)
        try:
            return journal.signal_warden(number)
        finally:
            journal.close()

    with locked_by_child(run.journal) as warden, locked_by_child(other) as stranger:
        os.kill(warden.pid, signal.SIGSTOP)
        until(lambda: _state(warden.pid) == "T")
        assert signalled(warden.pid, signal.SIGCONT)
        until(lambda: _state(warden.pid) != "T")
        assert not signalled(stranger.pid, signal.SIGKILL)
        assert not signalled(os.getpid(), signal.SIGKILL)
        assert not signalled(4_000_000, signal.SIGKILL)
        assert stranger.poll() is None


def test_a_copy_for_people_stays_when_the_journal_goes(tmp_path: Path) -> None:
    run = LeftRun(tmp_path).write()
    journal = LeftJournal(run.journal)
    kept = journal.keep_copy()
    assert journal.keep_copy() == kept
    journal.mark_stored()
    journal.remove()

    assert run.files() == [kept.name]
    assert kept.read_text().startswith("B ")
    close(journal)


def test_where_there_are_no_hard_links_the_copy_is_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    run = LeftRun(tmp_path).write()
    # Of a start that ended in the middle of it.
    (tmp_path / f"{run.name}.damaged.new").write_text("B")
    journal = LeftJournal(run.journal)
    text = run.journal.read_text()
    kept = journal.keep_copy()
    assert journal.keep_copy() == kept
    journal.remove()

    assert run.files() == [kept.name]
    assert kept.read_text() == text
    close(journal)


def test_a_warden_that_went_on_in_another_file_is_followed(tmp_path: Path) -> None:
    old = LeftRun(tmp_path, warden_pid=55).write()
    LeftRun(tmp_path, name="warden.77.1.1", warden_pid=55).write()
    # Of a new scheduler that has the number of the old one, and a stranger's.
    LeftRun(tmp_path, name="warden.77.1.2", warden_pid=56).write()
    LeftRun(tmp_path, name="warden.78.1.1", warden_pid=55).write()
    journal = LeftJournal(old.journal)

    fresh = find_successors([journal])
    assert names(fresh) == ["warden.77.1.1"]
    assert find_successors([journal, *fresh]) == []
    close(journal, *fresh)


def _state(pid: int) -> str:
    found = look(pid)
    return found.state if found is not None else ""
