import contextlib
import errno
import fcntl
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine import datadir
from bistro_tui.engine.database_files import LONGEST_DIRECTORY, STATUSES, TASK_LOGS
from bistro_tui.engine.datadir import DataDir, default_data_dir, job_dir_name
from bistro_tui.engine.errors import DataDirHeld, DataDirUnusable
from bistro_tui.engine.ids import JobName

NOBODY = 65534

HOLD = """
import sys, time
from pathlib import Path
from bistro_tui.engine.datadir import DataDir
held = DataDir(Path(sys.argv[1]), host="otherhost", now=1e9)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def memory_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shm"
    root.mkdir()
    monkeypatch.setattr(datadir, "MEMORY_ROOT", root)
    return root


def opened(path: Path) -> DataDir:
    return DataDir(path, host="here", now=1_700_000_000.0)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_and_its_parents_are_private(tmp_path: Path) -> None:
    data = opened(tmp_path / "a" / "b")
    made = [data.path.parent, data.path, data.run, data.jobs, data.status_files]
    assert [mode(path) for path in made] == [0o700] * 5
    assert mode(data.run / "lock") == 0o600
    assert data.warnings == []
    data.close()


@pytest.mark.parametrize("is_able", [True, False])
def test_the_names_of_directories_that_were_made_are_synced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_able: bool
) -> None:
    synced = list[str]()

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        if not is_able:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", fsync)
    for _ in range(2):
        opened(tmp_path / "a" / "b").close()
    assert synced == [str(tmp_path), str(tmp_path / "a")]


def test_a_directory_of_ours_is_used_as_it_is_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.mkdir()
    path.chmod(0o777)
    data = opened(path)
    assert mode(path) == 0o777
    assert len(data.warnings) == 1
    assert "other users may write" in data.warnings[0]
    data.close()


def test_run_is_made_private_again(tmp_path: Path) -> None:
    (tmp_path / "d" / "run").mkdir(parents=True)
    (tmp_path / "d" / "run").chmod(0o755)
    data = opened(tmp_path / "d")
    assert mode(data.run) == 0o700
    data.close()


def test_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(DataDirUnusable, match="is not a directory"):
        opened(path)
    with pytest.raises(DataDirUnusable, match="Not a directory"):
        opened(path / "below")
    assert path.read_text() == "mine"


def nested(path: Path, length: int) -> Path:
    """Return a path below ``path`` of so many bytes."""
    while (rest := length - len(bytes(path))) > 201:
        path /= "d" * 100
    return path / ("d" * (rest - 1))


def test_the_longest_path_is_one_that_databases_can_be_in(tmp_path: Path) -> None:
    data = opened(nested(tmp_path, LONGEST_DIRECTORY))
    for name in (STATUSES, TASK_LOGS):
        with contextlib.closing(sqlite3.connect(data.path / name)) as database:
            [(mode,)] = database.execute("PRAGMA journal_mode = WAL")
            assert mode == "wal"
            database.execute("CREATE TABLE t (a)")
    data.close()


def test_a_longer_path_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    path = nested(tmp_path, LONGEST_DIRECTORY + 1)
    path.parent.mkdir(parents=True)
    (tmp_path / "link").symlink_to(path.parent)
    for one in (path, tmp_path / "link" / path.name):
        with pytest.raises(DataDirUnusable) as told:
            opened(one)
        said = f"this path has {LONGEST_DIRECTORY + 1} bytes, and SQLite"
        assert said in str(told.value)
        assert "name a place with a shorter path with --data-dir" in str(told.value)
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.mkdir()
    os.chown(path, 12345, 12345)
    with pytest.raises(DataDirUnusable, match="belongs to another user"):
        opened(path)
    assert list(path.iterdir()) == []


def test_a_run_directory_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "run").symlink_to(tmp_path)
    with pytest.raises(DataDirUnusable, match="not a directory of yours"):
        opened(tmp_path / "d")


@contextlib.contextmanager
def without_root(place: Path) -> Iterator[None]:
    """Be a user who owns the place and may do nothing that others may not."""
    is_root = os.geteuid() == 0
    if is_root:
        for path in (place, *place.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_directory_that_cannot_be_written_is_refused() -> None:
    # Not in tmp_path: only its owner comes there.
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "d"
        path.mkdir(0o500)
        with (
            without_root(Path(place)),
            pytest.raises(DataDirUnusable, match="Permission denied"),
        ):
            opened(path)


def test_a_place_where_nothing_can_be_made_is_refused() -> None:
    with pytest.raises(DataDirUnusable, match="cannot be used as data directory"):
        opened(Path("/proc/bistro"))


def test_the_second_user_is_told_who_the_first_is(tmp_path: Path) -> None:
    first = opened(tmp_path / "d")
    with pytest.raises(DataDirHeld, match=f"pid {os.getpid()} on here, started 20"):
        opened(tmp_path / "d")
    first.close()
    opened(tmp_path / "d").close()


def test_the_lock_ends_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "d"], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataDirHeld, match=f"pid {holder.pid} on otherhost"):
            opened(tmp_path / "d")
        holder.send_signal(signal.SIGKILL)
    opened(tmp_path / "d").close()


def test_the_lock_is_not_handed_to_children(tmp_path: Path) -> None:
    data = opened(tmp_path / "d")
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        data.close()
        opened(tmp_path / "d").close()
        assert child.poll() is None
        child.kill()


@pytest.mark.parametrize("gone", ["run/lock", "run"])
def test_nobody_gets_in_who_finds_the_lock_removed_or_replaced(
    tmp_path: Path, gone: str
) -> None:
    first = opened(tmp_path / "d")
    (tmp_path / "d" / gone).rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(DataDirHeld, match="it left no note of itself"):
            opened(tmp_path / "d")
    first.close()
    opened(tmp_path / "d").close()


def test_a_lock_that_no_scheduler_has_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tmp_path / "d").close()
    lock = tmp_path / "d" / "run" / "lock"
    lock.write_text("")
    waits: list[float] = []
    with lock.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                fcntl.flock(looking, fcntl.LOCK_UN)

        monkeypatch.setattr(datadir, "time", SimpleNamespace(sleep=wait))
        opened(tmp_path / "d").close()
    assert len(waits) == 3


def test_the_note_of_one_that_died_names_no_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    host = socket.gethostname()
    DataDir(tmp_path / "d", host=host, now=1e9).close()
    lock = tmp_path / "d" / "run" / "lock"
    lock.write_text(f'{{"pid": {dead.pid}, "host": "{host}", "started": 1e9}}')
    waits: list[float] = []
    monkeypatch.setattr(datadir, "time", SimpleNamespace(sleep=waits.append))
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataDirHeld, match="it left no note of itself"):
            opened(tmp_path / "d")
    assert 0 < sum(waits) < 1


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(DataDirUnusable, match="its file system has no locks: ") as told:
        opened(tmp_path / "d")
    assert "--data-dir" in str(told.value)


def test_where_directories_cannot_be_locked_the_files_lock_has_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def flock_as_on_nfs(descriptor: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock_as_on_nfs)
    first = opened(tmp_path / "d")
    with pytest.raises(DataDirHeld):
        opened(tmp_path / "d")
    first.close()


def test_status_files_lie_in_memory_and_the_name_is_kept(
    tmp_path: Path, memory_root: Path
) -> None:
    first = opened(tmp_path / "d")
    assert first.status_files.parent == memory_root
    assert first.status_files.name.startswith(f"bistro-tui-{os.geteuid()}-")
    first.close()
    (tmp_path / "d").rename(tmp_path / "moved")
    second = opened(tmp_path / "moved")
    assert second.status_files == first.status_files
    second.close()


def test_two_data_directories_have_two_places_for_status_files(
    tmp_path: Path,
) -> None:
    one, two = opened(tmp_path / "1"), opened(tmp_path / "2")
    assert one.status_files != two.status_files
    one.close()
    two.close()


def test_a_copied_data_directory_does_not_share_that_place(tmp_path: Path) -> None:
    first = opened(tmp_path / "d")
    subprocess.run(["cp", "-a", tmp_path / "d", tmp_path / "copy"], check=True)
    second = opened(tmp_path / "copy")
    assert second.status_files == second.run
    first.close()
    second.close()
    again = opened(tmp_path / "copy")
    assert again.status_files == again.run
    again.close()


def test_a_symlink_in_memory_is_not_followed(tmp_path: Path) -> None:
    first = opened(tmp_path / "d")
    first.close()
    first.status_files.symlink_to(tmp_path)
    second = opened(tmp_path / "d")
    assert second.status_files == second.run
    second.close()


def test_the_place_in_memory_goes_with_its_owner_unless_a_status_is_in_it(
    tmp_path: Path,
) -> None:
    data = opened(tmp_path / "d")
    data.close()
    assert not data.status_files.exists()
    data = opened(tmp_path / "d")
    (data.status_files / "left").write_text("done\n")
    data.close()
    again = opened(tmp_path / "d")
    assert (again.status_files / "left").read_text() == "done\n"
    again.close()


def test_closing_touches_no_other_place_in_memory(
    tmp_path: Path, memory_root: Path
) -> None:
    others = memory_root / f"bistro-tui-{os.geteuid()}-0123456789abcdef"
    others.mkdir()
    opened(tmp_path / "d").close()
    assert list(memory_root.iterdir()) == [others]


def test_a_place_in_memory_that_was_cleaned_away_is_made_again(
    tmp_path: Path,
) -> None:
    data = opened(tmp_path / "d")
    data.status_files.rmdir()
    assert mode(data.status_files_dir()) == 0o700
    data.close()


def test_a_place_in_memory_that_was_replaced_is_not_used(tmp_path: Path) -> None:
    data = opened(tmp_path / "d")
    data.status_files.rmdir()
    data.status_files.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        data.status_files_dir()
    data.close()


def test_without_memory_status_files_lie_in_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datadir, "MEMORY_ROOT", tmp_path / "missing")
    data = opened(tmp_path / "d")
    assert data.status_files == data.run
    data.close()


def test_nothing_stays_open_after_a_refusal(tmp_path: Path) -> None:
    first = opened(tmp_path / "d")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(DataDirHeld):
            opened(tmp_path / "d")
    assert len(os.listdir("/proc/self/fd")) == before
    first.close()


@pytest.mark.parametrize(
    ("job", "name"),
    [
        ("etl", "etl"),
        ("übung 1", "übung 1"),
        (".hidden", ".hidden"),
        ("", "%"),
        (".", "%."),
        ("..", "%.."),
        ("-rf", "%-rf"),
        ("a/b", "%a%2Fb"),
        ("%", "%%25"),
        ("a\0b", "%a%00b"),
        ("a\x1bb", "%a%1Bb"),
        ("\udc80", "%%ED%B2%80"),
    ],
)
def test_a_job_name_that_is_no_safe_file_name_is_encoded(job: str, name: str) -> None:
    assert job_dir_name(JobName(job)) == name


names = st.text(
    st.sampled_from("a%#./-2F\0\n\x7f \u2028\u202eé\U0001f4a9\ud800\udc80"),
    max_size=300,
)


@given(names)
def test_a_job_directory_is_one_safe_path_component(name: str) -> None:
    found = job_dir_name(JobName(name))
    assert 0 < len(found.encode()) <= 200
    assert "/" not in found
    assert found not in {".", ".."}
    assert found.isprintable()
    assert not found.startswith("-")


@given(names, names)
def test_two_jobs_never_share_a_directory(one: str, two: str) -> None:
    assert (job_dir_name(JobName(one)) == job_dir_name(JobName(two))) is (one == two)


def test_an_encoded_name_is_no_other_jobs_name(tmp_path: Path) -> None:
    data = opened(tmp_path / "d")
    found = {data.job_dir(JobName(job)) for job in ("a/b", "%a%2Fb", "x" * 300)}
    assert len(found) == 3
    assert all(path.parent == data.jobs and mode(path) == 0o700 for path in found)
    data.close()


def test_a_job_directory_is_made_again_when_it_was_removed(tmp_path: Path) -> None:
    data = opened(tmp_path / "d")
    data.job_dir(JobName("etl")).rmdir()
    data.jobs.rmdir()
    assert data.job_dir(JobName("etl")).is_dir()
    assert data.job_dir(JobName("etl")).is_dir()
    data.close()


def test_a_file_in_the_place_of_a_job_directory_is_an_error(tmp_path: Path) -> None:
    data = opened(tmp_path / "d")
    (data.jobs / "etl").write_text("")
    with pytest.raises(FileExistsError):
        data.job_dir(JobName("etl"))
    data.close()


def test_each_config_has_its_own_default_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    relative = default_data_dir(Path("simple.json"))
    assert relative == default_data_dir(tmp_path / "x" / ".." / "simple.json")
    assert relative.parent == tmp_path / "bistro-tui"
    assert relative.name.startswith("simple-")
    assert relative != default_data_dir(tmp_path / "x" / "simple.json")


def test_a_default_directory_has_a_safe_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    name = default_data_dir(Path("/x/--\x1b[31m déjà.json")).name
    assert name.isascii()
    assert name.isprintable()
    assert not name.startswith("-")
