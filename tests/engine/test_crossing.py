"""Questions from one loop to another that ends, at each moment it can."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from bistro_tui.engine.crossing import Crossing
from bistro_tui.engine.errors import ControlRefused

ENDED = "it has ended"


class Other:
    """A loop on a thread of its own, or one that nobody runs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.crossing = Crossing(self.loop, ENDED)
        self.heard: list[str] = []
        self._thread = threading.Thread(target=self.loop.run_forever)

    def run(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """End as an engine does: what still runs is cancelled at last."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
        else:
            self.crossing.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
            self.loop.run_until_complete(asyncio.wait([task]))
        self.loop.close()

    async def _close(self) -> None:
        self.crossing.close()

    async def question(self, begun: asyncio.Event | None = None) -> str:
        """Wait to be cancelled, or answer at once."""
        try:
            self.heard.append("begun")
            if begun is not None:
                await begun.wait()
        except asyncio.CancelledError:
            self.heard.append("cancelled")
            raise
        return "answer"


@pytest.fixture
def other() -> Iterator[Other]:
    made = Other()
    yield made
    if not made.loop.is_closed():
        made.end()


async def until_heard(other: Other, *words: str) -> None:
    deadline = asyncio.get_running_loop().time() + 30
    while other.heard != list(words):
        assert asyncio.get_running_loop().time() < deadline, other.heard
        await asyncio.sleep(0.005)


async def test_an_answer_and_an_error_come_back(other: Other) -> None:
    async def wrong() -> str:
        raise LookupError("nothing there")

    other.run()
    assert await other.crossing.ask(other.question()) == "answer"
    with pytest.raises(LookupError, match="nothing there"):
        await other.crossing.ask(wrong())


async def test_what_the_loop_never_came_to_is_refused_at_its_end(other: Other) -> None:
    asked = asyncio.create_task(other.crossing.ask(other.question()))
    await asyncio.sleep(0)
    other.end()
    with pytest.raises(ControlRefused, match=ENDED):
        await asked
    assert other.heard == []


async def test_what_is_begun_is_refused_at_its_end(other: Other) -> None:
    other.run()
    asked = asyncio.create_task(other.crossing.ask(other.question(asyncio.Event())))
    await until_heard(other, "begun")
    await asyncio.to_thread(other.end)
    with pytest.raises(ControlRefused, match=ENDED):
        await asked


async def test_after_the_end_all_is_refused(other: Other) -> None:
    other.end()
    with pytest.raises(ControlRefused, match=ENDED):
        await other.crossing.ask(other.question())
    assert other.heard == []


async def test_what_nobody_waits_for_any_more_is_cancelled(other: Other) -> None:
    other.run()
    asked = asyncio.create_task(other.crossing.ask(other.question(asyncio.Event())))
    await until_heard(other, "begun")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until_heard(other, "begun", "cancelled")


async def test_what_is_given_up_before_it_began_never_begins(other: Other) -> None:
    asked = asyncio.create_task(other.crossing.ask(other.question()))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    other.run()
    assert await other.crossing.ask(other.question()) == "answer"
    assert other.heard == ["begun"]
