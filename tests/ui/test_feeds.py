"""What feeds ask, and whose answers they tell."""

import asyncio

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Reason, TaskPage
from bistro_tui.present.task_columns import Surroundings
from bistro_tui.present.task_states import STATES
from bistro_tui.screens.node_feed import NodeFeed
from bistro_tui.screens.task_feed import EVERY, TaskFeed
from bistro_tui.widgets.task_list import TaskList
from tests.ui.scripted import NOW, ScriptedEngine, job, node, snapshot


class Asked(ScriptedEngine):
    """Refuses questions for failed tasks, after a while."""

    gate: asyncio.Event

    async def tasks(self, **asked: object) -> TaskPage:
        self.asked.append(("tasks", asked["reason"]))
        if asked["reason"] is Reason.FAILED:
            await self.gate.wait()
            raise ControlRefused("too old")
        return TaskPage(rows=(), next=None)


async def test_another_state_is_asked_for_at_once_and_no_late_refusal_is_told() -> None:
    engine = Asked()
    engine.gate = asyncio.Event()
    around = Surroundings()
    feed = TaskFeed(engine, TaskList(around, id="tasks"), around)
    failed, done = (
        next(state for state in STATES if state.reasons == (reason,))
        for reason in (Reason.FAILED, Reason.DONE)
    )
    shown = snapshot(jobs=(job("etl", {Reason.FAILED: 1, Reason.DONE: 1}),))
    feed.choose(failed, EVERY)
    async with asyncio.TaskGroup() as group:
        group.create_task(feed.turn(shown, NOW), name="old")
        while not engine.asked:
            await asyncio.sleep(0)
        feed.choose(done, EVERY)
        await feed.turn(shown, NOW)
        assert engine.asked[1] == ("tasks", Reason.DONE)
        engine.gate.set()
    assert feed.refusal == ""


async def test_tasks_on_a_node_are_asked_for_only_where_jobs_have_their_tasks() -> None:
    engine = Asked()
    feed = NodeFeed(engine)
    shown = snapshot(jobs=(job("etl"),))
    await feed.turn(node("rack-a", 1), shown, NOW)
    assert (engine.asked, feed.tasks) == ([], ())
    await feed.turn(node("db7", 2), shown, NOW)
    assert engine.asked == [("tasks", None)]
