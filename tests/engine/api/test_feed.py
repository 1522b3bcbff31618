"""Whatever readers do, what they put together is the picture."""

import asyncio
import json
import random
from typing import Any

import pytest

from bistro_tui.client.event_stream import EventStreamParser
from bistro_tui.engine.api import feed
from bistro_tui.engine.api.feed import Event, Feed
from bistro_tui.engine.view import Snapshot
from bistro_tui.engine.wire.snapshots import apply_change, decode_snapshot
from tests.engine.api.test_events import Scripted, some_nodes


class Visitor:
    """Comes, reads some events at its own pace, leaves, and comes back."""

    def __init__(self, source: Feed, rng: random.Random) -> None:
        self._feed = source
        self._rng = rng
        self._last_id = ""
        self.shown: Snapshot | None = None
        self.wholes = self.changes = 0

    async def live(self) -> None:
        while not await self._visit(self._rng.randrange(1, 12)):
            await self._rest()

    async def _visit(self, events: int) -> bool:
        """Return whether the stream has ended, and not only this visit."""
        reader = self._feed.join(self._last_id)
        try:
            while events:
                if reader.wants_whole:
                    self._take(await self._feed.whole(reader))
                elif (event := reader.take()) is not None:
                    self._take(event)
                elif self._feed.has_ended:
                    return True
                else:
                    reader.news.clear()
                    await reader.news.wait()
                    continue
                events -= 1
                await self._rest()
        finally:
            self._feed.leave(reader)
        return False

    def _take(self, event: Event) -> None:
        (found,) = EventStreamParser().feed(b"".join(event.pieces))
        value: Any = json.loads(found.data)
        self._last_id = found.event_id
        if found.name == "snapshot":
            self.wholes += 1
            self.shown = decode_snapshot(value)
        else:
            self.changes += 1
            assert self.shown is not None
            self.shown = apply_change(self.shown, value)
        assert found.event_id.endswith(f"-{self.shown.serial}")

    async def _rest(self) -> None:
        await turns(self._rng.choice((1, 1, 4, 16)))


async def turns(number: int) -> None:
    """Let others on the loop go on: time itself would make each run another one."""
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("visitors", [1, 5])
async def test_all_who_come_and_go_end_with_the_last_picture(
    seed: int, visitors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_CHANGES", 4)
    rng, scheduler = random.Random(seed), Scripted()
    source = Feed(scheduler.latest, scheduler.subscribe)
    all_of_them = [
        Visitor(source, random.Random(rng.random())) for _ in range(visitors)
    ]
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for visitor in all_of_them:
            group.create_task(visitor.live(), name="visitor")
        for number in range(60):
            scheduler.change(nodes=some_nodes(rng.randrange(5), number % 3))
            await turns(rng.choice((1, 1, 8)))
        scheduler.stop()
        source.close()
    assert all(visitor.shown == scheduler.picture for visitor in all_of_them)
    assert sum(visitor.changes for visitor in all_of_them) > visitors
