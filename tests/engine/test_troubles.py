"""What is said of troubles, and what follows of them."""

import asyncio
import logging

import pytest

from bistro_tui.engine import troubles
from bistro_tui.engine.board import Board
from bistro_tui.engine.disk import DiskState
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed
from bistro_tui.engine.troubles import Troubles
from bistro_tui.engine.view import Banner


class Told:
    """Troubles, and lists of what others heard of them."""

    def __init__(self) -> None:
        self.board = Board()
        self.fed: list[Event] = []
        self.held: list[str] = []
        self.store: list[str] = []
        self.changes = 0
        self.troubles = Troubles(
            self.board,
            feed=self.fed.extend,
            hold_logs=self.held.append,
            on_store=self.store.append,
            on_change=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def last_fed(self) -> Event:
        return self.fed[-1]

    @property
    def shown(self) -> dict[str, str]:
        return {banner.topic: banner.text for banner in self.board.banners()}


FULL = DiskState(trouble="disk full: starts paused", is_full=True)


async def test_starts_are_paused_while_the_store_takes_nothing() -> None:
    told = Told()
    told.troubles.store("statuses cannot be stored: locked")
    (paused,) = told.fed
    assert isinstance(paused, StartsPaused)
    assert paused.text.startswith("statuses cannot be stored: starts paused — locked;")
    assert told.shown == {"store": paused.text}
    assert told.store == ["statuses cannot be stored: locked"]

    told.troubles.store("")
    assert told.fed[1:] == [StartsResumed("store")]
    assert told.shown == {}
    assert told.store[1:] == [""]
    assert told.changes == 2


async def test_of_a_full_disk_and_a_store_that_takes_nothing_the_disk_is_named() -> (
    None
):
    told = Told()
    told.troubles.store("statuses cannot be stored: full")
    told.troubles.disk(FULL)
    assert told.shown == {"store": FULL.trouble}
    assert told.held == ["the disk is full"]

    told.troubles.store("")
    assert told.last_fed() == StartsPaused("store", FULL.trouble)
    told.troubles.disk(DiskState(warning="a long WAL"))
    assert told.last_fed() == StartsResumed("store")
    assert told.held == ["the disk is full", ""]
    assert told.board.banners() == (
        Banner(topic="disk", text="a long WAL", is_error=False),
    )


async def test_a_disk_that_is_only_read_holds_no_logs_back() -> None:
    told = Told()
    told.troubles.disk(DiskState(trouble="read-only"))
    assert told.held == [""]
    assert told.fed == [StartsPaused("store", "read-only")]


async def test_trouble_with_logs_pauses_nothing_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "LASTS_SEC", 0.0)
    caplog.set_level(logging.INFO)
    told = Told()
    for text in ("no room", "no room; 1 line dropped", "no room; 2 lines dropped"):
        told.troubles.logs(text)
        await asyncio.sleep(0.01)
        assert told.shown == {"logs": text}
    told.troubles.logs("")
    assert told.shown == {}
    assert told.fed == []
    said = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert said == [("ERROR", "no room"), ("INFO", "task logs can be stored again")]


async def test_trouble_with_logs_that_is_soon_over_is_not_told_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "LASTS_SEC", 0.01)
    caplog.set_level(logging.INFO)
    told = Told()
    told.troubles.logs("it is gone")
    told.troubles.logs("")
    await asyncio.sleep(0.03)
    assert told.shown == {}
    assert caplog.records == []


@pytest.mark.parametrize(
    "state",
    [FULL, DiskState(trouble="data directory gone: starts paused — put it back")],
)
async def test_one_cause_is_one_message_and_one_that_all_is_well(
    state: DiskState, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "LASTS_SEC", 0.01)
    caplog.set_level(logging.INFO)
    told = Told()
    told.troubles.logs("task logs cannot be stored: it is gone")
    told.troubles.disk(state)
    told.troubles.store("statuses cannot be stored: it is gone")
    told.troubles.store("statuses cannot be stored: it is gone; no journal")
    await asyncio.sleep(0.03)
    assert told.shown == {"store": state.trouble}
    told.troubles.logs("no room; 2 lines dropped so far")
    assert told.shown == {
        "store": state.trouble,
        "logs": "no room; 2 lines dropped so far",
    }
    # The disk is well before a store is tried again.
    told.troubles.disk(DiskState())
    assert told.last_fed() == StartsPaused("store", state.trouble)
    told.troubles.logs("")
    told.troubles.store("")
    assert told.last_fed() == StartsResumed("store")
    assert told.shown == {}
    said = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert said == [("ERROR", state.trouble), ("INFO", "statuses can be stored again")]


async def test_a_store_that_fails_on_a_disk_that_is_well_again_is_told_of() -> None:
    told = Told()
    told.troubles.disk(FULL)
    told.troubles.store("statuses cannot be stored: full")
    told.troubles.disk(DiskState())
    told.troubles.store("statuses cannot be stored: locked")
    assert told.shown["store"].startswith(
        "statuses cannot be stored: starts paused — locked;"
    )


async def test_a_long_pause_is_logged_again_and_again_until_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "REMIND_SEC", 0.01)
    told = Told()
    told.troubles.disk(FULL)
    while len(caplog.records) < 3:
        await asyncio.sleep(0.005)
    assert {one.levelname for one in caplog.records[1:]} == {"WARNING"}
    assert all(FULL.trouble in one.getMessage() for one in caplog.records)
    told.troubles.disk(DiskState())
    number = len(caplog.records)
    await asyncio.sleep(0.05)
    assert len(caplog.records) == number


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ram_mb is counted", "ram_mb is counted"),
        ("it broke:\nTraceback", "it broke; see the log"),
    ],
)
def test_a_runner_is_shown_with_its_first_line(text: str, shown: str) -> None:
    told = Told()
    told.troubles.runner(text)
    assert told.board.banners() == (Banner(topic="runner", text=shown, is_error=False),)
    assert told.changes == 1


async def test_an_error_that_nobody_awaits_is_shown_and_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(told.troubles.stray)
    loop.call_soon(int, "x")
    await asyncio.sleep(0)
    assert told.shown["internal"].startswith("internal error: ValueError(")
    (record,) = (one for one in caplog.records if one.levelno == logging.ERROR)
    assert record.exc_info
    assert told.changes == 1
    assert capsys.readouterr().err == ""


def test_what_the_loop_says_without_an_error_is_shown_whole() -> None:
    told = Told()
    loop = asyncio.new_event_loop()
    try:
        told.troubles.stray(loop, {"message": "a task was lost"})
    finally:
        loop.close()
    assert "a task was lost" in told.shown["internal"]
