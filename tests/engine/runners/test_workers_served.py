from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.remote.given import Given
from bistro_tui.engine.remote.identity import NO_HOME, Home, InstanceId
from bistro_tui.engine.remote.pool import MOST_WORKERS
from bistro_tui.engine.remote.served import ANYTHING, Served
from bistro_tui.engine.runners.workers_served import ServedNow, WorkersServed

ONE, TWO = InstanceId(1_000, -(2**63)), InstanceId(1_001, 5)
W1 = Given(InstanceId(2_000, 1), "h", "lock", NO_HOME, is_beside=False)


class FakePool:
    """Says what is to be noted, and takes note of what was."""

    def __init__(self, *given: Given) -> None:
        self.found = given
        self.is_note_behind = True
        self.notes: list[tuple[Given, ...] | None] = []

    def given(self) -> tuple[Given, ...] | None:
        return self.found

    def noted(self, given: tuple[Given, ...] | None) -> None:
        self.notes.append(given)
        self.is_note_behind = False


def test_a_data_directory_remembers_that_it_had_workers(tmp_path: Path) -> None:
    file = WorkersServed(tmp_path)
    assert (file.ever, file.safe_wait) == (False, 0.0)
    file.note(20.5)
    file.note(696.0)
    file.note(20.5)

    # Who was told the longer time may still keep its tasks for so long.
    assert (WorkersServed(tmp_path).ever, file.safe_wait) == (True, 696.0)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_a_scheduler_that_left_nothing_running_is_remembered(tmp_path: Path) -> None:
    file = WorkersServed(tmp_path)
    file.rest(ONE)
    # No worker ever was: there is nothing to tell.
    assert list(tmp_path.iterdir()) == []
    file.note(696.0)
    file.rest(ONE)
    assert WorkersServed(tmp_path).read() == Served((ONE,))
    assert (file.ever, file.safe_wait) == (False, 0.0)


def test_a_scheduler_has_served_only_once_it_gave_a_task(tmp_path: Path) -> None:
    one = ServedNow(WorkersServed(tmp_path), ONE, 696.0, pool=FakePool())
    one.let_in()
    assert WorkersServed(tmp_path).read() == Served((ONE,))
    two = ServedNow(WorkersServed(tmp_path), TWO, 20.5, pool=FakePool())
    two.let_in()
    two.give()
    two.let_in()
    assert WorkersServed(tmp_path).read() == Served((ONE,), 20.5, (), (TWO,))
    two.rest()
    assert WorkersServed(tmp_path).read() == Served((ONE, TWO), gave=(TWO,))


def test_who_may_have_tasks_is_on_disk_before_the_pool_is_told_so(
    tmp_path: Path,
) -> None:
    pool, path = FakePool(), tmp_path / "workers_served"
    now = ServedNow(WorkersServed(tmp_path), ONE, 696.0, pool=pool)
    now.give()
    pool.found, pool.is_note_behind = (W1,), True
    path.with_name("workers_served.new").mkdir()
    with pytest.raises(OSError, match=r"workers_served\.new"):
        now.give()
    assert pool.notes == [()]
    path.with_name("workers_served.new").rmdir()
    now.give()
    assert WorkersServed(tmp_path).read() == Served((), 696.0, (W1,), (ONE,))
    path.unlink()
    # Nothing that is not on disk: nobody looks.
    now.give()
    assert (pool.notes, path.exists()) == ([(), (W1,)], False)


def test_a_list_of_all_workers_that_there_can_be_is_read(tmp_path: Path) -> None:
    longest = Home("b" * 32, "4026531836", "m" * 32)
    given = tuple(
        Given(InstanceId(2**40, -number), "h" * 64, "l" * 64, longest, is_beside=True)
        for number in range(MOST_WORKERS)
    )
    file, served = WorkersServed(tmp_path), Served((), 696.0, given, (ONE,))
    file.write(served)
    assert file.read() == served


def test_what_was_removed_says_that_workers_may_have_tasks(tmp_path: Path) -> None:
    token, path = tmp_path / "worker.token", tmp_path / "workers_served"
    file = WorkersServed(tmp_path, token=token)
    # No worker ever was let in.
    assert file.read() == Served()
    file.begin()
    token.touch()
    assert (path.exists(), file.read()) == (True, Served())
    file.note(20.5)
    file.rest(ONE)
    file.begin()
    assert file.read() == Served((ONE,))
    path.unlink()
    assert (file.ever, file.read()) == (True, ANYTHING)
    file.begin()
    token.unlink()
    assert WorkersServed(tmp_path, token=token).read() == ANYTHING


def test_a_token_that_was_put_into_a_new_directory_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(0o700)
    (tmp_path / "secrets" / "worker.token").touch(0o600)
    for expected in (Served(), ANYTHING):
        with closing(DataDir(tmp_path, host="h", now=0.0)) as data_dir:
            assert WorkersServed.of(data_dir).read() == expected


@pytest.mark.parametrize("text", ["", "serving", "[1, 2]", "\xff"])
def test_a_file_that_says_nothing_says_that_workers_may_have_tasks(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "workers_served"
    path.write_text(text, encoding="latin-1")
    assert WorkersServed(tmp_path).read() == ANYTHING
    path.unlink()
    path.symlink_to("nowhere")
    assert WorkersServed(tmp_path).ever


def test_what_could_not_be_made_durable_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, tries = WorkersServed(tmp_path), [OSError(5, "Input/output error")]
    sync = file._sync

    def failing() -> None:
        if tries:
            raise tries.pop()
        sync()

    monkeypatch.setattr(file, "_sync", failing)
    now = ServedNow(file, ONE, 696.0, pool=FakePool())
    with pytest.raises(OSError, match="Input/output"):
        now.give()
    tries.append(OSError(5, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        now.give()
    now.give()
    assert file.safe_wait == 696.0
    tries.append(OSError(5, "Input/output error"))
    now.give()
