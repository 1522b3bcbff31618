"""Who this run of a worker is, and what only one living process can be."""

import asyncio
import json
import os
import random
import re
from pathlib import Path
from typing import NamedTuple

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.remote.identity import InstanceId

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LOOK_SEC = 0.02
_LONGEST_WAIT_SEC = 1.25
"""What Bistro always waits. A clock that was set back is not waited for."""
_LATEST = 1 << 53
"""No clock shows a later second."""


class _Kept(NamedTuple):
    """What a data directory remembers of its worker."""

    machine: str
    """Random; who copies the directory copies this, but not the lock."""
    started: int
    """The start second of the last run; 0: there was none."""


async def new_instance(
    data_dir: DataDir, *, clock: Clock, rng: random.Random
) -> tuple[InstanceId, str]:
    """Return the id of this run, and what the kernel lets only one process hold.

    Each run on a data directory has a later start second than the one before: waits
    for the next one if need be. A scheduler takes an instance with an earlier one for
    what was there before, so where the clock was set back it is the next second of the
    run before, whatever the clock says. Raises DataDirUnusable.
    """
    path = data_dir.run / "worker"
    try:
        kept = _read(path) or _Kept(f"{rng.getrandbits(128):032x}", 0)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LONGEST_WAIT_SEC
        while int(clock.now().wall) <= kept.started and loop.time() < deadline:  # noqa: ASYNC110 - a clock on a wall tells nobody
            await asyncio.sleep(_LOOK_SEC)
        start = max(int(clock.now().wall), kept.started + 1)
        _write(path, kept._replace(started=start))
        found = os.stat(data_dir.run / "lock")
    except OSError as error:
        raise DataDirUnusable(
            path,
            f"who this worker is cannot be kept there: {error.strerror}",
            "make it writable for you, or name another data directory with --data-dir",
        ) from error
    lock = f"{kept.machine}-{found.st_dev:x}-{found.st_ino:x}"
    return InstanceId(start, rng.getrandbits(64) - 2**63), lock


def _read(path: Path) -> _Kept | None:
    try:
        found = json.loads(path.read_bytes())
        machine, started = found["machine"], found["started"]
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(machine, str) or not isinstance(started, int):
        return None
    if not 0 <= started < _LATEST:
        return None
    return _Kept(machine, started) if _ID.fullmatch(machine) else None


def _write(path: Path, kept: _Kept) -> None:
    fresh = path.with_name("worker.new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(fresh, flags, 0o600), "w", encoding="ascii") as file:
        json.dump(kept._asdict(), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    # Else the next run after a power cut could be a worker that nobody knows.
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
