"""What no honest side says is found while it is decoded, and costs nothing."""

import math
import time
from typing import Any

import msgspec
import pytest

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.auth import (
    HandshakeFailed,
    Introduction,
    SchedulerSide,
    WorkerSide,
)
from bistro_tui.engine.remote.bounds import MOST_TASKS
from bistro_tui.engine.remote.complaints import Complaints
from bistro_tui.engine.remote.frames import (
    FROM_WORKERS_BYTES,
    TOGETHER_BYTES,
    decoded,
    frame_of,
)
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import (
    Answer,
    Call,
    LastLines,
    LogLine,
    Refusal,
    RunningTask,
    RunningTasks,
    TaskBackoff,
    TaskStarted,
    TaskUsage,
    Tell,
    UpdateStatus,
    WorkerTrouble,
)
from bistro_tui.engine.remote.wire import WireLost
from tests.engine.remote.sides import running, update

encode = msgspec.msgpack.encode


def changed(place: tuple[int, ...], value: object) -> bytes:
    """Return a frame with a status in which one thing is another."""
    found: Any = msgspec.msgpack.decode(encode([Call(1, update())]))
    inner = found
    for index in place[:-1]:
        inner = inner[index]
    inner[place[-1]] = value
    return encode(found)


TASK = (0, 2, 1)
"""Where the task of a status is in its frame."""


def test_a_status_is_where_the_other_tests_change_it() -> None:
    [found] = decoded(changed((*TASK, 1), [5, 6]))
    assert isinstance(found, Call)
    assert isinstance(found.body, UpdateStatus)
    assert found.body.task.invocation == InvocationId(5, 6)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((*TASK, 0), ["job\0", "n"]),
        ((*TASK, 0), ["job", "\0"]),
        ((*TASK, 1), [2**63, 1]),
        ((*TASK, 1), [1, 2**64 - 1]),
        ((*TASK, 3), {"worker": {"mem": -1}}),
        ((*TASK, 3), {"worker": {"mem": 2**63}}),
        ((*TASK, 4), [["a", "b"]] * 101),
        ((*TASK, 5), [2**63, False]),
        ((*TASK, 6), math.nan),
        ((*TASK, 6), math.inf),
        ((*TASK, 7), 2**63),
        ((*TASK, 8), 0),
        ((*TASK, 8), 2**31),
        ((0, 2, 2), "x" * (2**20 + 1)),
        ((0, 2, 6), [2**63, 0]),
    ],
)
def test_what_neither_a_config_nor_a_store_can_have_is_no_message(
    place: tuple[int, ...], value: object
) -> None:
    with pytest.raises(WireLost, match="what it sent cannot be read: "):
        decoded(changed(place, value))


@pytest.mark.parametrize(
    "news",
    [
        TaskStarted(InvocationId(1, 2), -1),
        TaskUsage(((InvocationId(1, 2), 5, math.nan, 1),)),
        TaskUsage(((InvocationId(1, 2), 2**63, 1.0, 1),)),
        LastLines(
            ((TaskId(JobName("j"), NodeName("n")), "stdout", LogLine(1, "", "", b"")),)
            * 1_001
        ),
    ],
)
def test_news_of_what_cannot_be_are_none(news: Any) -> None:
    with pytest.raises(WireLost):
        decoded(encode([Tell(news)]))


def test_a_worker_with_as_many_tasks_as_it_can_have_fits_into_a_frame() -> None:
    def task(number: int) -> RunningTask:
        return msgspec.structs.replace(
            running(number),
            resources={"worker": {"memory_mb": 10**6}, "instance": {"concurrency": 1}},
            path=(("instance", "scheduler.example.org"), ("host", "h" * 60)),
            next_backoff=TaskBackoff(3_600, False),
        )

    one = encode(Answer(1, RunningTasks(tuple(map(task, range(MOST_TASKS))))))
    assert len(one) < FROM_WORKERS_BYTES / 2
    assert len(decoded(frame_of([one]))) == 1
    more = encode(Answer(1, RunningTasks((task(1),) * (MOST_TASKS + 1))))
    with pytest.raises(WireLost, match="length <= 10000"):
        decoded(frame_of([more]))


def test_many_small_messages_in_one_frame_cost_nobody_a_second() -> None:
    many = frame_of([encode(Refusal(1, ""))] * 700_000)
    assert len(many) < FROM_WORKERS_BYTES
    took = []
    for _ in range(5):
        before = time.process_time()
        with pytest.raises(WireLost, match="too much into one frame"):
            decoded(many)
        took.append(time.process_time() - before)
    assert min(took) < 0.1
    # One that is as large as that has the frame for itself.
    large = encode(Tell(WorkerTrouble("x" * 2 * TOGETHER_BYTES)))
    assert len(decoded(frame_of([large]))) == 1


@pytest.mark.parametrize("shard", ["", "a\nb", "\x1b[2J", "\u202e", "\0", "x" * 256])
def test_a_shard_that_nobody_could_be_shown_is_refused_unheard(shard: str) -> None:
    me = Introduction(shard, InstanceId(1, 2))
    hello = WorkerSide("s" * 20, me, nonce=b"n" * 32).hello()
    side = SchedulerSide("s" * 20, nonce=b"m" * 32)
    with pytest.raises(HandshakeFailed, match="no usable name"):
        side.challenge(hello)
    # Whoever complains of it names the shard that it has.
    assert side.who is None


def test_of_each_some_complaints_a_minute_are_said_and_the_others_counted() -> None:
    complaints = Complaints(3)
    said = [complaints.of("w1", "hm", float(now)) for now in range(10)]
    assert said == ["hm"] * 3 + [""] * 7
    assert complaints.of("w2", "hm", 10.0) == "hm"
    assert complaints.of("w1", "hm", 60.0) == "hm (7 more since the last such line)"
    assert complaints.of("w1", "hm", 61.0) == "hm"
