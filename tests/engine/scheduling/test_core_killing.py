"""Orphans, kills, the stop and forgiving."""

import pytest

from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import KillTask, StoreStatus
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    START,
    World,
    killed,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

TERM, KILL, WAIT = KillMethod.TERM, KillMethod.KILL, KillMethod.TERM_WAIT_KILL
ONE = make_tree({"h1": ["a"]})


def test_an_orphan_is_killed_after_its_delay_with_its_jobs_method() -> None:
    kill = KillSettings(method=KILL)
    job = make_job("etl", kill_orphans=5, kill=kill)
    world = World(make_config(job), ONE)
    off = make_job("etl", enabled=False, kill_orphans=5, kill=kill)
    assert killed(world.reload(make_config(off))) == []
    assert world.core.next_due() == START.mono + 5
    assert killed(world.wait(4.9)) == []
    assert killed(world.wait(0.2)) == [("etl@a", KILL)]
    assert world.core.running()[0].stopping


def test_a_delay_of_nothing_kills_in_the_same_call() -> None:
    world = World(make_config(make_job("etl", kill_orphans=0)), ONE)
    off = make_job("etl", enabled=False, kill_orphans=0)
    assert killed(world.reload(make_config(off))) == [("etl@a", TERM)]


def test_orphans_are_never_killed_unless_the_config_says_so() -> None:
    world = World(make_config(make_job("etl")), ONE)
    assert world.reload(make_config(make_job("etl", enabled=False))) == []
    assert world.wait(1e6) == []
    assert world.core.next_due() is None


def test_a_removed_jobs_orphans_follow_the_settings() -> None:
    world = World(make_config(make_job("etl", kill_orphans=None)), ONE)
    config = make_config(kill_orphans=0.0)
    assert killed(world.reload(config)) == [("etl@a", WAIT)]
    assert world.core.counts(task_id("etl@a").job) == {Reason.RUNNING: 1}
    assert world.reason("etl@a") is Reason.RUNNING


def test_a_task_that_stops_being_an_orphan_loses_its_timer() -> None:
    on, off = (make_job("etl", enabled=e, kill_orphans=5) for e in (True, False))
    world = World(make_config(on), ONE)
    world.reload(make_config(off))
    world.wait(3)
    world.reload(make_config(on))
    assert world.wait(100) == []
    world.reload(make_config(off))
    assert killed(world.wait(4)) == []
    assert killed(world.wait(1)) == [("etl@a", TERM)]


def test_an_edited_delay_does_not_change_a_timer_that_runs() -> None:
    world = World(make_config(make_job("etl", kill_orphans=5)), ONE)
    world.reload(make_config(make_job("etl", enabled=False, kill_orphans=5)))
    world.reload(make_config(make_job("etl", enabled=False, kill_orphans=500)))
    assert killed(world.wait(5)) == [("etl@a", TERM)]


def test_a_stubborn_orphan_is_killed_again_but_not_within_its_kill_wait() -> None:
    kill = KillSettings(method=TERM, kill_wait_ms=3000)
    off = make_job("etl", enabled=False, kill_orphans=0, kill=kill)
    world = World(make_config(make_job("etl", kill=kill)), ONE)
    assert killed(world.reload(make_config(off))) == [("etl@a", TERM)]
    assert killed(world.wait(3)) == []
    assert killed(world.wait(1)) == [("etl@a", TERM)]


@pytest.mark.parametrize(
    ("tree", "is_orphan"),
    [
        (make_tree({"h1": ["b"]}), True),
        (make_tree({"h1": ["a"]}, disabled=["a"]), True),
        (make_tree({"h1": ["a"]}, disabled=["h1"]), False),
        (make_tree({"a": ["b"]}), False),
        (make_tree({"h1": ["a"], "h2": ["a"]}), False),
    ],
)
def test_a_node_orphans_its_tasks_when_no_enabled_node_has_its_name(
    tree: NodeTree, is_orphan: bool
) -> None:
    config = make_config(
        make_job("etl", kill_orphans=0), resources=limits(instance={"x": 1})
    )
    world = World(config, ONE)
    actions = world.feed(ev.NodesLoaded(tree))
    assert killed(actions) == ([("etl@a", TERM)] if is_orphan else [])


