"""A stop before the run before is all over."""

import asyncio
import re
from collections.abc import Callable

import pytest

from bistro_tui.engine.recovery import parting, recovery
from bistro_tui.engine.recovery.parting import part
from bistro_tui.engine.statuses.store import StatusStore
from bistro_tui.engine.warden.tags import tag_of
from bistro_tui.engine.warden.tree import Swept
from tests.engine.recovery.builders import LeftRun, attempt_id, boot_ns
from tests.engine.recovery.processes import Household, is_alive
from tests.engine.recovery.world import Start, outcome, warden_of

SEC = 25
STUBBORN = "trap '' TERM; echo $$ >>$0; while :; do sleep 0.02; done"


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    """Nobody wants to wait."""


def other_of(run: LeftRun) -> LeftRun:
    return LeftRun(run.run, name="warden.77.2", is_final=True)


def stubborn(run: LeftRun, home: Household, number: int) -> int:
    """Add an attempt whose main process heeds no SIGTERM, and return its pid."""
    before = boot_ns()
    pid, _ = home.shell(STUBBORN, names=1, tag=tag_of(attempt_id(number).rand))
    run.add(number, born=(pid, before, boot_ns()), content=b"done", kill_wait=3_600.0)
    return pid


@pytest.mark.parametrize("has_begun", [False, True])
async def test_what_no_warden_watches_is_ended_and_adopted_by_the_next_start(
    run: LeftRun,
    store: StatusStore,
    home: Household,
    said: Callable[[], list[str]],
    has_begun: bool,
) -> None:
    gone, other = stubborn(run, home, 1), other_of(run)
    run.write()
    watched = stubborn(other, home, 2)
    # Nothing is known to be final: one that has begun waits for that.
    other.is_final = False
    with warden_of(other) as warden:
        start = Start(run.run, store)
        if has_begun:
            going = asyncio.ensure_future(start.run())
            async with asyncio.timeout(SEC):
                while not start.pauses:
                    await asyncio.sleep(0.005)
            going.cancel()
            await asyncio.wait([going], timeout=SEC)
        async with asyncio.timeout(SEC):
            await part(start.recovery, never)
        start.recovery.close()

        assert (is_alive(gone), is_alive(watched)) == (False, True)
        assert warden.poll() is None
        assert re.fullmatch(r"killed \d+ process(es)? left over", said()[-2])
        assert said()[-1] == (
            "1 task of the run before is still ending"
            f" (warden: {warden.pid}); that goes on without this scheduler"
        )
        assert (start.adopted, start.recorded) == ([], ())
    home.reap()
    later = Start(run.run, store)
    await later.run()
    assert outcome(later) == {"n1": "DONE", "n2": "DONE"}
    assert not is_alive(watched)


async def test_where_all_is_over_nothing_is_said(
    run: LeftRun, store: StatusStore, said: Callable[[], list[str]]
) -> None:
    run.add(1, content=b"done")
    run.write()
    start = Start(run.run, store)
    await start.run()
    told = said()
    await part(start.recovery, never)
    assert said() == told


@pytest.mark.parametrize("is_patient", [True, False])
async def test_what_does_not_go_is_not_waited_for_and_said_so(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
    is_patient: bool,
) -> None:
    run.add(1, content=b"done")
    run.write()
    swept = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(*_: object) -> Swept:
        loop.call_soon_threadsafe(swept.set)
        return Swept(0, (41, 42), refused=(41, 42))

    async def twice() -> None:
        # It has come back from the first look once it takes the second.
        for _ in range(2):
            swept.clear()
            await swept.wait()

    monkeypatch.setattr(recovery, "end_what_is_left", end)
    monkeypatch.setattr(parting, "LIMIT_SEC", 0.5 if is_patient else 3_600.0)
    start = Start(run.run, store)
    async with asyncio.timeout(SEC):
        await part(start.recovery, never if is_patient else twice)
    assert said()[-1].endswith("; the next start ends what is left")
    if not is_patient:
        # The limit may be over before the first look is.
        whom = "2 processes of the run before do not go (pid 41, 42); "
        assert said()[-1].startswith(whom)


async def test_who_wants_to_wait_no_more_hears_that_something_may_be_alive(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
) -> None:
    run.add(1, content=b"done")
    run.write()

    async def never_swept(*_: object) -> Swept:
        await never()
        raise AssertionError

    monkeypatch.setattr(asyncio, "to_thread", never_swept)
    start = Start(run.run, store)
    async with asyncio.timeout(SEC):
        await part(start.recovery, at_once)
    assert said() == [
        "what the run before left may be alive; the next start ends what is left"
    ]


async def test_what_cannot_be_read_is_no_error_of_the_stop(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
) -> None:
    run.add(1, content=b"done")
    run.write()
    start = Start(run.run, store)

    def unreadable(*_: object) -> object:
        raise OSError(5, "Input/output error", str(run.journal))

    monkeypatch.setattr(recovery, "Stock", unreadable)
    monkeypatch.setattr(parting, "LIMIT_SEC", 0.2)
    async with asyncio.timeout(SEC):
        await part(start.recovery, never)
    assert "cannot be ended" in said()[0]
    assert "may be alive" in said()[-1]
