"""How far the end of a run has come."""

import asyncio

import pytest

from bistro_tui.engine import stopping
from bistro_tui.engine.stopping import Stopping


class Ask:
    """The end of a run, and how often it had to be acted on."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.heard = 0
        self.end = Stopping(on_request=self._hear)
        if is_open:
            self.end.opened()

    def _hear(self) -> None:
        self.heard += 1

    def is_serving(self) -> bool:
        return self.end.is_serving


async def test_two_requests_are_acted_on_and_the_third_is_the_end() -> None:
    ask = Ask()
    assert ask.is_serving()
    for heard in (1, 2):
        assert ask.end.is_asked == (heard > 1)
        ask.end.request()
        assert ask.heard == heard
        assert ask.is_serving()
    ask.end.request()
    assert ask.heard == 2
    assert ask.end.is_reached
    assert not ask.is_serving()
    await ask.end.asked()
    await ask.end.reached()


async def test_what_is_asked_while_it_opens_is_acted_on_once_it_is_open() -> None:
    ask = Ask(is_open=False)
    for _ in range(5):
        ask.end.request()
    await ask.end.asked()
    assert ask.heard == 0
    assert not ask.end.is_reached
    ask.end.opened()
    assert ask.heard == 1


async def test_what_is_asked_while_it_closes_is_not_acted_on() -> None:
    ask = Ask()
    ask.end.closed()
    for _ in range(3):
        ask.end.request()
    assert ask.heard == 0
    assert not ask.is_serving()
    assert not ask.end.is_reached


@pytest.mark.parametrize("asked", [False, True])
async def test_it_ends_by_itself_only_where_nobody_asked(asked: bool) -> None:
    ask = Ask()
    if asked:
        ask.end.request()
    ask.end.request(by_itself=True)
    assert ask.end.ends_by_itself is not asked


@pytest.mark.parametrize("stops_first", [False, True])
async def test_a_stop_gives_up_a_store_that_takes_nothing(
    stops_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "GIVE_UP_SEC", 0.0)
    ask = Ask()
    if stops_first:
        ask.end.request()
    ask.end.store_is("no disk")
    if not stops_first:
        ask.end.request()
    async with asyncio.timeout(25):
        await ask.end.reached()
    ask.end.lose("and more")
    assert ask.end.lost == "no disk"


async def test_a_store_that_is_well_again_in_time_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "GIVE_UP_SEC", 0.0)
    ask = Ask()
    ask.end.request()
    ask.end.store_is("no disk")
    ask.end.store_is("")
    for _ in range(3):
        await asyncio.sleep(0)
    assert not ask.end.is_reached
    assert ask.end.lost == ""

    ask.end.store_is("no disk again")
    async with asyncio.timeout(25):
        await ask.end.reached()
    assert ask.end.lost == "no disk again"


async def test_trouble_of_the_store_alone_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "GIVE_UP_SEC", 0.0)
    ask = Ask()
    ask.end.store_is("no disk")
    for _ in range(3):
        await asyncio.sleep(0)
    assert ask.is_serving()
