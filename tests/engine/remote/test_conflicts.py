import math

import msgspec
import pytest

from bistro_tui.engine.remote.conflicts import Winner, rule, what_is_wrong
from bistro_tui.engine.remote.identity import MachineLock
from bistro_tui.engine.remote.messages import GpuCard, Usable, Worker
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.pools import worker

OLD = worker(started=10, rand=1)
NEW, UNHEALTHY, HEALTHY = WorkerState.NEW, WorkerState.UNHEALTHY, WorkerState.HEALTHY
MUST_DIE = WorkerState.MUST_DIE
OKAY = "The old worker is still okay"
BUMPED = "Current unhealthy worker was replaced"
LOST = "Current lost worker was replaced"


@pytest.mark.parametrize("state", list(WorkerState))
@pytest.mark.parametrize(
    ("started", "rand", "winner", "warns"),
    [
        (10, 1, Winner.SAME, False),
        (9, 2, Winner.OLD, True),
        (10, 2, Winner.NEW, True),
        (11, 2, Winner.NEW, False),
    ],
)
def test_with_one_lock_the_one_that_started_last_has_the_shard_and_nobody_is_told(
    started: int, rand: int, winner: Winner, warns: bool, state: WorkerState
) -> None:
    found = rule(
        OLD, worker(started=started, rand=rand), state, may_bump_unhealthy=False
    )
    assert found.winner is winner
    assert found.suicide == ""
    assert bool(found.warning) is warns
    assert found.is_old_dead is (winner is Winner.NEW)


@pytest.mark.parametrize(
    ("state", "may_bump", "winner", "suicide"),
    [
        (MUST_DIE, False, Winner.NEW, LOST),
        (MUST_DIE, True, Winner.NEW, LOST),
        (NEW, True, Winner.NEW, BUMPED),
        (UNHEALTHY, True, Winner.NEW, BUMPED),
        (HEALTHY, True, Winner.OLD, OKAY),
        (NEW, False, Winner.OLD, OKAY),
        (UNHEALTHY, False, Winner.OLD, OKAY),
        (HEALTHY, False, Winner.OLD, OKAY),
    ],
)
def test_with_two_locks_the_other_one_is_told_to_end_itself(
    state: WorkerState, may_bump: bool, winner: Winner, suicide: str
) -> None:
    other = worker(started=99, rand=2, host="host2")
    found = rule(OLD, other, state, may_bump_unhealthy=may_bump)
    assert (found.winner, found.suicide, found.is_old_dead) == (winner, suicide, False)


@pytest.mark.parametrize(
    "lock",
    [
        MachineLock("host2", 0, "lock"),
        MachineLock("host1", 0, "other"),
    ],
)
def test_a_lock_is_the_same_only_with_its_host(lock: MachineLock) -> None:
    other = msgspec.structs.replace(worker(started=99, rand=2), lock=lock)
    assert rule(OLD, other, HEALTHY, may_bump_unhealthy=False).winner is Winner.OLD


def test_the_number_that_a_person_gave_proves_nothing() -> None:
    lock = MachineLock("host1", 1, "lock")
    other = msgspec.structs.replace(worker(started=99, rand=2), lock=lock)
    found = rule(OLD, other, HEALTHY, may_bump_unhealthy=False)
    assert (found.winner, found.suicide, found.is_old_dead) == (Winner.NEW, "", True)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"shard": ""}, "shard"),
        ({"shard": "x" * 256}, "shard"),
        ({"shard": "a\nb"}, "shard"),
        ({"heartbeat_period_sec": 0.0}, "period"),
        ({"heartbeat_period_sec": -1.0}, "period"),
        ({"heartbeat_period_sec": math.nan}, "period"),
        ({"heartbeat_period_sec": math.inf}, "period"),
        ({"slots": -1}, "slots"),
        ({"usable": Usable(cpu_cores=math.nan)}, "number"),
        ({"usable": Usable(memory_mb=-1.0)}, "number"),
        ({"usable": Usable(gpus=(GpuCard("0", "a", math.inf),))}, "number"),
    ],
)
def test_who_cannot_be_what_it_says_is_refused(
    change: dict[str, object], word: str
) -> None:
    wrong: Worker = msgspec.structs.replace(worker(), **change)
    assert word in what_is_wrong(wrong)


def test_a_worker_without_slots_left_and_with_unknown_resources_is_not_wrong() -> None:
    found = msgspec.structs.replace(worker(), slots=0, usable=Usable())
    assert what_is_wrong(found) == ""
