"""What becomes of a request, over real sockets."""

import asyncio
from pathlib import Path

import pytest

from bistro_tui.engine.remote import frames
from bistro_tui.engine.remote import link as link_module
from bistro_tui.engine.remote.identity import NO_SET, MachineLock
from bistro_tui.engine.remote.messages import (
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    LogTail,
    QueryLogs,
    UpdateStatus,
    Usable,
    Worker,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import NotSent, Refused, Unknown
from tests.engine.remote.proxy import Proxy, Way
from tests.engine.remote.sides import ME, Pair, kill, running, until, update
from tests.faults.seeds import SCALE


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


async def test_both_sides_ask_and_are_answered(pair: Pair) -> None:
    async with pair.linked():
        pair.worker.ask(update())
        pair.scheduler.ask(kill())
        await until(lambda: pair.worker.outcomes and pair.scheduler.outcomes)
        assert pair.scheduler.asked == [update()]
        assert pair.worker.asked == [kill()]
        assert pair.worker.outcomes == pair.scheduler.outcomes == [Done()]
        assert pair.scheduler.link.peer.shard == "w1"
        assert pair.scheduler.link.peer.worker == ME


async def test_a_refusal_comes_with_its_text(pair: Pair) -> None:
    pair.scheduler.answers = lambda _: Refused("not now")
    async with pair.linked():
        pair.worker.ask(update())
        await until(lambda: pair.worker.outcomes)
        assert pair.worker.outcomes == [Refused("not now")]


async def test_a_refusal_comes_whatever_is_in_its_text(pair: Pair) -> None:
    # As Python has the name of a directory that is no UTF-8.
    pair.scheduler.answers = lambda _: Refused("put /data/\udcff back")
    async with pair.linked():
        pair.worker.ask(update())
        await until(lambda: pair.worker.outcomes)
        assert pair.worker.outcomes == [Refused("put /data/? back")]


async def test_an_answer_comes_never_before_the_call_returns(pair: Pair) -> None:
    async with pair.linked():
        pair.worker.link.end("enough")
        pair.worker.ask(update())
        assert pair.worker.outcomes == []
        await until(lambda: pair.worker.outcomes)
        assert pair.worker.outcomes == [NotSent("no connection: enough")]


async def test_an_answer_may_come_later_and_only_the_first_counts(pair: Pair) -> None:
    pair.scheduler.answers = None
    async with pair.linked():
        pair.worker.ask(update(1))
        pair.worker.ask(update(2))
        await until(lambda: len(pair.scheduler.waiting) == 2)
        pair.scheduler.waiting[1](Refused("second"))
        pair.scheduler.waiting[1](Done())
        pair.scheduler.waiting[0](Done())
        await until(lambda: len(pair.worker.outcomes) == 2)
        assert pair.worker.outcomes == [Refused("second"), Done()]
        assert pair.worker.link.is_open


async def test_all_that_is_said_in_a_turn_is_one_frame_in_its_order(
    pair: Pair,
) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        frames: list[int] = []

        def note(number: int, frame: bytes) -> bytes:
            frames.append(number)
            return frame

        proxy.up.change = note
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            before = len(frames)
            for number in range(100):
                pair.worker.say(f"{number}")
                pair.worker.ask(update(number))
            await until(lambda: len(pair.worker.outcomes) == 100)
            assert len(frames) == before + 1
            assert pair.scheduler.news == [WorkerTrouble(f"{n}") for n in range(100)]
            assert pair.scheduler.asked == [update(n) for n in range(100)]


def time_is_up(pair: Pair) -> None:
    """Let all that the worker has asked be unanswered for as long as it waits."""
    deadlines = pair.worker.link._deadlines
    deadlines._due = dict.fromkeys(deadlines._due, 0.0)
    deadlines._look()


async def test_no_answer_in_time_is_unknown_and_a_later_one_is_not_heard(
    pair: Pair,
) -> None:
    pair.scheduler.answers = None
    async with pair.linked():
        pair.worker.ask(update(), timeout=1_000)
        await until(lambda: pair.scheduler.waiting)
        time_is_up(pair)
        assert pair.worker.outcomes == [Unknown("no answer in time")]
        pair.scheduler.waiting[0](Done())
        pair.scheduler.say("after it")
        await until(lambda: pair.worker.news)
        assert len(pair.worker.outcomes) == 1


async def test_what_was_sent_when_the_link_ends_is_unknown(pair: Pair) -> None:
    pair.scheduler.answers = None
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            pair.worker.ask(update())
            await until(lambda: pair.scheduler.waiting)
            proxy.is_shut = True
            proxy.cut()
            await until(lambda: pair.worker.outcomes and pair.worker.ends)
            [found] = pair.worker.outcomes
            assert isinstance(found, Unknown)
            await until(lambda: pair.scheduler.ends)
            # The scheduler may answer as if nothing had been.
            pair.scheduler.waiting[0](Done())


async def test_what_was_not_sent_when_the_link_ends_is_not_done(pair: Pair) -> None:
    async with pair.linked():
        pair.worker.ask(update())
        pair.worker.link.end("enough")
        await until(lambda: pair.worker.outcomes)
        assert pair.worker.outcomes == [NotSent("enough")]
        await until(lambda: len(pair.scheduler.ends) == 1)
        assert pair.scheduler.asked == []


async def test_answers_that_were_given_are_sent_before_the_link_ends(
    pair: Pair,
) -> None:
    pair.scheduler.answers = None
    async with pair.linked():
        pair.worker.ask(update())
        await until(lambda: pair.scheduler.waiting)
        pair.scheduler.waiting[0](Refused("you may not stay"))
        pair.scheduler.link.end("it may not stay")
        await until(lambda: pair.worker.outcomes)
        assert pair.worker.outcomes == [Refused("you may not stay")]


async def test_all_that_was_said_before_the_end_arrives_however_much(
    pair: Pair,
) -> None:
    async with pair.linked():
        for _ in range(300):
            pair.scheduler.say("x" * 30_000)
        pair.scheduler.link.end("enough")
        await until(lambda: pair.worker.ends)
        assert len(pair.worker.news) == 300


async def test_a_link_to_who_does_not_read_ends_in_time_nevertheless(
    pair: Pair,
) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving(), pair.dialing(proxy.port) as dialer:
            await until(lambda: pair.worker.links)
            proxy.stop(Way.UP)
            proxy.stop(Way.DOWN)
            for _ in range(200):
                pair.worker.link.tell(WorkerTrouble("x" * 100_000))
            pair.worker.link.end("enough")
            await until(lambda: dialer.link is None)
            assert pair.worker.ends == ["enough"]
            proxy.is_shut = True


async def test_the_outcomes_come_before_the_end(pair: Pair) -> None:
    async with pair.linked():
        link = pair.worker.link
        link.call(update(), lambda _: pair.worker.ends.append("an outcome"))
        link.end("enough")
        await until(lambda: len(pair.worker.ends) == 2)
        assert pair.worker.ends == ["an outcome", "enough"]


async def test_a_lost_link_is_made_again(pair: Pair) -> None:
    async with pair.linked():
        pair.scheduler.link.end("for a test")
        await until(lambda: len(pair.worker.links) == 2)
        await until(lambda: len(pair.scheduler.links) == 2)
        pair.worker.ask(update())
        await until(lambda: pair.worker.outcomes)
        assert pair.worker.outcomes == [Done()]
        assert pair.worker.ends == ["the connection was closed"]


async def test_a_handler_that_raises_ends_nothing(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> Done:
        raise ValueError("a defect")

    pair.scheduler.answers = fail
    async with pair.linked():
        pair.worker.ask(update(), timeout=1_000)
        await until(lambda: "a defect" in caplog.text)
        time_is_up(pair)
        assert pair.worker.outcomes == [Unknown("no answer in time")]
        assert pair.worker.link.is_open
    assert "a defect" in caplog.text


async def test_what_has_no_encoding_is_not_sent(pair: Pair) -> None:
    async with pair.linked():
        pair.scheduler.ask(
            QueryLogs((), ("\udcff",), (), None, True, 1, "", ""), timeout=5.0
        )
        await until(lambda: pair.scheduler.outcomes)
        [found] = pair.scheduler.outcomes
        assert isinstance(found, NotSent)
        assert "cannot be sent" in found.text
        assert pair.scheduler.link.is_open


async def test_a_message_that_is_too_large_is_not_sent(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "LARGEST_BYTES", 1000)
    async with pair.linked():
        status = "x" * 1000
        pair.worker.ask(UpdateStatus(running(), status, "", None, None, ME, ME))
        await until(lambda: pair.worker.outcomes)
        assert isinstance(pair.worker.outcomes[0], NotSent)
        assert pair.worker.link.is_open


async def test_a_large_message_arrives_whole(pair: Pair) -> None:
    text = "x" * (5 * 1024 * 1024)
    async with pair.linked():
        pair.worker.say(text)
        await until(lambda: pair.scheduler.news)
        assert pair.scheduler.news == [WorkerTrouble(text)]


async def test_an_answer_of_another_kind_is_unknown_and_ends_the_link(
    pair: Pair,
) -> None:
    pair.worker.answers = lambda _: LogTail((), {}, False, 0)
    async with pair.linked():
        pair.scheduler.ask(GetRunningTasks(ME))
        await until(lambda: pair.scheduler.ends)
        assert pair.scheduler.outcomes == [Unknown("it answered with LogTail")]


async def test_a_worker_cannot_give_its_scheduler_orders(pair: Pair) -> None:
    async with pair.linked():
        pair.worker.ask(kill())
        await until(lambda: pair.scheduler.ends)
        assert pair.scheduler.ends == ["it has no right to ask for KillTask"]
        assert pair.scheduler.asked == []
        await until(lambda: pair.worker.outcomes)
        assert isinstance(pair.worker.outcomes[0], Unknown)


async def test_a_request_that_comes_twice_is_done_once(pair: Pair) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        # After the greeting and the proof.
        proxy.up.twice = {2}
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            pair.worker.ask(update())
            await until(lambda: pair.scheduler.ends)
            assert pair.scheduler.asked == [update()]
            assert pair.scheduler.ends == ["the same request came twice"]


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_a_lost_frame_leaves_its_calls_unknown_and_no_others(
    pair: Pair, lost: int
) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        # After the greeting and the proof.
        proxy.up.drop = {2 + lost}
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            for number in range(3):
                before = len(proxy.seen[Way.UP])
                pair.worker.ask(update(number), timeout=1_000)
                await until(lambda: len(proxy.seen[Way.UP]) > before)  # noqa: B023 - called at once
            await until(lambda: len(pair.worker.outcomes) == 2)
            time_is_up(pair)
            kept = [number for number in range(3) if number != lost]
            assert pair.scheduler.asked == [update(number) for number in kept]
            assert sorted(map(str, pair.worker.outcomes)) == sorted(
                map(str, [Done(), Done(), Unknown("no answer in time")])
            )


async def test_a_slow_line_in_single_bytes_changes_nothing(pair: Pair) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        proxy.up.piece_bytes = proxy.down.piece_bytes = 1
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            for number in range(5):
                pair.worker.ask(update(number))
            await until(lambda: len(pair.worker.outcomes) == 5)
            assert pair.scheduler.asked == [update(number) for number in range(5)]


async def test_cut_at_any_byte_a_request_is_done_at_most_once_and_has_an_outcome(
    pair: Pair,
) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving():
            async with pair.dialing(proxy.port):
                await until(lambda: pair.worker.links)
                begun = len(proxy.seen[Way.UP])
                pair.worker.ask(update())
                await until(lambda: pair.worker.outcomes)
                whole = len(proxy.seen[Way.UP])
            pair.worker.outcomes.clear()
            pair.scheduler.asked.clear()
            for at in range(begun, whole, max(1, 7 // SCALE)):
                proxy.up.cut_after = at
                pair.worker.links.clear()
                async with pair.dialing(proxy.port):
                    await until(lambda: pair.worker.links)
                    pair.worker.ask(update(at))
                    await until(lambda: pair.worker.outcomes)
                found = pair.worker.outcomes.pop()
                assert isinstance(found, Unknown | NotSent)
                assert pair.scheduler.asked.count(update(at)) == 0


@pytest.mark.parametrize("way", Way)
async def test_cut_at_any_byte_of_the_handshake_a_worker_comes_in_with_the_next_try(
    pair: Pair, way: Way
) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving():
            async with pair.dialing(proxy.port):
                await until(lambda: pair.worker.links)
                whole = len(proxy.seen[way])
            for at in range(0, whole, max(1, 29 // SCALE)):
                before = proxy.connections
                proxy.faults[way].cut_after = at
                pair.worker.links.clear()
                async with pair.dialing(proxy.port):
                    await until(lambda: proxy.connections > before + 1)  # noqa: B023 - called at once
                    assert not pair.worker.links
                    proxy.faults[way].cut_after = None
                    await until(lambda: pair.worker.links)


async def test_who_does_not_read_loses_the_link_and_nobody_else_waits(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "MOST_UNSENT_BYTES", 1024 * 1024)
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            proxy.stop(Way.UP)
            link = pair.worker.link
            for _ in range(2000):
                if not link.is_open:
                    break
                link.tell(WorkerTrouble("x" * 50_000))
                await asyncio.sleep(0)
            assert link.over == "it does not read what it is sent"
            proxy.go_on(Way.UP)


async def test_a_call_that_could_not_leave_in_time_is_not_sent_later(
    pair: Pair,
) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links)
            proxy.stop(Way.UP)
            # Until nothing leaves any more.
            for _ in range(200):
                pair.worker.link.tell(WorkerTrouble("x" * 100_000))
                await asyncio.sleep(0)
            pair.worker.ask(update(), timeout=0.02)
            await until(lambda: pair.worker.outcomes)
            assert pair.worker.outcomes == [NotSent("no answer in time")]
            proxy.go_on(Way.UP)
            pair.worker.ask(update(2))
            await until(lambda: len(pair.worker.outcomes) == 2)
            assert pair.scheduler.asked == [update(2)]


async def test_a_silent_line_ends_the_link_on_both_sides(pair: Pair) -> None:
    pair.limits = type(pair.limits)(
        ping_sec=0.1, first_retry_sec=0.01, longest_retry_sec=0.05
    )
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.worker.links and pair.scheduler.links)
            proxy.stop(Way.UP)
            proxy.stop(Way.DOWN)
            await until(lambda: pair.worker.ends and pair.scheduler.ends)
            assert "no sign of life" in pair.worker.ends[0]
            assert "no sign of life" in pair.scheduler.ends[0]
            proxy.go_on(Way.UP)
            proxy.go_on(Way.DOWN)
            await until(lambda: len(pair.worker.links) > 1)


async def test_others_have_the_loop_while_much_is_heard(pair: Pair) -> None:
    async with pair.linked():
        for number in range(20_000):
            pair.worker.say(f"{number}")
        most, before = 0, 0
        while before < 20_000:
            await asyncio.sleep(0)
            heard = len(pair.scheduler.news)
            most, before = max(most, heard - before), heard
        assert most < 10_000


async def test_heartbeats_go_over_a_link_and_bring_all_they_have(pair: Pair) -> None:
    reply = HeartbeatReply(ME, 1.0, 2.0, 3.0, 4.0, 1, 2, NO_SET, None, 5000)
    pair.scheduler.answers = lambda _: reply
    worker = Worker("w1", MachineLock("h", 0, "l"), ME, 15.0, Usable())
    async with pair.linked():
        pair.worker.ask(Heartbeat(worker, NO_SET))
        await until(lambda: pair.worker.outcomes)
        assert pair.scheduler.asked == [Heartbeat(worker, NO_SET)]
        assert pair.worker.outcomes == [reply]
