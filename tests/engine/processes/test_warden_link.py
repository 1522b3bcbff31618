import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.processes import warden_link
from bistro_tui.engine.processes.warden_link import MOMENT_SEC, TURN_SEC
from bistro_tui.engine.warden.wire import (
    KILL,
    Kill,
    Message,
    Output,
    Ready,
    Settled,
    Started,
    Trouble,
    encode,
)
from tests.engine.processes.fake_warden import fake_warden, turns


def kill(number: int) -> Kill:
    return Kill(number, KILL, 0.0)


async def test_all_requests_of_a_turn_go_out_in_one_frame() -> None:
    with fake_warden() as fake:
        for number in range(20):
            fake.link.send(kill(number))
        await turns()
        assert fake.frames() == 1


async def test_requests_arrive_in_the_order_in_which_they_were_made() -> None:
    with fake_warden() as fake:
        for number in range(20):
            fake.link.send(kill(number))
            if number % 7 == 0:
                await turns()
        await turns()
        assert fake.asked() == [kill(number) for number in range(20)]


async def test_what_is_in_no_hurry_goes_with_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warden_link, "MOMENT_SEC", 1_000.0)
    with fake_warden() as fake:
        fake.link.send_soon(Settled((1,)))
        await turns()
        assert fake.asked() == []
        fake.link.send(kill(2))
        await turns()
        assert fake.asked() == [kill(2), Settled((1,))]


async def test_what_is_in_no_hurry_goes_alone_after_a_moment() -> None:
    with fake_warden() as fake:
        fake.link.send_soon(Settled((1,)))
        async with asyncio.timeout(25):
            while not (found := fake.asked()):
                await asyncio.sleep(MOMENT_SEC / 2)
        assert found == [Settled((1,))]


async def test_more_than_the_socket_holds_is_sent_as_it_is_read() -> None:
    with fake_warden() as fake:
        blob: Any = Trouble("x" * 300_000)
        for _ in range(10):
            fake.link.send(blob)
            await turns(1)
        fake.link.send(kill(3))
        found: list[Message] = []
        async with asyncio.timeout(25):
            while len(found) < 11:
                found += fake.asked()
                await asyncio.sleep(0)
        assert found == [blob] * 10 + [kill(3)]


async def test_what_is_left_of_a_message_comes_before_the_next_one() -> None:
    with fake_warden() as fake:
        rest = Output(1, 1, b"rest")
        fake.given_back.append(rest)
        fake.say(Output(1, 1, b"first, rest"), Started(2, 77))
        await turns()
        assert fake.heard == [Output(1, 1, b"first, rest"), rest, Started(2, 77)]


async def test_many_messages_leave_the_loop_its_turns() -> None:
    with fake_warden() as fake:
        fake.say(*[Started(number, 1) for number in range(5_000)])
        loop, longest, last = asyncio.get_running_loop(), 0, 0
        slow = fake.link._hear

        def hear(link: Any, message: Any) -> Any:
            until = loop.time() + TURN_SEC / 20
            while loop.time() < until:
                pass
            return slow(link, message)

        fake.link._hear = hear
        async with asyncio.timeout(20):
            while len(fake.heard) < 200:
                await asyncio.sleep(0)
                longest = max(longest, len(fake.heard) - last)
                last = len(fake.heard)
        assert longest <= 25


async def test_a_frame_may_come_in_pieces() -> None:
    with fake_warden() as fake:
        frame = encode([Ready(5, 100, "subreaper"), Started(1, 2)])
        for begin in range(0, len(frame), 7):
            fake.socket.sendall(frame[begin : begin + 7])
            await turns(2)
        assert fake.heard == [Ready(5, 100, "subreaper"), Started(1, 2)]


async def test_the_end_is_told_once_and_after_all_that_was_said() -> None:
    with fake_warden() as fake:
        fake.say(*[Started(number, 1) for number in range(3_000)])
        fake.socket.close()
        async with asyncio.timeout(25):
            while not fake.ends:
                await asyncio.sleep(0)
        assert len(fake.heard) == 3_000
        fake.link.send(kill(1))
        fake.link.close()
        await turns()
        assert fake.ends == 1


async def test_what_is_left_to_say_is_said_before_hanging_up() -> None:
    with fake_warden() as fake:
        fake.link.send_soon(Settled((4,)))
        fake.link.send(kill(5))
        fake.link.close()
        assert fake.asked() == [kill(5), Settled((4,))]
        assert fake.socket.recv(1) == b""


async def test_a_stopped_warden_can_be_woken() -> None:
    def state(pid: int) -> str:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0]

    with fake_warden() as fake:
        pid = fake.link.process.pid
        fake.link.process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(25):
            while state(pid) != "T":
                await asyncio.sleep(0.001)
            fake.link.wake()
            while state(pid) == "T":
                await asyncio.sleep(0.001)
        assert state(pid) in "SR"


async def test_waking_one_that_is_gone_is_harmless() -> None:
    with fake_warden() as fake:
        fake.link.process.kill()
        await asyncio.to_thread(fake.link.process.wait)
        fake.link.wake()
        assert fake.link.process.returncode == -9


async def test_there_is_no_room_in_one_that_is_not_ready_or_has_ended() -> None:
    with fake_warden() as fake:
        assert fake.link.capacity == 0
        fake.link.capacity = 10
        fake.socket.close()
        await turns()
        assert fake.link.capacity == 0


async def test_what_a_warden_has_not_read_is_known() -> None:
    with fake_warden() as fake:
        assert not fake.link.is_behind()
        fake.link.send(kill(1))
        await turns()
        assert fake.link.is_behind()
        fake.asked()
        assert not fake.link.is_behind()
        fake.link.send(kill(2))
        fake.link.close()
        assert not fake.link.is_behind()


async def test_one_that_is_set_aside_has_no_room_and_gets_it_back() -> None:
    with fake_warden() as fake:
        fake.link.capacity = 10
        fake.link.set_aside()
        fake.link.set_aside()
        assert fake.link.capacity == 0
        fake.link.take_back()
        assert fake.link.capacity == 10


async def test_the_room_that_is_told_of_meanwhile_is_not_forgotten() -> None:
    with fake_warden() as fake:
        fake.link.set_aside()
        fake.link.capacity = 10
        fake.link.take_back()
        assert fake.link.capacity == 10


async def test_one_that_is_given_up_ends_once() -> None:
    with fake_warden() as fake:
        fake.link.capacity = 10
        fake.link.lose()
        fake.link.lose()
        fake.link.close()
        await turns()
        assert fake.ends == 1
        assert fake.link.capacity == 0
        assert fake.socket.recv(1) == b""
