"""A snapshot is prepared in parts, between which the loop does other things."""

import asyncio
from typing import cast

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.snapshots import MOST_STEPS, Snapshots
from bistro_tui.engine.view import Snapshot


async def said(parts: int, *, is_watched: bool = True) -> list[str]:
    """Return what happened until a snapshot was told, with that many parts to do."""
    heard: list[str] = []
    told = asyncio.Event()

    def prepare() -> bool:
        heard.append("part")
        asyncio.get_running_loop().call_soon(heard.append, "other")
        return heard.count("part") < parts

    def take() -> Snapshot:
        heard.append("take")
        return cast("Snapshot", object())

    snapshots = Snapshots(
        take, clock=SystemClock(), before_each=told.set, prepare=prepare
    )
    if is_watched:
        told_of = asyncio.Event()
        snapshots.subscribe(told_of.set)
        snapshots.soon()
        await asyncio.wait_for(told_of.wait(), 5)
    else:
        snapshots.soon()
        await asyncio.wait_for(told.wait(), 5)
    snapshots.close()
    return heard


async def test_other_things_happen_between_the_parts() -> None:
    heard = await said(3)
    assert heard[:6] == ["part", "other", "part", "other", "part", "take"]


async def test_it_comes_however_much_there_is_to_prepare() -> None:
    heard = await said(10 * MOST_STEPS)
    assert heard.count("part") == MOST_STEPS
    assert heard.count("take") == 1


async def test_nothing_is_prepared_for_nobody() -> None:
    assert await said(3, is_watched=False) == []
