"""What the core answers when it is asked."""

import pytest

from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Job, NodeOrder
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.job_summary import Blocker
from bistro_tui.engine.scheduling.progress import JobProgress
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    task_id,
)

ETL = JobName("etl")
TREE = make_tree({"h1": ["a", "b"], "h2": ["c", "d"]})


def busy_world() -> World:
    """Two of four tasks run: one on each host."""
    return World(make_config(make_job("etl"), resources=limits(host={"x": 1})), TREE)


def test_a_blocked_task_names_the_resource_its_holders_and_what_would_help() -> None:
    tree = make_tree({"h1": ["a", "b", "c", "d"]})
    world = World(make_config(make_job("etl"), resources=limits(host={"x": 3})), tree)
    found = world.explain("etl@a")
    assert found.reason is Reason.RESOURCE
    assert [str(task) for task in found.holders] == ["etl@d", "etl@c", "etl@b"]
    assert found.would_run_if == (
        "runs when one of the 3 holders of x on h1 ends, or its limit grows to 4"
    )
    blocker = next(check for check in found.checks if not check.ok)
    assert blocker.check == "resources of h1"
    assert blocker.text == "needs 1 x, 3/3 used on h1"


def test_the_chain_of_checks_goes_on_after_the_first_blocker() -> None:
    world = busy_world()
    world.reload(
        make_config(make_job("etl", enabled=False), resources=limits(host={"x": 1}))
    )
    found = world.explain("etl@a")
    assert found.reason is Reason.JOB_DISABLED
    assert found.would_run_if == "runs when etl is enabled"
    assert [check.check for check in found.checks] == [
        "not_running",
        "not_done",
        "not_failed",
        "job_valid",
        "job_enabled",
        "node_enabled",
        "filters",
        "backoff",
        "dependencies",
        "config",
        "scheduler_enabled",
        "starts",
        "resources of top",
        "resources of h1",
        "resources of a",
        "worker",
    ]
    assert [check.check for check in found.checks if not check.ok] == [
        "job_enabled",
        "resources of h1",
    ]


def test_what_a_task_waits_for_is_said_in_words() -> None:
    failed = {task_id("bad@a"): TaskStatus(bits=FAILED, time=1.0)}
    config = make_config(
        make_job("bad"),
        make_job("next", depends_on=["bad", "gone"]),
        make_job("big", needs={"x": 9}),
        make_job("picky", filters={"host": LevelFilter(whitelist=frozenset({"h9"}))}),
        make_job("broken", errors=["owner: missing"]),
        resources=limits(host={"x": 4}),
    )
    world = World(config, make_tree({"h1": ["a"]}), failed)
    assert {
        name: world.explain(f"{name}@a").would_run_if
        for name in ("bad", "next", "big", "picky", "broken")
    } == {
        "bad": "runs when the failures of bad are forgiven",
        "next": "runs when bad, gone are done on a",
        "big": "runs when the limit of x on h1 grows from 4 to 9",
        "picky": "runs when the filters of picky accept host (h1)",
        "broken": "runs when the errors of broken in the config are fixed",
    }
    texts = [check.text for check in world.explain("next@a").checks]
    assert "the config has no job gone" in texts


def test_enough_holders_are_asked_for_when_one_would_not_do() -> None:
    jobs = make_job("small"), make_job("large", level="host", needs={"x": 3})
    tree = make_tree({"h1": ["a", "b", "c"]})
    resources = limits(host={"x": 3})
    world = World(make_config(jobs[0], resources=resources), tree)
    world.reload(make_config(*jobs, resources=resources))
    assert world.explain("large@h1").would_run_if == (
        "runs when enough of the 3 holders of x on h1 end, or its limit grows to 6"
    )


def test_a_backoff_is_explained_with_the_time_that_is_left() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    world.end("etl@a", ERROR_BACKOFF)
    world.wait(4)
    found = world.explain("etl@a")
    assert found.reason is Reason.BACKOFF
    assert found.would_run_if == "runs when its backoff ends, in 6 s"
    assert found.checks[7].text == "waits 10 s after error_backoff, 6 s left"


