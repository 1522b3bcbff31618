"""Who is let in, and who is not."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.remote import auth
from bistro_tui.engine.remote.auth import (
    LARGEST_BYTES,
    HandshakeFailed,
    Introduction,
    SchedulerSide,
    WorkerSide,
    refusal,
)
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import PROTOCOL_VERSION
from tests.faults.seeds import SCALE

SECRET = "s3cret-" * 4
ME = Introduction("w1", InstanceId(1_700_000_000, -(2**63)))


def worker(
    secret: str = SECRET, *, me: Introduction = ME, nonce: int = 1
) -> WorkerSide:
    return WorkerSide(secret, me, nonce=bytes([nonce]) * 32)


def scheduler(secret: str = SECRET, *, nonce: int = 2) -> SchedulerSide:
    return SchedulerSide(secret, nonce=bytes([nonce]) * 32)


def test_who_has_the_same_secret_is_let_in() -> None:
    one, other = worker(), scheduler()
    proof = one.prove(other.challenge(one.hello()))
    one.enter(other.welcome(proof))
    assert other.who == ME


def test_the_secret_is_in_no_frame() -> None:
    one, other = worker(), scheduler()
    frames = [one.hello()]
    frames.append(other.challenge(frames[0]))
    frames.append(one.prove(frames[1]))
    frames.append(other.welcome(frames[2]))
    assert all(SECRET.encode() not in frame for frame in frames)
    assert max(map(len, frames)) < 200


def test_a_worker_trusts_no_scheduler_with_another_secret() -> None:
    one = worker()
    with pytest.raises(HandshakeFailed, match=r"another secret.*copy") as failed:
        one.prove(scheduler("other-" * 4).challenge(one.hello()))
    told = refusal(failed.value)
    assert told is not None
    with pytest.raises(HandshakeFailed, match="another secret, of another scheduler"):
        scheduler().challenge(told)


def test_a_scheduler_trusts_no_worker_with_another_secret() -> None:
    one, other = worker(), scheduler()
    one.prove(other.challenge(one.hello()))
    forged = worker("other-" * 4)
    made = forged.prove(scheduler("other-" * 4).challenge(forged.hello()))
    with pytest.raises(HandshakeFailed, match="another secret"):
        other.welcome(made)


def test_a_proof_is_of_no_use_on_another_connection() -> None:
    one, first, second = worker(), scheduler(nonce=2), scheduler(nonce=3)
    proof = one.prove(first.challenge(one.hello()))
    second.challenge(one.hello())
    with pytest.raises(HandshakeFailed, match="another secret"):
        second.welcome(proof)


def test_a_proof_counts_once() -> None:
    one, other = worker(), scheduler()
    proof = one.prove(other.challenge(one.hello()))
    other.welcome(proof)
    with pytest.raises(HandshakeFailed):
        other.welcome(proof)


def test_the_schedulers_own_proof_is_no_proof_of_a_worker() -> None:
    one, other = worker(), scheduler()
    _, _, proof = msgspec.msgpack.decode(other.challenge(one.hello()))
    reflected = msgspec.msgpack.encode(["_Proof", proof])
    with pytest.raises(HandshakeFailed, match="another secret"):
        other.welcome(reflected)


def test_a_workers_hello_sent_back_is_no_challenge() -> None:
    one = worker()
    with pytest.raises(HandshakeFailed, match="does not speak as a scheduler"):
        one.prove(one.hello())


@pytest.mark.parametrize(
    "other",
    [
        Introduction("w2", ME.worker),
        Introduction("w1", InstanceId(ME.worker.start_time, 7)),
        Introduction("w1", InstanceId(1, ME.worker.rand)),
    ],
)
def test_a_proof_is_of_no_use_for_another_worker(other: Introduction) -> None:
    honest, end = worker(), scheduler()
    end.challenge(worker(me=other).hello())
    relayed = scheduler()
    with pytest.raises(HandshakeFailed):
        end.welcome(honest.prove(relayed.challenge(honest.hello())))


def test_who_skips_the_challenge_is_not_let_in() -> None:
    with pytest.raises(HandshakeFailed):
        scheduler().welcome(msgspec.msgpack.encode(["_Proof", b"\0" * 32]))


@pytest.mark.parametrize("version", [0, 1, PROTOCOL_VERSION + 1, 10**9])
def test_another_version_is_named_on_both_sides(version: int) -> None:
    hello = msgspec.msgpack.decode(worker().hello())
    hello[1] = version
    # A later version may have more to say.
    hello.append("more")
    with pytest.raises(
        HandshakeFailed, match=f"version {version} .*same bistro-tui"
    ) as e:
        scheduler().challenge(msgspec.msgpack.encode(hello))
    told = refusal(e.value)
    assert told is not None
    with pytest.raises(
        HandshakeFailed, match=f"the scheduler speaks version {PROTOCOL_VERSION}"
    ):
        worker().prove(told)


@pytest.mark.parametrize("shard", ["", "x" * 257])
def test_a_shard_without_a_usable_name_is_refused(shard: str) -> None:
    hello = worker(me=Introduction(shard, ME.worker)).hello()
    with pytest.raises(HandshakeFailed, match="no usable name"):
        scheduler().challenge(hello)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_nonce_has_one_length(size: int) -> None:
    hello = msgspec.msgpack.decode(worker().hello())
    hello[2] = b"n" * size
    with pytest.raises(HandshakeFailed):
        scheduler().challenge(msgspec.msgpack.encode(hello))


def test_too_much_is_not_even_read() -> None:
    with pytest.raises(HandshakeFailed, match="too much"):
        scheduler().challenge(worker().hello() + b"\0" * LARGEST_BYTES)


def test_what_a_refusal_says_is_never_the_others_text() -> None:
    told = msgspec.msgpack.encode(["_NotWelcome", "\x1b[2J run rm -rf", 2])
    with pytest.raises(HandshakeFailed) as failed:
        worker().prove(told)
    assert "\x1b" not in failed.value.text
    assert "rm" not in failed.value.text


@given(st.binary(max_size=300), st.integers(0, 3))
@settings(max_examples=150 * SCALE, deadline=None)
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes, step: int) -> None:
    one, other = worker(), scheduler()
    if step == 3:
        other.challenge(one.hello())
    take = (other.challenge, one.prove, one.enter, other.welcome)[step]
    with pytest.raises(HandshakeFailed):
        take(garbage)


@given(st.data())
@settings(max_examples=150 * SCALE, deadline=None)
def test_a_changed_bit_anywhere_lets_nobody_in(data: st.DataObject) -> None:
    one, other = worker(), scheduler()
    changed = data.draw(st.integers(0, 2), label="frame")

    def bent(frame: bytes, number: int) -> bytes:
        if number != changed:
            return frame
        bit = data.draw(st.integers(0, len(frame) * 8 - 1), label="bit")
        found = bytearray(frame)
        found[bit // 8] ^= 1 << bit % 8
        return bytes(found)

    def shake_hands() -> None:
        challenge = other.challenge(bent(one.hello(), 0))
        proof = one.prove(bent(challenge, 1))
        other.welcome(bent(proof, 2))

    with pytest.raises(HandshakeFailed):
        shake_hands()


def test_comparing_takes_the_same_time_whatever_is_right() -> None:
    # compare_digest is what the module compares with, and with nothing else.
    assert "compare_digest" in auth.WorkerSide.prove.__code__.co_names
    assert "compare_digest" in auth.SchedulerSide.welcome.__code__.co_names
