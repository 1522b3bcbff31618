"""Whatever comes over a link ends it, or is heard; nothing else happens."""

import asyncio
import resource
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.remote.link import Link, Peer
from bistro_tui.engine.remote.messages import (
    Answer,
    Call,
    Done,
    GetRunningTasks,
    Refusal,
    Tell,
    WorkerTrouble,
)
from bistro_tui.engine.remote.rights import ASKED_BY_SCHEDULERS, ASKED_BY_WORKERS
from bistro_tui.engine.remote.wire import WireLost
from tests.engine.remote.sides import ME, Side, kill, update
from tests.faults.seeds import SCALE


class FakeWire:
    """Brings some frames, then ends."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self.sent: list[bytes] = []

    async def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    async def receive(self) -> bytes:
        if not self._frames:
            raise WireLost("no more")
        return self._frames.pop(0)

    async def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def heard(frames: list[bytes], hears: frozenset[type], *, calls: int = 0) -> Side:
    """Return the side that heard these frames over one link, after some calls."""
    side = Side()
    unexpected: list[dict[str, Any]] = []

    async def hear() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: unexpected.append(context))
        wire = FakeWire(list(frames))
        link = Link(
            wire, peer=Peer("w1", ME, "h:1"), hears=hears, handlers=side.handlers
        )
        side.links.append(link)
        for _ in range(calls):
            side.ask(GetRunningTasks(ME))
        await link.run()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(hear())
    assert unexpected == []
    assert len(side.outcomes) == calls
    assert len(side.ends) == 1
    return side


def frame(*envelopes: Call | Answer | Refusal | Tell) -> bytes:
    return msgspec.msgpack.encode(envelopes)


GOOD = frame(
    Tell(WorkerTrouble("hm")),
    Call(1, update()),
    Call(2, update(7)),
    Answer(1, Done()),
    Refusal(2, "no"),
)


@given(st.lists(st.binary(max_size=200), max_size=5))
@settings(max_examples=100 * SCALE, deadline=None)
def test_bytes_of_any_kind_end_the_link_and_nothing_more(frames: list[bytes]) -> None:
    side = heard(frames, ASKED_BY_WORKERS, calls=2)
    # Hardly any bytes are a frame; an empty list is one.
    assert not side.asked or side.ends != ["no more"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(GOOD) - 1),
            st.sampled_from(["set", "cut", "insert", "double"]),
            st.integers(0, 255),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([ASKED_BY_WORKERS, ASKED_BY_SCHEDULERS]),
)
@settings(max_examples=300 * SCALE, deadline=None)
def test_a_good_frame_that_was_changed_is_heard_or_ends_the_link(
    changes: list[tuple[int, str, int]], hears: frozenset[type]
) -> None:
    found = bytearray(GOOD)
    for at, how, byte in changes:
        match how:
            case "set":
                found[at % max(1, len(found))] = byte
            case "cut":
                del found[at:]
            case "insert":
                found.insert(at, byte)
            case _:
                found[at:at] = found[at : at + byte]
        found = found or bytearray(b"\0")
    side = heard([bytes(found), GOOD], hears, calls=2)
    assert all(type(one) in hears for one in side.asked)
    numbers = [id(one) for one in side.asked]
    assert len(numbers) == len(set(numbers))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
@settings(max_examples=100 * SCALE, deadline=None)
def test_well_formed_nonsense_ends_the_link(found: list[object]) -> None:
    side = heard([msgspec.msgpack.encode(found)], ASKED_BY_WORKERS)
    assert side.asked == []


@pytest.mark.parametrize(
    "bomb",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 1_000_000,
        b"\x91\x93\xa6Answer\x01" + b"\x91" * 1_000_000,
        b"\x91\x92\xa4Tell\x92\xa9TaskUsage\xdd\x7f\xff\xff\xff",
        b"\x91\x92\xa4Tell\x92\xadWorkerTrouble\xa2\xff\xfe",
        b"\x91\x93\xa4Call\xcf" + b"\xff" * 8 + b"\xc0",
        b"",
        b"\xc1",
    ],
)
def test_what_claims_to_be_enormous_or_deep_costs_nothing(bomb: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    side = heard([bomb], ASKED_BY_WORKERS)
    assert side.ends[0].startswith("what it sent cannot be read: ")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 32 * 1024


def test_a_number_beyond_all_bounds_is_heard_once() -> None:
    largest = 2**64 - 1
    side = heard(
        [frame(Call(largest, update())), frame(Call(largest, update()))],
        ASKED_BY_WORKERS,
    )
    assert side.asked == [update()]
    assert side.ends == ["the same request came twice"]


def test_answers_that_nobody_asked_for_are_not_heard() -> None:
    side = heard([frame(Answer(5, Done()), Refusal(-1, "x"))], ASKED_BY_SCHEDULERS)
    assert side.ends == ["no more"]


def test_after_the_frame_that_ends_a_link_nothing_is_heard() -> None:
    side = heard(
        [frame(Call(1, kill()), Call(2, update())), frame(Call(3, update()))],
        ASKED_BY_WORKERS,
    )
    assert side.asked == []
    assert side.ends == ["it has no right to ask for KillTask"]
