import logging
import signal
from pathlib import Path

import pytest

from bistro_tui.engine.processes import warden_watch
from bistro_tui.engine.processes.warden_watch import SILENT_LOOKS, WardenWatch
from bistro_tui.engine.warden.wire import KILL, Kill, Settled, Trouble
from tests.engine.processes.fake_warden import FakeWarden, fake_warden, turns
from tests.engine.runners.harness import until


async def ask(fake: FakeWarden) -> None:
    fake.link.send(Kill(1, KILL, 0.0))
    await turns()


def has_silent_ones(watch: WardenWatch) -> bool:
    return watch.are_silent


async def test_one_that_reads_and_has_nothing_to_say_is_left_alone() -> None:
    with fake_warden() as fake:
        fake.link.capacity, watch = 10, WardenWatch()
        for _ in range(3 * SILENT_LOOKS):
            await ask(fake)
            fake.asked()
            assert not watch.look([fake.link])
        assert fake.link.capacity == 10


async def test_one_that_speaks_is_left_alone_however_much_it_has_to_read() -> None:
    with fake_warden() as fake:
        fake.link.capacity, watch = 10, WardenWatch()
        await ask(fake)
        for _ in range(3 * SILENT_LOOKS):
            fake.say(Trouble("busy"))
            await turns()
            assert not watch.look([fake.link])
        assert fake.link.is_behind()


async def test_one_that_does_not_read_is_given_nothing_until_it_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with fake_warden() as fake, caplog.at_level(logging.INFO, "bistro_tui"):
        fake.link.capacity, watch = 10, WardenWatch()
        await ask(fake)
        changes = [watch.look([fake.link]) for _ in range(SILENT_LOOKS + 2)]
        assert changes == [False] * (SILENT_LOOKS - 1) + [True, False, False]
        assert fake.link.capacity == 0
        assert has_silent_ones(watch)
        fake.asked()
        assert watch.look([fake.link])
        assert fake.link.capacity == 10
        assert not has_silent_ones(watch)
        pid = fake.link.process.pid
        assert [one.getMessage() for one in caplog.records] == [
            f"warden {pid} does not answer; no task starts with it",
            f"warden {pid} answers again",
        ]


async def test_a_silent_one_with_attempts_is_asked_for_a_sign_of_life() -> None:
    with fake_warden() as fake:
        watch = WardenWatch()
        watch.look([fake.link])
        fake.link.flush()
        assert fake.asked() == []
        fake.link.under_way = 1
        watch.look([fake.link])
        fake.link.flush()
        assert fake.link.is_behind()
        assert fake.asked() == [Settled(())]


async def test_a_stopped_one_is_woken_at_the_first_look(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def state() -> str:
        stat = Path(f"/proc/{fake.link.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0]

    with fake_warden() as fake:
        watch = WardenWatch()
        fake.link.process.send_signal(signal.SIGSTOP)
        await until(lambda: state() == "T")
        await ask(fake)
        assert watch.look([fake.link])
        await until(lambda: state() in "SR")
        assert "was stopped; it is woken up" in caplog.text


async def test_one_that_never_answers_is_killed_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warden_watch, "LOST_LOOKS", SILENT_LOOKS + 1)
    with fake_warden() as fake:
        watch = WardenWatch()
        await ask(fake)
        for _ in range(SILENT_LOOKS):
            watch.look([fake.link])
        assert fake.link.process.poll() is None
        watch.look([fake.link])
        await until(lambda: fake.link.process.poll() == -9)
        # The test holds its end of the connection, so nobody hears of the death.
        assert fake.ends == 0
        watch.look([fake.link])
        assert fake.ends == 1
        assert watch.look([])
        assert not watch.are_silent
