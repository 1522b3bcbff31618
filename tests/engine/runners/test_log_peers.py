"""A worker is asked for its lines over the connection that there is."""

import asyncio

import pytest

from bistro_tui.engine.logs.peers import HasLogPeers, LogPeer, PeerAway
from bistro_tui.engine.remote.link import Answered
from bistro_tui.engine.remote.messages import (
    Done,
    LastLines,
    LogLine,
    LogLines,
    LogTail,
    QueryLogs,
    ReadLog,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.runners.log_peers import LinkPeer
from tests.engine.logs.builders import task

LINES = LogLines(lines=(), next_line_id=None)
TAIL = LogTail(lines=(), partial={}, is_running=False, last_id=0)
QUESTION = QueryLogs(
    log_types=(), jobs=(), nodes=(), line_id=None, ascending=True, limit=1, regex="",
    text="",
)  # fmt: skip


class Wire:
    """Answers each question with what it is given."""

    def __init__(self, outcome: Outcome | None) -> None:
        self.outcome = outcome
        self.asked: list[QueryLogs | ReadLog] = []
        self.late: list[Answered] = []

    def __call__(
        self, body: QueryLogs | ReadLog, answered: Answered, *, timeout: float | None
    ) -> None:
        assert timeout is not None
        self.asked.append(body)
        if self.outcome is None:
            self.late.append(answered)
        else:
            asyncio.get_running_loop().call_soon(answered, self.outcome)


async def test_its_answers_are_those_of_the_worker() -> None:
    assert await LinkPeer("a", Wire(LINES)).query(QUESTION) == LINES
    asked = ReadLog(task=task(), after=1, limit=2)
    wire = Wire(TAIL)
    assert await LinkPeer("a", wire).read(asked) == TAIL
    assert wire.asked == [asked]


@pytest.mark.parametrize(
    "outcome",
    [NotSent("not connected"), Refused("no"), Unknown("reset"), Done(), TAIL],
)
async def test_anything_else_is_no_answer(outcome: Outcome) -> None:
    text = getattr(outcome, "text", "answered something else")
    with pytest.raises(PeerAway, match=text):
        await LinkPeer("a", Wire(outcome)).query(QUESTION)


async def test_an_answer_that_nobody_waits_for_any_more_is_dropped() -> None:
    wire = Wire(None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await LinkPeer("a", wire).query(QUESTION)
    wire.late[0](LINES)


def test_new_and_healthy_workers_are_asked() -> None:
    peer = LinkPeer("a", Wire(None))
    found: list[tuple[bool, bool]] = []
    for state in WorkerState:
        peer.state = state
        found.append((peer.is_queryable, peer.is_lost))
    assert found == [(True, False), (True, False), (False, False), (False, True)]


def test_it_remembers_the_newest_line_that_was_told_of() -> None:
    made = LinkPeer("a", Wire(None))
    peer: LogPeer = made
    for line_id in (7, 5):
        row = LogLine(line_id=line_id, job="etl", node="db7", line=b"x\n")
        made.heard(LastLines(rows=((task(), "stdout", row),)))
    assert peer.newest_id == 7


def test_a_runner_of_workers_is_known_by_its_peers() -> None:
    class Runner:
        def log_peers(self) -> list[LogPeer]:
            return []

    assert isinstance(Runner(), HasLogPeers)
    assert not isinstance(object(), HasLogPeers)
