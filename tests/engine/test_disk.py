"""What is said of the disk below a data directory, and the reserve on it."""

import errno
import sqlite3
import stat
from pathlib import Path

import pytest

from bistro_tui.engine.database_files import WAL_BYTES
from bistro_tui.engine.disk import Disk, DiskState
from bistro_tui.engine.reserve import BYTES


def full() -> sqlite3.Error:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


async def test_the_reserve_is_taken_and_given_up_once_for_what_lacks_room(
    tmp_path: Path,
) -> None:
    heard: list[DiskState] = []
    disk = Disk(tmp_path, on_change=heard.append)
    await disk.look()
    reserve = tmp_path / "reserve"
    found = reserve.stat()
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (BYTES, 0o600)
    assert heard == []

    assert await disk.make_room(OSError(errno.EDQUOT, "quota"))
    assert not reserve.exists()
    assert "disk full: starts paused" in heard[-1].trouble
    assert not await disk.make_room(full())
    await disk.look()
    assert heard[-1] == DiskState()
    assert reserve.exists()


async def test_other_errors_cost_no_reserve(tmp_path: Path) -> None:
    heard: list[DiskState] = []
    disk = Disk(tmp_path, on_change=heard.append)
    await disk.look()
    assert not await disk.make_room(sqlite3.OperationalError("disk I/O error"))
    assert (tmp_path / "reserve").exists()
    assert heard == []


async def test_a_reserve_that_somebody_removed_is_no_room_and_is_made_again(
    tmp_path: Path,
) -> None:
    disk = Disk(tmp_path, on_change=lambda _: None)
    await disk.look()
    reserve = tmp_path / "reserve"
    reserve.unlink()
    assert not await disk.make_room(full())
    await disk.look()
    assert reserve.exists()
    reserve.unlink()
    await disk.look()
    assert reserve.exists()


async def test_the_reserve_of_a_run_that_was_killed_is_room(tmp_path: Path) -> None:
    await Disk(tmp_path, on_change=lambda _: None).look()
    killed = Disk(tmp_path, on_change=lambda _: None)
    assert await killed.make_room(full())
    assert not (tmp_path / "reserve").exists()


async def test_a_directory_that_was_moved_is_missed_and_not_made_again(
    tmp_path: Path,
) -> None:
    heard: list[DiskState] = []
    data, away = tmp_path / "data", tmp_path / "away"
    data.mkdir()
    disk = Disk(data, on_change=heard.append)
    data.rename(away)
    await disk.look()
    assert "data directory gone: starts paused — put" in heard[-1].trouble
    data.mkdir()
    await disk.look()
    assert not list(data.iterdir()), "somebody else's directory was written to"
    data.rmdir()
    away.rename(data)
    await disk.look()
    assert heard[-1] == DiskState()


async def test_a_wal_that_somebody_keeps_from_shrinking_is_warned_of(
    tmp_path: Path,
) -> None:
    heard: list[DiskState] = []
    disk = Disk(tmp_path, on_change=heard.append)
    with (tmp_path / "statuses.sql3-wal").open("wb") as file:
        file.truncate(2 * WAL_BYTES)
    await disk.look()
    assert "128 MiB: another program has been reading" in heard[-1].warning
    assert not heard[-1].trouble


async def test_a_full_disk_names_the_remedy_first_and_a_log_store_that_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[DiskState] = []
    disk = Disk(tmp_path, on_change=heard.append)
    await disk.make_room(full())
    (told,) = heard
    assert told.trouble.startswith(
        f"disk full: starts paused — free space for {tmp_path}; goes on by itself. "
    )
    (tmp_path / "task_logs.sql3").write_bytes(bytes(2**20))
    monkeypatch.setattr("bistro_tui.engine.disk._LARGE_PART", 2**60)
    await disk.make_room(full())
    assert len(heard) == 1, "it is told again as sizes change"
    await disk.look()
    await disk.make_room(full())
    assert (
        "goes on by itself; task_logs.sql3 has 1.0 MiB of it (--log-max-bytes)."
        in heard[-1].trouble
    )


async def test_what_fails_because_the_directory_is_gone_is_told_as_that(
    tmp_path: Path,
) -> None:
    heard: list[DiskState] = []
    data = tmp_path / "data"
    data.mkdir()
    disk = Disk(data, on_change=heard.append)
    data.rename(tmp_path / "away")
    assert not await disk.make_room(sqlite3.OperationalError("disk I/O error"))
    (told,) = heard
    assert told.trouble.startswith(f"data directory gone: starts paused — put {data}")
