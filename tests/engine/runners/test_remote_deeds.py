"""What is done when the pool wants it."""

import logging
from collections.abc import Sequence
from typing import cast

import msgspec
import pytest

from bistro_tui.engine.ids import InvocationId, NodeName
from bistro_tui.engine.remote import pool_actions as todo
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.runners.awaited import Awaited
from bistro_tui.engine.runners.outbox import Outbox
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
    RunnerReport,
    WorkersChanged,
)
from bistro_tui.engine.runners.remote_calls import Asked
from bistro_tui.engine.runners.remote_deeds import RemoteDeeds
from bistro_tui.engine.runners.remote_kills import RemoteKills
from bistro_tui.engine.runners.remote_orders import adopted
from bistro_tui.engine.runners.remote_tasks import RemoteTasks
from bistro_tui.engine.runners.remote_voice import MOST, RemoteVoice
from bistro_tui.engine.runners.set_changes import SetChanges
from tests.engine.remote.pools import running
from tests.engine.runners.remote_world import settle

ONE, OTHER = running("n1", attempt=1), running("n2", attempt=2)
SUICIDE = todo.SendSuicide("w1", InstanceId(1, 1), "it is lost")


class NoKills:
    """Of attempts that nobody wants to end."""

    def over(self, invocation: InvocationId) -> None:
        return


class Looks:
    """Looks at what may be other than before, counted."""

    def __init__(self) -> None:
        self.number = 0

    def look(self) -> None:
        self.number += 1


class Done:
    """All that is done, in lists."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.told: list[RunnerReport] = []
        self.sets, self.awaited = Looks(), Looks()
        self.tasks = RemoteTasks(cast("RemoteKills", NoKills()))
        self.deeds = RemoteDeeds(
            ask=self.asked.append,
            tasks=self.tasks,
            outbox=Outbox(self.take, tuple),
            voice=RemoteVoice(),
            sets=cast("SetChanges", self.sets),
            awaited=cast("Awaited", self.awaited),
        )

    def take(self, reports: Sequence[RunnerReport]) -> None:
        self.told.extend(reports)


async def test_what_is_to_be_asked_is_asked_and_the_core_hears_nothing() -> None:
    done = Done()
    done.deeds.do([SUICIDE])
    await settle()
    assert done.asked == [SUICIDE]
    assert done.told == []


async def test_after_all_it_is_looked_for_another_set_and_another_wait() -> None:
    done = Done()
    done.deeds.do([])
    assert (done.sets.number, done.awaited.number) == (1, 1)
    done.deeds.do([SUICIDE, todo.WaitIs("w1 is missing")])
    assert (done.sets.number, done.awaited.number) == (2, 3)


async def test_what_no_worker_took_does_not_run_and_the_core_hears_why() -> None:
    done = Done()
    done.tasks.add(ONE)
    done.deeds.do([todo.NotStarted(ONE, "it is dying")])
    await settle()
    assert ONE.invocation not in done.tasks
    text = "worker w1: it is dying"
    assert done.told == [
        AttemptNotStarted(ONE.task, ONE.invocation, text, concerns_worker_only=True)
    ]


async def test_what_is_lost_does_not_run_and_the_core_hears_how_long_to_wait() -> None:
    done = Done()
    done.tasks.add(ONE)
    done.deeds.do([todo.TasksLost((todo.LostTask(ONE, 66),))])
    await settle()
    assert ONE.invocation not in done.tasks
    assert done.told == [AttemptLost(ONE.task, ONE.invocation, NodeName("w1"), 66)]


async def test_what_is_found_runs_and_all_finds_come_before_their_processes() -> None:
    done = Done()
    first = msgspec.structs.replace(ONE, pid=4711)
    done.deeds.do([todo.Adopted((first, OTHER))])
    assert done.told == []
    await settle()
    assert done.tasks.of("w1", ONE.invocation) == first
    assert done.tasks.of("w1", OTHER.invocation) == OTHER
    assert done.told[:2] == [
        AttemptAdopted(adopted(first)),
        AttemptAdopted(adopted(OTHER)),
    ]
    assert done.told[2:] == [AttemptStarted(ONE.task, ONE.invocation, 4711)]


async def test_what_an_answer_finds_is_told_before_anything_else_can_start() -> None:
    done = Done()
    done.deeds.do_answered([todo.WorkersAreOthers()])
    assert done.told == []
    done.deeds.do_answered([todo.Adopted((ONE,))])
    assert done.told == [WorkersChanged(()), AttemptAdopted(adopted(ONE))]


async def test_what_one_worker_gives_cause_for_is_not_said_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = Done()
    warnings = [todo.Warn(f"strange {number}") for number in range(3 * MOST)]
    with caplog.at_level(logging.WARNING, "bistro_tui"):
        done.deeds.do(warnings, "w1")
        assert len(caplog.records) <= MOST + 1
        caplog.clear()
        done.deeds.do(warnings)
    assert len(caplog.records) == len(warnings)