def test_no_orphan_is_killed_while_the_config_is_bad_or_the_scheduler_disabled() -> (
    None
):
    off = make_job("etl", enabled=False, kill_orphans=5)
    world = World(make_config(make_job("etl")), ONE)
    world.reload(make_config(off))
    world.feed(ev.ConfigBroken())
    assert world.core.next_due() is None
    assert world.wait(100) == []
    assert world.reload(make_config(off, enabled=False)) == []
    assert world.wait(100) == []
    assert killed(world.reload(make_config(off))) == [("etl@a", TERM)]


def test_a_kept_config_goes_on_killing_orphans_while_a_later_one_is_bad() -> None:
    off = make_job("etl", enabled=False, kill_orphans=5)
    world = World(make_config(make_job("etl")), ONE)
    world.reload(make_config(off, on_bad_config="keep"))
    world.feed(ev.ConfigBroken())
    assert killed(world.wait(5)) == [("etl@a", TERM)]


def test_an_orphans_end_is_stored_although_its_job_and_node_are_gone() -> None:
    config = make_config(make_job("etl"))
    world = World(config, ONE)
    world.reload(make_config())
    world.feed(ev.NodesLoaded(make_tree({})))
    assert world.core.running()[0].leaf == -1
    world.end("etl@a")
    assert world.core.counts(task_id("etl@a").job) == {}
    world.feed(ev.NodesLoaded(ONE))
    assert world.reload(config) == []
    assert world.reason("etl@a") is Reason.DONE


def test_a_person_kills_a_task_by_its_jobs_settings() -> None:
    kill = KillSettings(method=WAIT, kill_wait_ms=77)
    world = World(make_config(make_job("etl", kill=kill)), ONE)
    invocation = world.core.running()[0].invocation
    (action,) = world.feed(ev.KillRequested(task_id("etl@a")))
    assert killed([action]) == [("etl@a", WAIT)]
    assert getattr(action, "kill", None) == kill
    assert getattr(action, "invocation", None) == invocation
    assert world.core.running()[0].stopping
    assert world.reason("etl@a") is Reason.RUNNING


def test_a_person_kills_a_task_at_once_also_while_it_is_being_ended() -> None:
    world = World(make_config(make_job("etl", kill=KillSettings(method=TERM))), ONE)
    assert killed(world.feed(ev.KillRequested(task_id("etl@a")))) == [("etl@a", TERM)]
    at_once = ev.KillRequested(task_id("etl@a"), at_once=True)
    assert killed(world.feed(at_once)) == [("etl@a", KILL)]


def test_only_the_tasks_that_are_named_are_forgiven_as_far_as_they_failed() -> None:
    config = make_config(make_job("etl"), make_job("web"))
    world = World(config, make_tree({"h1": ["a", "b"]}))
    for task in ("etl@a", "etl@b", "web@a"):
        world.end(task, FAILED)
    tasks = tuple(map(task_id, ("etl@b", "web@b", "nobody@a")))
    (store,) = world.feed(ev.ForgiveTasks(tasks))
    assert getattr(store, "task", None) == task_id("etl@b")
    # Once is enough while that is on its way to the disk.
    assert world.feed(ev.ForgiveTasks(tasks)) == []
    assert started(world.store()) == ["etl@b"]
    assert world.reason("etl@a") is Reason.FAILED
    assert world.reason("web@a") is Reason.FAILED


def test_killing_what_does_not_run_does_nothing() -> None:
    world = World(make_config(make_job("etl")), ONE)
    assert world.feed(ev.KillRequested(task_id("nobody@a"))) == []
    world.end("etl@a", store=False)
    assert world.feed(ev.KillRequested(task_id("etl@a"))) == []


def test_a_stop_kills_every_task_so_that_it_ends_and_starts_nothing_more() -> None:
    config = make_config(
        make_job("polite", kill=KillSettings(method=TERM)),
        make_job("rude", kill=KillSettings(method=KILL)),
        resources=limits(instance={"x": 2}),
    )
    world = World(config, make_tree({"h1": ["a", "b"]}))
    actions = world.feed(ev.StopRequested())
    assert sorted(killed(actions)) == [
        (task, WAIT if "polite" in task else KILL) for task in world.running_names
    ]
    assert world.core.is_stopping
    assert world.end(world.running_names[0]) == []
    assert world.end(world.running_names[0]) == []
    assert not world.core.progress().can_progress
    assert world.core.unstored == 0


def test_a_second_stop_kills_at_once_what_is_left() -> None:
    world = World(make_config(make_job("etl")), ONE)
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", WAIT)]
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", KILL)]


