"""Power cuts at any moment: both databases open, and no status that was shown is lost.

The record is of real runs, with crashes and checkpoints; the images are made of it.
"""

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.needs import need_program
from tests.faults.power_cuts import (
    LOGS,
    STATUSES,
    PowerCuts,
    Recording,
    Verdict,
    record,
)
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

IMAGES = 1_500 * SCALE
OPENED_EACH = 3
"""One in so many is opened by the program too."""
KILL = "fdatasync:signal=KILL:when="
RUNS = ((4, f"{KILL}12"), (4, ""), (8, f"{KILL}9"), (8, ""))
MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    need_program("strace")
    return record(tmp_path_factory.mktemp("recorded") / "run", RUNS)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    parent = MEMORY if MEMORY.is_dir() else tmp_path
    with tempfile.TemporaryDirectory(dir=parent, prefix="power-cuts-") as directory:
        yield Path(directory)


def judged(
    recording: Recording,
    memory: Path,
    rng: random.Random,
    *,
    images: int = IMAGES,
    skip: str = "",
    databases: Sequence[str] = (STATUSES, LOGS),
) -> Verdict:
    log = recording.read(skip=skip)
    cuts = PowerCuts(log, recording, memory, rng, databases)
    for number in range(images):
        cuts.cut(open_it=not number % OPENED_EACH)
    found = cuts.verdict
    print(
        f"{log.changes} writes, {log.syncs} syncs ({log.failed_syncs} failed),"
        f" {len(log.shown)} statuses shown; {found.images} images, {found.opened}"
        f" opened by the program; {len(found.corrupt)} corrupt, {len(found.lost)} with"
        f" lost statuses, {len(found.log_gaps)} logs with gaps, {len(found.refused)}"
        f" refused, at most {found.missing_lines} lines missing, {len(found.late)}"
        f" with old lines missing; {dict(found.seen)}"
    )
    return found


def test_no_power_cut_takes_a_shown_status_back(
    recording: Recording, memory: Path, rng: random.Random
) -> None:
    found = judged(recording, memory, rng)
    assert found.is_good, found.first()
    assert found.seen["with statuses"] > IMAGES / 2
    assert found.seen["with log lines"] > IMAGES / 10


def test_a_status_whose_sync_failed_is_not_shown_before_another_one_of_it(
    tmp_path: Path, memory: Path, rng: random.Random
) -> None:
    """A failed sync may drop what it should have written, and the next says nothing.

    Nor does that of the next start: the first run is killed after some have failed.
    """
    need_program("strace")
    failing = "fdatasync:error=EIO:when="
    runs = ((4, f"{failing}11+4"), (5, f"{failing}7+9"), (5, ""))
    recording = record(tmp_path / "run", runs)
    assert recording.read().failed_syncs > 2
    # After a failed sync of its WAL, a checkpoint of the log store may damage that.
    found = judged(recording, memory, rng, images=IMAGES // 5, databases=[STATUSES])
    assert found.is_good, found.first()


def test_this_would_find_it_if_statuses_were_synced_at_checkpoints_only(
    recording: Recording, memory: Path, rng: random.Random
) -> None:
    found = judged(recording, memory, rng, images=200, skip="statuses.sql3-wal")
    assert len(found.lost) > 20


@pytest.fixture(scope="module")
def slow_recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Give one whose first lines are old enough long before its end."""
    need_program("strace")
    directory = tmp_path_factory.mktemp("recorded") / "run"
    return record(directory, [(2, "")], longer=4.0)


def test_no_power_cut_takes_task_logs_that_are_older_than_two_seconds(
    slow_recording: Recording, memory: Path, rng: random.Random
) -> None:
    found = judged(slow_recording, memory, rng, images=IMAGES // 3)
    assert not found.late, found.late[:3]
    assert found.is_good, found.first()
    assert found.seen["old lines"] > IMAGES / 3


def test_this_would_find_it_if_task_logs_were_synced_at_checkpoints_only(
    slow_recording: Recording, memory: Path, rng: random.Random
) -> None:
    skip = "task_logs.sql3-wal"
    assert len(judged(slow_recording, memory, rng, images=200, skip=skip).late) > 20