def test_running_and_done_tasks_need_nothing_more() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a", "b"]}))
    world.end("etl@a")
    for task, reason in (("etl@a", Reason.DONE), ("etl@b", Reason.RUNNING)):
        found = world.explain(task)
        assert found.reason is reason
        assert found.would_run_if == ""
        assert not found.checks[-1].ok


def test_a_long_exception_is_cut_in_the_explanation() -> None:
    status = TaskStatus(bits=FAILED, time=1.0, data={"exception": "x" * 9999})
    tree = make_tree({"h1": ["a"]})
    world = World(make_config(make_job("etl")), tree, {task_id("etl@a"): status})
    assert len(world.explain("etl@a").checks[2].text) < 250


def test_a_task_that_nobody_knows_is_a_key_error() -> None:
    world = busy_world()
    for task in ("etl@nowhere", "nobody@a"):
        assert not world.core.knows(task_id(task))
        with pytest.raises(KeyError):
            world.core.reason(task_id(task))
        with pytest.raises(KeyError):
            world.explain(task)
    assert world.core.counts(JobName("nobody")) == {}
    assert world.core.tasks_of(JobName("nobody")) == []


def test_tasks_come_in_fetch_order_with_strays_last() -> None:
    world = busy_world()
    world.feed(ev.NodesLoaded(make_tree({"h1": ["a", "b"]})))
    assert [(str(task), reason) for task, reason in world.core.tasks_of(ETL)] == [
        ("etl@a", Reason.RESOURCE),
        ("etl@b", Reason.RUNNING),
        ("etl@d", Reason.RUNNING),
    ]
    assert world.core.counts(ETL) == {Reason.RUNNING: 2, Reason.RESOURCE: 1}


def paths(world: World) -> list[tuple[int, ...]]:
    return [world.core.tree.path(one.leaf) for one in world.core.running()]


def test_use_of_a_node_and_path_of_an_attempt_follow_the_tree() -> None:
    world = busy_world()
    assert world.core.usage(2) == (("x", 1, 1),)
    assert world.core.usage(0) == ()
    assert paths(world) == [(0, 2, 6), (0, 1, 4)]
    world.feed(ev.NodesLoaded(make_tree({"h0": [], "h2": ["d"]})))
    assert paths(world) == [(0, 2, 3), ()]
    assert world.core.usage(2) == (("x", 1, 1),)


def test_a_job_is_summed_up_with_the_blocking_resources_by_name() -> None:
    config = make_config(
        make_job("etl"),
        make_job("load", depends_on=["etl"]),
        resources=limits(instance={"c": 3}, host={"x": 1}),
    )
    world = World(config, TREE)
    summary = world.core.why_job(ETL)
    assert summary.counts == {Reason.RUNNING: 2, Reason.RESOURCE: 2}
    assert summary.blockers == (
        Blocker(
            reason=Reason.RESOURCE,
            name="x on h1",
            tasks=1,
            would_run_if="one runs when the holder of x on h1 ends,"
            " or its limit grows to 2",
        ),
        Blocker(
            reason=Reason.RESOURCE,
            name="x on h2",
            tasks=1,
            would_run_if="one runs when the holder of x on h2 ends,"
            " or its limit grows to 2",
        ),
    )
    (waits,) = world.core.why_job(JobName("load")).blockers
    assert (waits.reason, waits.name, waits.tasks) == (Reason.DEPENDENCY, "etl", 4)


def test_a_summary_says_what_keeps_all_tasks_from_starting() -> None:
    world = busy_world()
    world.feed(ev.StartsPaused("disk", "the disk is full"))
    summary = world.core.why_job(ETL)
    assert summary.closed == "the disk is full"
    assert summary.counts == {Reason.RUNNING: 2, Reason.PAUSED: 2}
    assert summary.blockers == ()