def test_a_person_cannot_slow_down_the_end_of_a_scheduler_that_stops() -> None:
    world = World(make_config(make_job("etl", kill=KillSettings(method=TERM))), ONE)
    kill = ev.KillRequested(task_id("etl@a"))
    assert killed(world.feed(kill)) == [("etl@a", TERM)]
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", WAIT)]
    assert killed(world.feed(kill)) == [("etl@a", WAIT)]
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", KILL)]
    assert killed(world.feed(kill)) == [("etl@a", KILL)]


def test_the_stop_waits_as_long_for_sigterm_as_the_job_says() -> None:
    kill = KillSettings(method=TERM, kill_wait_ms=77)
    world = World(make_config(make_job("etl", kill=kill)), ONE)
    (action,) = world.feed(ev.StopRequested())
    assert isinstance(action, KillTask)
    assert action.kill == KillSettings(method=WAIT, kill_wait_ms=77)


def test_a_stop_ends_the_orphans_of_removed_jobs_by_the_settings() -> None:
    world = World(make_config(make_job("etl", kill=KillSettings(method=TERM))), ONE)
    world.reload(make_config())
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", WAIT)]


def test_a_stop_kills_a_stubborn_orphan_once_and_puts_its_end_off_no_more() -> None:
    kill = KillSettings(method=TERM, kill_wait_ms=3000)
    off = make_job("etl", enabled=False, kill_orphans=0, kill=kill)
    world = World(make_config(make_job("etl", kill=kill)), ONE)
    world.reload(make_config(off))
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", WAIT)]
    assert world.core.next_due() is None
    assert killed(world.wait(60)) == []
    assert killed(world.reload(make_config())) == []
    assert killed(world.feed(ev.StopRequested())) == [("etl@a", KILL)]


def test_forgiving_lets_failures_run_again_once_it_is_on_disk() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a", "b"]}))
    world.end("etl@a", FAILED)
    world.end("etl@b", ERROR_BACKOFF)
    actions = world.feed(ev.Forgive((task_id("etl@a").job,)))
    stores = [action for action in actions if isinstance(action, StoreStatus)]
    assert [str(one.task) for one in stores] == ["etl@a", "etl@b"]
    assert [one.status.bits for one in stores] == [Bits.ERROR, ERROR_BACKOFF]
    assert all(one.status.backoff_sec == 0 for one in stores)
    assert world.reason("etl@a") is Reason.FAILED
    assert world.reason("etl@b") is Reason.BACKOFF
    assert world.core.progress().can_progress
    assert sorted(started(world.store())) == ["etl@a", "etl@b"]
    assert world.core.next_due() is None
    assert [one.invocation for one in stores] == [None, None]


def test_a_status_names_the_attempt_that_ended_with_it() -> None:
    world = World(make_config(make_job("etl")), ONE)
    invocation = world.running[task_id("etl@a")].invocation
    world.end("etl@a", DONE, store=False)
    assert [one.invocation for one in world.unstored] == [invocation]


def test_forgiving_keeps_data_and_begins_the_backoff_list_again() -> None:
    failed = TaskStatus(bits=FAILED, time=1.0, data={"at": 9})
    world = World(make_config(make_job("etl")), ONE, {task_id("etl@a"): failed})
    world.feed(ev.Forgive((task_id("etl@a").job,)))
    world.store()
    start = world.running[task_id("etl@a")]
    assert start.prev_status is not None
    assert start.prev_status.data == {"at": 9}
    assert start.next_backoff.seconds == 10


def test_forgiving_leaves_running_and_done_tasks_and_other_jobs_alone() -> None:
    config = make_config(make_job("etl"), make_job("other"))
    world = World(config, make_tree({"h1": ["a", "b"]}))
    world.end("etl@a", DONE)
    world.end("other@a", FAILED)
    assert world.feed(ev.Forgive((task_id("etl@a").job,))) == []
    assert world.reason("other@a") is Reason.FAILED


def test_a_backoff_that_ends_while_its_forgiving_is_stored_starts_once() -> None:
    world = World(make_config(make_job("etl")), ONE)
    world.end("etl@a", ERROR_BACKOFF)
    world.feed(ev.Forgive((task_id("etl@a").job,)))
    assert world.wait(50) == []
    assert started(world.store()) == ["etl@a"]
