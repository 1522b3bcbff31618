"""Pauses after starts that failed, and their ends."""

import asyncio
from collections.abc import Callable

import pytest

from bistro_tui.engine.dispatch.start_failures import StartFailures
from bistro_tui.engine.dispatch.start_pauses import START_FAILURES, StartPauses
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed
from tests.engine.dispatch.builders import ETL

TEXT = "EAGAIN: Resource temporarily unavailable"
FULL = "ENOSPC: No space left on device"


class Pauses:
    """Pauses whose time has come when we say so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.fed: list[Event] = []
        self.delays: list[float] = []
        self.timers: list[Callable[..., object]] = []
        loop = asyncio.get_running_loop()
        self.pauses = StartPauses(StartFailures(), self.fed.extend)

        def call_later(
            delay: float, callback: Callable[..., object], *args: object
        ) -> asyncio.TimerHandle:
            handle = loop.call_at(loop.time() + 3600, callback, *args)
            self.delays.append(delay)
            self.timers.append(lambda: handle.cancelled() or callback(*args))
            return handle

        patch.setattr(loop, "call_later", call_later)

    def pass_time(self) -> None:
        self.timers.pop()()


@pytest.fixture
async def all_pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    return Pauses(monkeypatch)


async def test_a_pause_says_what_failed_and_when_it_ends(all_pauses: Pauses) -> None:
    text = f"could not start: {TEXT}; next try in 1 s"
    assert all_pauses.pauses.failed(ETL, TEXT) == StartsPaused(START_FAILURES, text)
    all_pauses.pass_time()
    assert all_pauses.fed == [StartsResumed(START_FAILURES)]


async def test_what_fails_during_a_pause_begins_no_other(all_pauses: Pauses) -> None:
    all_pauses.pauses.failed(ETL, TEXT)
    assert all_pauses.pauses.failed(ETL, TEXT) is None
    all_pauses.pass_time()
    assert all_pauses.pauses.failed(ETL, TEXT) is not None
    assert all_pauses.delays == [1, 2]


async def test_pauses_for_want_of_disk_space_stay_short(all_pauses: Pauses) -> None:
    for text in (FULL, "EDQUOT: Disk quota exceeded", FULL, FULL):
        all_pauses.pauses.failed(ETL, text)
        all_pauses.pass_time()
    assert all_pauses.delays == [1, 2, 4, 4]


async def test_after_the_close_no_pause_ends(all_pauses: Pauses) -> None:
    all_pauses.pauses.close()
    all_pauses.pauses.failed(ETL, TEXT)
    all_pauses.pauses.close()
    all_pauses.pass_time()
    assert all_pauses.fed == []