def test_progress_counts_owed_tasks_only() -> None:
    statuses = {
        task_id("etl@a"): TaskStatus(bits=DONE, time=1.0),
        task_id("etl@b"): TaskStatus(bits=FAILED, time=1.0),
        task_id("off@a"): TaskStatus(bits=DONE, time=1.0),
        task_id("etl@c"): TaskStatus(bits=DONE, time=1.0),
    }
    tree = make_tree({"h1": ["a", "b"], "h2": ["c"]}, disabled=["h2"])
    config = make_config(make_job("etl"), make_job("off", enabled=False))
    progress = World(config, tree, statuses).core.progress()
    assert progress.jobs == {
        "etl": JobProgress(done=1, failed=1, blocked=0),
        "off": JobProgress(done=0, failed=0, blocked=0),
    }
    assert (progress.done, progress.failed, progress.blocked) == (1, 1, 0)
    assert not progress.can_progress
    assert not progress.is_all_done


def test_running_backing_off_and_waiting_tasks_can_progress_until_all_is_done() -> None:
    world = busy_world()
    assert world.core.progress().can_progress
    world.end("etl@b", ERROR_BACKOFF)
    for task in ("etl@d", "etl@c", "etl@a"):
        world.end(task)
    assert world.core.progress().can_progress
    world.wait(10)
    world.end("etl@b")
    assert not world.core.progress().can_progress
    assert world.core.progress().is_all_done


@pytest.mark.parametrize(
    "job",
    [
        make_job("etl", needs={"x": 9}),
        make_job("etl", needs={"ram": 9}),
        make_job("etl", depends_on=["nobody"]),
        make_job("etl", enabled=False),
        make_job("etl", errors=["owner: missing"]),
    ],
    ids=["never fits a node", "never fits the worker", "waits", "off", "invalid"],
)
def test_what_can_never_run_is_no_progress(job: Job) -> None:
    resources = limits(host={"x": 4}, worker={"ram": 4})
    world = World(make_config(job, resources=resources), TREE)
    assert not world.core.progress().can_progress


def test_what_fits_only_after_a_task_that_is_not_owed_ended_can_progress() -> None:
    resources = limits(instance={"c": 1})
    tree = make_tree({"h1": ["a"]})
    world = World(make_config(make_job("old"), resources=resources), tree)
    world.reload(make_config(make_job("etl"), resources=resources))
    assert world.reason("etl@a") is Reason.RESOURCE
    assert world.core.progress().can_progress


def test_a_dependency_on_a_task_that_still_runs_can_progress_even_if_disabled() -> None:
    load = make_job("load", depends_on=["etl"])
    tree = make_tree({"h1": ["a"]})
    world = World(make_config(make_job("etl"), load), tree)
    off = make_config(make_job("etl", enabled=False), load)
    world.reload(off)
    assert world.core.progress().can_progress
    world.end("etl@a", FAILED)
    assert not world.core.progress().can_progress


def test_a_bad_config_or_a_disabled_scheduler_lets_only_running_tasks_progress() -> (
    None
):
    config = make_config(make_job("etl"), resources=limits(instance={"c": 1}))
    world = World(config, make_tree({"h1": ["a", "b"]}))
    world.feed(ev.ConfigBroken())
    assert world.core.progress().can_progress
    world.end("etl@b")
    assert not world.core.progress().can_progress
    world.reload(make_config(make_job("etl"), enabled=False))
    assert not world.core.progress().can_progress
    world.reload(make_config(make_job("etl"), order=NodeOrder.LEXICOGRAPHIC))
    assert world.core.progress().can_progress


def test_a_pause_is_expected_to_end() -> None:
    world = World(make_config(make_job("etl"), enabled=False), TREE)
    world.feed(ev.StartsPaused("disk", "the disk is full"))
    world.reload(make_config(make_job("etl")))
    assert world.running == {}
    assert world.core.progress().can_progress
