"""Which attempts that workers tell of are over, by what the store knows."""

import msgspec
import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import ERROR_BACKOFF, Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.remote.pools import running
from tests.engine.runners.remote_world import Stored

MADE = ERROR_BACKOFF | Bits.OVERWRITEABLE
STARTED = 1_700_000_000
TOLD = msgspec.structs.replace(
    running(), invocation=InvocationId(STARTED, 5), is_over=True, commits=10
)
"""It began when there were ten commits, and ended."""


async def _is_over(
    told: RunningTask, last: LastAttempt | None, bits: Bits = ERROR_BACKOFF
) -> bool:
    store = Stored()
    if last is not None:
        store.last[told.task] = last
        store.statuses[told.task] = TaskStatus(bits=bits, time=0.0)
    over = await StoredAttempts(store, store.statuses.get).among([told])
    assert over in (set(), {told.invocation})
    return bool(over)


def _other(later: int) -> InvocationId:
    return InvocationId(STARTED + later, 6)


async def test_an_attempt_that_is_not_stored_runs() -> None:
    assert not await _is_over(TOLD, None)


@pytest.mark.parametrize("bits", [ERROR_BACKOFF, MADE])
@pytest.mark.parametrize("is_over", [True, False])
async def test_its_own_end_tells_unless_it_was_made(bits: Bits, is_over: bool) -> None:
    told = msgspec.structs.replace(TOLD, is_over=is_over)
    last = LastAttempt(TOLD.invocation, 11)
    assert await _is_over(told, last, bits) is (bits is ERROR_BACKOFF)


@pytest.mark.parametrize("bits", [ERROR_BACKOFF, MADE])
async def test_one_that_began_before_another_ended_is_over(bits: Bits) -> None:
    assert await _is_over(TOLD, LastAttempt(_other(0), 11), bits)
    # It may begin with the very last commit before it.
    assert not await _is_over(TOLD, LastAttempt(_other(0), 10), bits)


@pytest.mark.parametrize("bits", [ERROR_BACKOFF, MADE])
async def test_what_is_alive_counts_whatever_is_stored(bits: Bits) -> None:
    alive = msgspec.structs.replace(TOLD, is_over=False)
    assert not await _is_over(alive, LastAttempt(_other(60), 11), bits)


async def test_the_clock_may_have_been_set_back_before_it_began() -> None:
    assert not await _is_over(TOLD, LastAttempt(_other(3_600), 10))


async def test_an_earlier_attempts_status_that_was_forgiven_is_not_newer() -> None:
    assert not await _is_over(TOLD, LastAttempt(_other(-60), 11))
