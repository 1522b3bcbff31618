"""What a runner of remote workers tells, and when."""

import asyncio
from collections.abc import Sequence

import pytest

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.runners import outbox
from bistro_tui.engine.runners.outbox import MANY, Outbox
from bistro_tui.engine.runners.protocol import (
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
    RunnerReport,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.events import WorkerFacts
from tests.engine.runners.remote_world import settle

TASK, INVOCATION = TaskId(JobName("j"), NodeName("n")), InvocationId(1, 1)
STARTED = AttemptStarted(TASK, INVOCATION, 7)


class _Told:
    """An outbox, and the kinds of reports that came together."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.batches: list[list[type]] = []
        self.box = Outbox(self._take, self._workers)

    def _take(self, reports: Sequence[RunnerReport]) -> None:
        self.batches.append([type(one) for one in reports])

    def _workers(self) -> tuple[WorkerFacts, ...]:
        host = HostResources(name="h")
        return tuple(
            WorkerFacts(shard=NodeName(f"w{n}"), is_healthy=True, host=host)
            for n in range(self.number)
        )

    async def change(self) -> None:
        self.box.workers_are_others()
        await settle()


async def test_a_few_workers_are_told_of_whenever_they_change() -> None:
    told = _Told(MANY - 1)
    for _ in range(5):
        await told.change()
    assert told.batches == [[WorkersChanged]] * 5


async def test_many_are_told_of_at_once_and_then_only_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "GAP_SEC", 0.03)
    told = _Told(MANY)
    for _ in range(5):
        await told.change()
    assert told.batches == [[WorkersChanged]]
    # What does not depend on them is not held up.
    told.box.tell(STARTED)
    await settle()
    assert told.batches[1:] == [[AttemptStarted]]
    async with asyncio.timeout(25):
        while len(told.batches) < 3:
            await asyncio.sleep(0.005)
    assert told.batches[2:] == [[WorkersChanged]]
    await asyncio.sleep(0.05)
    assert len(told.batches) == 3
    await told.change()
    assert told.batches[3:] == [[WorkersChanged]]


@pytest.mark.parametrize(
    "report",
    [
        AttemptNotStarted(TASK, INVOCATION, "no"),
        AttemptLost(TASK, INVOCATION, NodeName("w1"), 66),
        WorkersAwaited(""),
    ],
)
async def test_what_makes_tasks_start_elsewhere_never_comes_before_them(
    report: RunnerReport,
) -> None:
    told = _Told(MANY)
    await told.change()
    told.box.tell(report)
    told.box.workers_are_others()
    await settle()
    assert told.batches[1:] == [[WorkersChanged, type(report)]]


async def test_at_the_end_all_is_told() -> None:
    told = _Told(MANY)
    for _ in range(2):
        await told.change()
    told.box.tell_now()
    told.box.tell_now()
    assert told.batches == [[WorkersChanged]] * 2
