"""Who owns a shard when another instance, or none, had it before. Pure.

Source: Bistro, remote/RemoteWorker (processHeartbeat).
"""

import enum
import math
from typing import NamedTuple

from bistro_tui.engine.remote.messages import Usable, Worker
from bistro_tui.engine.remote.worker_state import WorkerState

MAX_SHARD_CHARS = 255
MAX_PERIOD_SEC = 1e9


class Winner(enum.Enum):
    """Whose the shard is now."""

    SAME = enum.auto()
    """The instance that had it, which is the one that asks."""
    OLD = enum.auto()
    NEW = enum.auto()


class Ruling(NamedTuple):
    """What is done about two instances that want one shard."""

    winner: Winner
    suicide: str = ""
    """The other one is told to end itself, and why; empty: it is not told."""
    warning: str = ""
    is_old_dead: bool = False
    """It is proven that the process of the one before is gone."""


def rule(
    old: Worker, new: Worker, state: WorkerState, *, may_bump_unhealthy: bool
) -> Ruling:
    """Return whose the shard is; ``state`` is that of ``old`` at this moment."""
    if old.lock.held == new.lock.held:
        return _rule_of_one_lock(old, new)
    if state is WorkerState.MUST_DIE:
        return Ruling(Winner.NEW, suicide="Current lost worker was replaced")
    if state is not WorkerState.HEALTHY and may_bump_unhealthy:
        return Ruling(Winner.NEW, suicide="Current unhealthy worker was replaced")
    return Ruling(Winner.OLD, suicide="The old worker is still okay")


def _rule_of_one_lock(old: Worker, new: Worker) -> Ruling:
    if old.id == new.id:
        return Ruling(Winner.SAME)
    if new.id.start_time < old.id.start_time:
        return Ruling(
            Winner.OLD,
            warning=f"worker {new.shard}: ignored a heartbeat of an instance that ended"
            " before the current one started",
        )
    warning = ""
    if new.id.start_time == old.id.start_time:
        warning = (
            f"worker {new.shard}: two instances started in one second with one lock;"
            " the later heartbeat counts"
        )
    return Ruling(Winner.NEW, warning=warning, is_old_dead=True)


def what_is_wrong(worker: Worker) -> str:
    """Return why nobody can be what ``worker`` says it is, empty if it can be."""
    if not 0 < len(worker.shard) <= MAX_SHARD_CHARS or not worker.shard.isprintable():
        return (
            f"a shard is 1 to {MAX_SHARD_CHARS} printable characters, "
            f"not {worker.shard[:MAX_SHARD_CHARS]!r}"
        )
    if not 0 < worker.heartbeat_period_sec <= MAX_PERIOD_SEC:
        return f"a heartbeat period cannot be {worker.heartbeat_period_sec} s"
    if worker.slots is not None and worker.slots < 0:
        return f"a worker cannot have {worker.slots} slots"
    if not all(_is_amount(amount) for amount in _amounts(worker.usable)):
        return "what a host has is a number from 0 on"
    return ""


def _amounts(usable: Usable) -> tuple[float, ...]:
    cards = (card.memory_mb for card in usable.gpus)
    return (usable.cpu_cores, usable.memory_mb, *cards)


def _is_amount(amount: float) -> bool:
    return math.isfinite(amount) and amount >= 0
