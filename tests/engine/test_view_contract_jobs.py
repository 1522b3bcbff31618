"""What holds of the questions about tasks, jobs and resources, whoever answers."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.engine.view import JobRow, Reason, Snapshot
from tests.engine.test_engine import config_text
from tests.engine.view_ways import WAYS, Scheduler, Served, served, until

REASONS = tuple(Reason)
SLEEPS = ["/bin/sh", "-c", "exec sleep 900", "x"]
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo on; while :; do sleep 900; done", "x"]
FAILS = ["/bin/sh", "-c", 'echo failed > "$2"', "x"]
HELD, BROKEN, WAITS = JobName("held"), JobName("broken"), JobName("waits")
HERE, SLOTS, INSTANCE = NodeName("here"), ResourceName("slots"), LevelName("instance")


def config(held: list[str]) -> str:
    found = json.loads(
        config_text(
            held={"command": held, "priority": 9},
            broken={"command": FAILS, "priority": 10},
            late={"command": SLEEPS, "priority": 1},
            waits={
                "command": ["true"],
                "depends_on": ["held"],
                "config": {"token": "s3cr3t"},
            },
        )
    )
    found["bistro_settings"] |= {"scheduler": "ranked_priority"}
    return json.dumps(found, indent=2)


NOBODY = TaskId(JobName("nobody"), NodeName("d11"))


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("looked-at"), config(SLEEPS)) as serving:
        yield serving


def row(shown: Snapshot, name: JobName) -> JobRow:
    return next(one for one in shown.jobs if one.name == name)


def is_settled(shown: Snapshot) -> bool:
    failed = row(shown, BROKEN).counts.get(Reason.FAILED)
    return failed == 3 and len(shown.running) == 2


@pytest.mark.parametrize("way", WAYS)
async def test_tasks_come_in_pages_by_job_reason_and_name(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await until(view, is_settled)
    first = await view.tasks(limit=3)
    assert len(first.rows) == 3
    second = await view.tasks(after=first.next, limit=100)
    assert [one.task.job for one in (*first.rows, *second.rows)] == [
        name for name in ("held", "broken", "late", "waits") for _ in range(3)
    ]
    assert second.next is None
    failed = await view.tasks(reason=Reason.FAILED, name="d1")
    assert [str(one.task) for one in failed.rows] == ["broken@d11", "broken@d12"]
    assert all(one.since and one.attempts == 1 for one in failed.rows)
    assert failed == await looked_at.door.tasks(reason=Reason.FAILED, name="d1")
    asks: tuple[Callable[[Scheduler], Awaitable[object]], ...] = (
        lambda one: one.tasks(job=NOBODY.job),
        lambda one: one.tasks(after="nowhere"),
        lambda one: one.tasks(limit=0),
    )
    for ask in asks:
        await refused_alike(looked_at, view, ask)


async def refused_alike(
    looked_at: Served, view: Scheduler, ask: Callable[[Scheduler], Awaitable[object]]
) -> None:
    with pytest.raises(ControlRefused) as there:
        await ask(looked_at.door)
    with pytest.raises(ControlRefused) as here:
        await ask(view)
    assert str(here.value) == str(there.value)


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_told_who_has_a_resource_and_who_lacks_it(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await until(view, is_settled)
    found = await view.claims(HERE, SLOTS)
    assert (found.used, found.limit) == (2, 2)
    assert [(one.task.job, one.amount) for one in found.holders] == [(HELD, 1)] * 2
    assert sorted((one.job, one.need, one.tasks) for one in found.waiters) == [
        (HELD, 1, 1),
        ("late", 1, 3),
    ]
    assert found.waiters[0].job == "late"
    assert found.waiters[0].first.job == "late"
    assert found == await looked_at.door.claims(HERE, SLOTS)
    asks: tuple[Callable[[Scheduler], Awaitable[object]], ...] = (
        lambda one: one.claims(NodeName("d11"), SLOTS),
        lambda one: one.claims(NodeName("nowhere"), SLOTS),
        lambda one: one.claims(HERE, ResourceName("slot")),
    )
    for ask in asks:
        await refused_alike(looked_at, view, ask)


@pytest.mark.parametrize("way", WAYS)
async def test_what_the_config_says_of_a_job_is_told_in_words(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await until(view, is_settled)
    facts = await view.job_facts(HELD)
    assert facts == await looked_at.door.job_facts(HELD)
    assert facts.needed_by == (WAITS,)
    words = dict(facts.facts)
    assert words["tasks"] == "3"
    assert words["priority"] == "9"
    assert words["resources"] == "1 slots (instance)"
    assert facts.file == str(looked_at.config)
    text = looked_at.config.read_text().splitlines()
    assert '"bistro_job->held"' in text[facts.line - 1]
    assert facts.excerpt
    waits = await view.job_facts(WAITS)
    assert waits.depends_on == (HELD,)
    assert "s3cr3t" in "\n".join(waits.excerpt)
    await refused_alike(looked_at, view, lambda one: one.job_facts(NOBODY.job))


@pytest.mark.parametrize("way", WAYS)
async def test_the_state_of_every_task_of_a_job_comes_at_once(
    looked_at: Served, way: str
) -> None:
    view = looked_at.by(way)
    await until(view, is_settled)
    for _ in range(2):
        # The second time, the names need not be sent again.
        found = await view.job_grid(BROKEN)
        assert found.nodes == ("d11", "d12", "d21")
        assert [REASONS[place] for place in found.reasons] == [Reason.FAILED] * 3
    late = await view.job_grid(JobName("late"))
    assert [REASONS[place] for place in late.reasons] == [Reason.RESOURCE] * 3
    assert late == await looked_at.door.job_grid(JobName("late"))
    await refused_alike(looked_at, view, lambda one: one.job_grid(NOBODY.job))


@pytest.mark.parametrize("way", WAYS)
async def test_changes_of_one_task_or_value_happen_and_are_told(
    tmp_path: Path, way: str
) -> None:
    with served(tmp_path, config(STUBBORN)) as serving:
        scheduler = serving.by(way)
        await refused(scheduler.forgive_tasks((NOBODY,)), "there is no task")
        shown = await until(scheduler, is_settled)

        # One attempt, and at once, although SIGTERM does nothing to it.
        one = shown.running[0]
        other = scheduler.kill_task(one.task, invocation=shown.running[1].invocation)
        await refused(other, "is at attempt 1 by now: that one goes on")
        assert (await scheduler.kill_task(one.task)).startswith("stopping")
        await until(scheduler, lambda s: any(row.stopping for row in s.running))
        said = await scheduler.kill_task(
            one.task, invocation=one.invocation, at_once=True
        )
        assert said.startswith(f"killing {one.task} at once;")
        await until(scheduler, lambda s: any(row.task == one.task for row in s.ended))

        # What failed, and nothing else.
        some = tuple(TaskId(BROKEN, NodeName(node)) for node in ("d11", "d21"))
        assert await scheduler.forgive_tasks(some) == "2 tasks may run again"
        idle = scheduler.forgive_tasks((TaskId(WAITS, NodeName("d11")),))
        await refused(idle, "none of these tasks failed")

        # Values of the config.
        said = await scheduler.set_job_priority(WAITS, 2.5)
        assert said == "waits has priority 2.5 in config.json"
        await until(scheduler, lambda s: row(s, WAITS).priority == 2.5)
        said = await scheduler.set_job_priority(WAITS, 2.5)
        assert said == "waits has priority 2.5 already"
        said = await scheduler.set_limit(INSTANCE, SLOTS, 3)
        assert said == "slots of instance is limited to 3 in config.json"
        await until(scheduler, lambda s: len(s.running) == 3)
        said = await scheduler.set_limit(INSTANCE, SLOTS, 3)
        assert said == "slots of instance is limited to 3 already"
        before = serving.config.read_text()
        nan = scheduler.set_job_priority(WAITS, float("nan"))
        await refused(nan, "priority must be a number")
        none = scheduler.set_limit(INSTANCE, ResourceName("slot"), 3)
        await refused(none, "no resource .* did you mean .*slots")
        much = scheduler.set_limit(INSTANCE, SLOTS, 2**64)
        await refused(much, "whole number")
        assert serving.config.read_text() == before
        changed = json.loads(before)
        assert changed["bistro_job->waits"]["priority"] == 2.5
        # Asked twice, it waits for nobody.
        scheduler.request_stop()


async def refused(question: Awaitable[object], words: str) -> None:
    with pytest.raises(ControlRefused, match=words):
        await question
