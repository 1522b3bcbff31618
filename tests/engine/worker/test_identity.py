"""Who a run of a worker is."""

import json
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.clock import Now, SystemClock
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.worker import identity
from bistro_tui.engine.worker.identity import new_instance


class Standing:
    """A clock that somebody holds."""

    def __init__(self, wall: float) -> None:
        self.wall = wall

    def now(self) -> Now:
        return Now(self.wall, 0.0, 0.0)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    made = DataDir(tmp_path / "w", host="h", now=0.0)
    yield made
    made.close()


async def instance(
    data_dir: DataDir, wall: float = 100.5, seed: int = 1
) -> tuple[InstanceId, str]:
    rng = random.Random(seed)
    return await new_instance(data_dir, clock=Standing(wall), rng=rng)


async def test_the_second_of_the_start_is_never_that_of_the_run_before(
    data_dir: DataDir,
) -> None:
    rng = random.Random(1)
    runs = [
        await new_instance(data_dir, clock=SystemClock(), rng=rng) for _ in range(2)
    ]
    (first, one), (second, other) = runs
    assert second.start_time > first.start_time
    assert abs(second.start_time - time.time()) < 10
    assert one == other


async def test_a_clock_that_was_set_back_is_not_waited_for_and_the_later_run_counts(
    data_dir: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_LONGEST_WAIT_SEC", 0.05)
    first, _ = await instance(data_dir, 1_000.0, seed=1)
    second, _ = await instance(data_dir, 500.0, seed=2)
    third, _ = await instance(data_dir, 500.0, seed=3)
    # A scheduler would ignore the heartbeats of an earlier one for ever.
    assert [one.start_time for one in (first, second, third)] == [1_000, 1_001, 1_002]


async def test_the_random_half_is_64_bits_with_a_sign(data_dir: DataDir) -> None:
    class Most(random.Random):
        def getrandbits(self, k: int, /) -> int:
            return (1 << k) - 1

    found, _ = await new_instance(data_dir, clock=Standing(1.0), rng=Most())
    assert found.rand == 2**63 - 1


async def test_a_copy_of_the_directory_is_another_machine(
    data_dir: DataDir, tmp_path: Path
) -> None:
    _, lock = await instance(data_dir)
    shutil.copytree(data_dir.path, tmp_path / "copy")
    copy = DataDir(tmp_path / "copy", host="h", now=0.0)
    try:
        _, other = await instance(copy, 200.0)
    finally:
        copy.close()
    assert other != lock


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "[]",
        '{"machine": 1, "started": 2}',
        '{"machine": "x", "started": 2}',
        f'{{"machine": "{"a" * 32}", "started": {2**63}}}',
        f'{{"machine": "{"a" * 32}", "started": -1}}',
    ],
)
async def test_a_damaged_note_is_written_anew(data_dir: DataDir, kept: str) -> None:
    (data_dir.run / "worker").write_text(kept)
    await instance(data_dir)
    note = json.loads((data_dir.run / "worker").read_text())
    assert note["started"] == 100
    assert (data_dir.run / "worker").stat().st_mode & 0o777 == 0o600


async def test_a_note_that_cannot_be_kept_is_told(data_dir: DataDir) -> None:
    (data_dir.run / "worker.new").mkdir()
    with pytest.raises(DataDirUnusable, match="who this worker is"):
        await instance(data_dir)
