"""What many links have heard does not keep the loop from others."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from bistro_tui.engine.remote.turns import TURN_SEC, Turns

Steps = Callable[[str, int], Iterator[None]]


@pytest.fixture
def taken() -> list[str]:
    """All steps that were taken, in order."""
    return []


@pytest.fixture
async def steps(taken: list[str], monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Make steps of which one takes half a turn."""
    clock = [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])

    def made(name: str, number: int) -> Iterator[None]:
        for index in range(number):
            taken.append(f"{name}{index}")
            clock[0] += TURN_SEC / 2
            yield

    return made


async def test_where_there_is_time_all_is_taken_at_once(
    steps: Steps, taken: list[str]
) -> None:
    with pytest.raises(StopIteration):
        Turns().do(steps("a", 1)).send(None)
    assert taken == ["a0"]


async def test_links_take_turns_and_each_keeps_its_order(
    steps: Steps, taken: list[str]
) -> None:
    turns = Turns()
    await asyncio.gather(*(turns.do(steps(name, 6)) for name in "abc"))
    for name in "abc":
        assert [one for one in taken if one[0] == name] == [
            f"{name}{index}" for index in range(6)
        ]
    # Nobody had more than two turns before each had one.
    assert {one[0] for one in taken[:8]} == set("abc")


async def test_others_have_the_loop_between_the_turns(
    steps: Steps, taken: list[str]
) -> None:
    turns, seen = Turns(), [0]
    doing = asyncio.gather(*(turns.do(steps(name, 5)) for name in "abcd"))
    while not doing.done():
        await asyncio.sleep(0)
        seen.append(len(taken))
    assert len(taken) == 20
    assert max(after - before for before, after in pairwise(seen)) == 2


async def test_what_a_step_raises_is_raised_where_it_is_waited_for(
    steps: Steps, taken: list[str]
) -> None:
    def failing() -> Iterator[None]:
        yield from steps("b", 3)
        raise ValueError("b")

    turns = Turns()
    found = await asyncio.gather(
        turns.do(steps("a", 3)),
        turns.do(failing()),
        turns.do(steps("c", 3)),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [type(None), ValueError, type(None)]
    assert len(taken) == 9


async def test_a_link_that_is_over_is_passed_over(
    steps: Steps, taken: list[str]
) -> None:
    turns = Turns()
    first, second = (asyncio.ensure_future(turns.do(steps(name, 5))) for name in "ab")
    await asyncio.sleep(0)
    second.cancel()
    await first
    assert taken == [f"a{index}" for index in range(5)]
