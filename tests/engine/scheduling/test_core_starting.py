"""What starts, when, and with what."""

import random
from dataclasses import replace

import pytest

from bistro_tui.engine.config.backoff import Backoff, BackoffDuration
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Config, NodeOrder, PolicyName
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    INCOMPLETE_BACKOFF,
    START,
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

TREE = make_tree({"h1": ["a", "b"], "h2": ["c", "d"]})


def test_without_limits_every_task_starts_from_the_end_of_the_node_order() -> None:
    world = World(make_config(make_job("etl")), TREE)
    assert started(world.first) == ["etl@d", "etl@c", "etl@b", "etl@a"]


def test_lexicographic_order_starts_in_reverse_alphabetical_order() -> None:
    tree = make_tree({"h2": ["zeta", "alpha"], "h1": ["mid"]})
    config = make_config(make_job("etl"), order=NodeOrder.LEXICOGRAPHIC)
    assert started(World(config, tree).first) == ["etl@zeta", "etl@mid", "etl@alpha"]


def test_random_order_differs_by_seed_and_is_the_same_for_the_same_seed() -> None:
    tree = make_tree({"h": [f"db{i}" for i in range(20)]})
    config = make_config(make_job("etl"), order=NodeOrder.RANDOM)
    first, same, other = (started(World(config, tree, seed=s).first) for s in (1, 1, 2))
    assert first == same
    assert sorted(first) == sorted(other)
    assert first != other


@pytest.mark.parametrize("missing", range(3))
def test_nothing_starts_before_config_nodes_and_statuses_are_all_there(
    missing: int,
) -> None:
    events: list[ev.Event] = [
        ev.StatusesLoaded({}),
        ev.NodesLoaded(TREE),
        ev.ConfigLoaded(make_config(make_job("etl"))),
    ]
    last = events.pop(missing)
    world = World()
    assert world.feed(*events) == []
    assert world.core.progress().can_progress
    assert len(started(world.feed(last))) == 4


def test_a_start_carries_all_that_the_task_is_told() -> None:
    job = make_job("etl", needs={"slots": 2}, backoff=Backoff(steps=(5,), repeat=True))
    resources = limits(instance={"total": 9}, db={"slots": 3}, worker={"ram": 4})
    previous = TaskStatus(bits=INCOMPLETE, time=1.0, data={"at": 3})
    world = World(
        make_config(job, resources=resources),
        make_tree({"h1": ["a"]}),
        {task_id("etl@a"): previous},
    )
    (start,) = world.first
    assert isinstance(start, StartTask)
    assert start.path_to_node == ("top", "h1", "a")
    assert start.resources_by_node == {
        "top": {"total": 1},
        "a": {"slots": 2},
        "local": {"ram": 1},
    }
    assert start.prev_status == previous
    assert start.next_backoff == BackoffDuration(5, no_more=False)
    assert start.invocation.start_time == int(START.wall)


def test_the_order_of_starts_is_not_that_of_a_clock_which_is_set_for_a_moment() -> None:
    job = make_job("etl", backoff=Backoff(steps=(5,), repeat=True))
    world = World(make_config(job), make_tree({"h1": ["a"]}))

    def again(wall: float, wait: float) -> int:
        world.end("etl@a", ERROR_BACKOFF)
        world.now = Now(world.now.wall + wall, world.now.mono)
        world.wait(wait)
        return world.running[task_id("etl@a")].invocation.start_time

    year = 365 * 86_400
    assert again(wall=year, wait=6) == int(START.wall) + 6
    assert again(wall=-year, wait=6) == int(START.wall) + 12
    # Nobody saw it set: it may be right since long ago.
    assert again(wall=year, wait=600) == int(START.wall) + year + 612


def test_a_full_node_holds_back_only_what_is_below_it() -> None:
    world = World(make_config(make_job("etl"), resources=limits(host={"x": 1})), TREE)
    assert started(world.first) == ["etl@d", "etl@b"]
    assert world.reason("etl@a") is Reason.RESOURCE
    assert world.end("etl@b") == ["etl@a"]


def test_an_ended_task_gives_its_resources_back_at_once_and_its_status_later() -> None:
    config = make_config(
        make_job("etl"),
        make_job("load", depends_on=["etl"]),
        resources=limits(instance={"x": 1}),
    )
    world = World(config, make_tree({"h1": ["a", "b"]}))
    assert world.running_names == ["etl@b"]
    assert world.end("etl@b", store=False) == ["etl@a"]
    assert world.reason("etl@b") is Reason.RUNNING
    assert [str(attempt.task) for attempt in world.core.running()] == [
        "etl@b",
        "etl@a",
    ]
    assert world.core.usage(0) == (("x", 1, 1),)
    assert world.end("etl@a", store=False) == []
    assert world.reason("load@b") is Reason.DEPENDENCY
    assert started(world.store()) == ["load@b"]
    assert world.reason("etl@b") is Reason.DONE


def test_resources_are_given_back_as_they_were_taken_whatever_was_edited() -> None:
    job = make_job("etl", needs={"x": 2})
    world = World(make_config(job, resources=limits(host={"x": 4})), TREE)
    edited = make_job("etl", needs={"x": 1})
    world.reload(make_config(edited, resources=limits(host={"x": 4})))
    assert world.core.usage(1) == (("x", 4, 4),)
    world.end("etl@a")
    assert world.core.usage(1) == (("x", 2, 4),)


def test_a_lowered_limit_overdraws_and_even_a_need_of_nothing_waits() -> None:
    tree = make_tree({"h1": ["a", "b", "c"]})
    jobs = (make_job("etl"), make_job("free", level="host", needs={"x": 0}))
    world = World(make_config(jobs[0], resources=limits(host={"x": 3})), tree)
    assert len(world.running) == 3
    world.reload(make_config(*jobs, resources=limits(host={"x": 1})))
    assert world.core.usage(1) == (("x", 3, 1),)
    assert world.reason("free@h1") is Reason.RESOURCE
    assert world.end("etl@a") == []
    assert world.end("etl@b") == ["free@h1"]


def test_a_raised_limit_starts_what_waited() -> None:
    job = make_job("etl")
    world = World(make_config(job, resources=limits(instance={"x": 1})), TREE)
    more = make_config(job, resources=limits(instance={"x": 3}))
    assert started(world.reload(more)) == ["etl@c", "etl@b"]


def test_replicas_are_one_task_with_one_account() -> None:
    tree = make_tree({"h1": ["same"], "h2": ["same"]})
    jobs = make_job("one"), make_job("two")
    world = World(make_config(*jobs, resources=limits(db={"x": 1})), tree)
    assert len(world.running) == 1
    first = next(iter(world.running)).job
    second = "two" if first == "one" else "one"
    assert world.core.counts(first) == {Reason.RUNNING: 1}
    assert world.reason(f"{second}@same") is Reason.RESOURCE
    assert world.end(f"{first}@same") == [f"{second}@same"]


def test_a_replica_under_a_node_with_room_is_taken() -> None:
    tree = make_tree({"h1": ["same"], "h2": ["same", "only"]})
    config = make_config(make_job("etl"), resources=limits(host={"x": 1}))
    world = World(config, tree)
    assert world.running_names == ["etl@only", "etl@same"]
    assert world.running[task_id("etl@same")].path_to_node == ("top", "h1", "same")


def test_the_local_worker_has_worker_level_resources() -> None:
    config = make_config(make_job("etl"), resources=limits(worker={"ram": 2}))
    world = World(config, TREE)
    assert world.running_names == ["etl@c", "etl@d"]
    assert world.core.worker_usage() == (("ram", 2, 2),)
    assert world.core.counts(config.jobs[task_id("etl@a").job].name) == {
        Reason.RUNNING: 2,
        Reason.WORKER: 2,
    }
    assert world.end("etl@c") == ["etl@b"]


def test_an_override_replaces_the_limits_of_the_local_worker() -> None:
    resources = limits(worker={"ram": 2, "gpu": 5})
    config = make_config(
        make_job("etl"), resources=resources, worker_override={"ram": 3}
    )
    world = World(config, TREE)
    assert world.core.worker_usage() == (("ram", 3, 3), ("gpu", 3, 5))


def test_a_task_waits_for_its_backoff_and_runs_exactly_when_it_ends() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    world.end("etl@a", ERROR_BACKOFF)
    assert world.reason("etl@a") is Reason.BACKOFF
    assert world.core.next_due() == START.mono + 10
    assert world.wait(9.5) == []
    assert started(world.wait(0.5)) == ["etl@a"]
    assert world.core.next_due() is None
    assert world.core.running()[0].number == 2


def test_backoff_advances_repeats_and_fails_as_the_job_says() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    for bits, delay in (
        (ERROR_BACKOFF, 10),
        (INCOMPLETE_BACKOFF, 10),
        (INCOMPLETE_BACKOFF, 10),
        (ERROR_BACKOFF, 20),
    ):
        world.end("etl@a", bits)
        assert world.core.next_due() == world.now.mono + delay
        assert started(world.wait(delay)) == ["etl@a"]
    world.end("etl@a", ERROR_BACKOFF)
    assert world.reason("etl@a") is Reason.FAILED
    assert world.wait(1000) == []


def test_backoff_is_counted_from_the_end_and_not_from_the_commit() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    world.end("etl@a", ERROR_BACKOFF, store=False)
    world.wait(12)
    assert world.reason("etl@a") is Reason.RUNNING
    assert started(world.store()) == ["etl@a"]


def test_a_jump_of_the_wall_clock_does_not_change_a_running_backoff() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    world.end("etl@a", ERROR_BACKOFF)
    world.now = Now(wall=world.now.wall + 9e6, mono=world.now.mono)
    assert world.wait(9) == []
    assert started(world.wait(1)) == ["etl@a"]


def test_a_stored_backoff_goes_on_after_a_restart() -> None:
    stored = TaskStatus(bits=ERROR_BACKOFF, time=START.wall - 4, backoff_sec=10)
    tree = make_tree({"h1": ["a"]})
    world = World(make_config(make_job("etl")), tree, {task_id("etl@a"): stored})
    assert world.first == []
    assert world.core.next_due() == START.mono + 6
    (start,) = world.wait(6)
    assert isinstance(start, StartTask)
    assert start.prev_status == stored
    assert start.next_backoff.seconds == 20


def test_incomplete_and_error_without_backoff_run_again_at_once() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    assert world.end("etl@a", INCOMPLETE) == ["etl@a"]
    assert world.end("etl@a", Bits.ERROR) == ["etl@a"]


def test_done_and_failed_tasks_never_start_again_by_themselves() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a", "b"]}))
    world.end("etl@a", DONE)
    world.end("etl@b", FAILED)
    assert world.wait(1e6) == []
    assert world.core.next_due() is None


def test_a_dependency_is_per_node_and_only_done_satisfies_it() -> None:
    jobs = make_job("extract"), make_job("load", depends_on=["extract"])
    world = World(make_config(*jobs), make_tree({"h1": ["a", "b"]}))
    assert world.running_names == ["extract@a", "extract@b"]
    assert world.end("extract@a", DONE) == ["load@a"]
    assert world.end("extract@b", FAILED) == []
    assert world.reason("load@b") is Reason.DEPENDENCY


def test_an_unknown_a_cyclic_and_a_self_dependency_just_block() -> None:
    config = make_config(
        make_job("waits", depends_on=["nobody"]),
        make_job("me", depends_on=["me"]),
        make_job("egg", depends_on=["hen"]),
        make_job("hen", depends_on=["egg"]),
    )
    world = World(config, make_tree({"h1": ["a"]}))
    assert world.first == []
    assert not world.core.progress().can_progress


def test_a_disabled_job_that_is_done_satisfies_and_a_removed_one_blocks_again() -> None:
    done = {task_id("extract@a"): TaskStatus(bits=DONE, time=1.0)}
    load = make_job("load", depends_on=["extract"])
    extract = make_job("extract", enabled=False)
    tree = make_tree({"h1": ["a"]})
    assert started(World(make_config(extract, load), tree, done).first) == ["load@a"]
    world = World(make_config(load), tree, done)
    assert world.first == []
    assert started(world.reload(make_config(extract, load))) == ["load@a"]


def test_a_disabled_node_bars_everything_below_it() -> None:
    tree = make_tree({"h1": ["a", "b"], "h2": ["c"]}, disabled=["h1", "c"])
    world = World(make_config(make_job("etl")), tree)
    assert world.first == []
    assert world.core.counts(task_id("etl@a").job) == {Reason.NODE_DISABLED: 3}


def test_a_filter_of_any_level_on_the_path_avoids_the_task() -> None:
    by_host = make_job(
        "etl", filters={"host": LevelFilter(blacklist=frozenset({"h2"}))}
    )
    assert World(make_config(by_host), TREE).running_names == ["etl@a", "etl@b"]
    by_top = make_job(
        "etl", filters={"instance": LevelFilter(whitelist=frozenset({"other"}))}
    )
    world = World(make_config(by_top), TREE)
    assert world.core.counts(by_top.name) == {Reason.AVOIDED: 4}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (make_config(make_job("etl", enabled=False)), Reason.JOB_DISABLED),
        (make_config(make_job("etl", errors=["owner: missing"])), Reason.JOB_INVALID),
        (make_config(make_job("etl"), enabled=False), Reason.SCHEDULER_DISABLED),
        (make_config(make_job("etl", level="worker")), None),
    ],
)
def test_a_config_that_says_so_starts_nothing(
    config: Config, reason: Reason | None
) -> None:
    world = World(config, TREE)
    assert world.first == []
    job = task_id("etl@a").job
    assert world.core.counts(job) == ({reason: 4} if reason else {})
    assert not world.core.progress().can_progress


def test_a_bad_config_starts_nothing_new_until_it_is_good_again() -> None:
    config = make_config(make_job("etl"), resources=limits(instance={"x": 1}))
    world = World(config, TREE)
    world.feed(ev.ConfigBroken())
    assert world.end("etl@d") == []
    assert world.reason("etl@c") is Reason.CONFIG_ERROR
    assert started(world.reload(config)) == ["etl@c"]


def test_a_config_may_ask_to_be_kept_when_a_later_one_is_bad() -> None:
    config = make_config(
        make_job("etl"), resources=limits(instance={"x": 1}), on_bad_config="keep"
    )
    world = World(config, TREE)
    world.feed(ev.ConfigBroken())
    assert world.end("etl@d") == ["etl@c"]


def test_starts_resume_only_when_the_last_pause_is_over() -> None:
    config = make_config(make_job("etl"), resources=limits(instance={"x": 1}))
    world = World(config, TREE)
    world.feed(ev.StartsPaused("disk", "disk full"), ev.StartsPaused("db", "no store"))
    assert world.end("etl@d") == []
    assert world.reason("etl@c") is Reason.PAUSED
    assert "disk full" in world.explain("etl@c").would_run_if
    assert world.feed(ev.StartsResumed("disk")) == []
    assert started(world.feed(ev.StartsResumed("db"))) == ["etl@c"]


def test_statuses_survive_the_removal_of_their_job_and_node() -> None:
    config = make_config(make_job("etl"))
    world = World(config, TREE)
    for task in tuple(world.running_names):
        world.end(task)
    assert world.reload(make_config()) == []
    assert world.feed(ev.NodesLoaded(NodeTree.of_instance(TREE.nodes[0].name))) == []
    assert world.reload(config) == []
    assert world.feed(ev.NodesLoaded(TREE)) == []
    assert world.core.counts(task_id("etl@a").job) == {Reason.DONE: 4}


def test_a_stored_row_does_not_overwrite_a_running_task() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    row = {task_id("etl@a"): TaskStatus(bits=DONE, time=1.0)}
    world.feed(ev.StatusesLoaded(row))
    assert world.reason("etl@a") is Reason.RUNNING
    assert world.end("etl@a", INCOMPLETE) == ["etl@a"]


def test_a_report_that_comes_twice_or_from_another_attempt_is_ignored() -> None:
    world = World(make_config(make_job("etl")), make_tree({"h1": ["a"]}))
    start = world.running[task_id("etl@a")]
    reported = TaskStatus(bits=INCOMPLETE, time=world.now.wall)
    report = ev.TaskEnded(start.task, start.invocation, reported)
    assert len(world.feed(report)) == 1
    assert world.feed(report) == []
    world.store()
    assert world.feed(report) == []
    assert world.core.counts(start.task.job) == {Reason.RUNNING: 1}


def test_roundrobin_takes_turns_over_time_and_not_only_within_one_pass() -> None:
    jobs = [make_job(name) for name in ("x", "y", "z")]
    tree = make_tree({"h": [f"db{i}" for i in range(6)]})
    world = World(make_config(*jobs, resources=limits(instance={"c": 1})), tree)
    order = started(world.first)
    while world.running:
        order += world.end(world.running_names[0])
    names = [task.split("@")[0] for task in order]
    assert len(names) == 18
    for turn in range(0, 18, 3):
        assert sorted(names[turn : turn + 3]) == ["x", "y", "z"]


def test_ranked_priority_gives_everything_to_the_highest_first() -> None:
    jobs = make_job("low", priority=-1), make_job("high", priority=2.5)
    config = make_config(
        *jobs, resources=limits(instance={"c": 3}), policy=PolicyName.RANKED_PRIORITY
    )
    world = World(config, make_tree({"h": ["a", "b"]}))
    assert started(world.first) == ["high@b", "high@a", "low@b"]


def test_randomized_priority_draws_by_weight_and_never_a_zero_before_others() -> None:
    jobs = (
        make_job("none", priority=0),
        make_job("negative", priority=-3),
        make_job("one", priority=1e307),
        make_job("three", priority=3e307),
    )
    tree = make_tree({"h": [f"db{i}" for i in range(400)]})
    config = make_config(
        *jobs,
        resources=limits(instance={"c": 400}),
        policy=PolicyName.RANDOMIZED_PRIORITY,
    )
    world = World(config, tree)
    names = [task.split("@")[0] for task in started(world.first)]
    assert set(names) == {"one", "three"}
    assert 60 <= names.count("one") <= 140


def test_forty_thousand_tasks_run_to_the_end_ten_at_a_time() -> None:
    # World checks every invariant at every step, which is not for 40,000 of them.
    hosts = {f"h{i}": [f"h{i}.{k}" for k in range(10)] for i in range(4000)}
    config = make_config(make_job("etl"), resources=limits(instance={"c": 10}))
    core = World().core
    events: list[ev.Event] = [
        ev.StatusesLoaded({}),
        ev.NodesLoaded(make_tree(hosts)),
        ev.ConfigLoaded(config),
    ]
    most = calls = 0
    while events:
        actions = core.handle(events, START)
        calls += 1
        most = max(most, len(core.running()))
        events = []
        for action in actions:
            if isinstance(action, StartTask):
                status = TaskStatus(bits=DONE, time=START.wall)
                events.append(ev.TaskEnded(action.task, action.invocation, status))
            else:
                assert not hasattr(action, "kill")
                events.append(ev.StatusStored(action.task, action.serial))
    assert core.starts == 40_000
    assert core.progress().is_all_done
    assert calls < 9_000
    assert most <= 20


def test_an_edit_that_only_changes_the_kind_of_a_value_reaches_the_next_task() -> None:
    job = replace(make_job("etl"), config={"x": 1})
    world = World(make_config(job, resources=limits(host={"slots": 1})))
    world.reload(
        make_config(
            replace(job, config={"x": True}), resources=limits(host={"slots": 1})
        )
    )
    first = next(iter(world.running))
    world.end(str(first))
    (second,) = world.running.values()
    assert second.job.config["x"] is True


def test_draws_by_weight_stay_so_where_several_nodes_have_room() -> None:
    hosts = {f"h{h}": [f"h{h}.{n}" for n in range(40)] for h in range(6)}
    config = make_config(
        make_job("low", priority=1.0),
        make_job("high", priority=4.0),
        resources=limits(host={"slots": 2}, worker={"ram": 10}),
        policy=PolicyName.RANDOMIZED_PRIORITY,
        order=NodeOrder.RANDOM,
    )
    drawn: list[str] = []
    for seed in range(12):
        core = Core(random.Random(seed))
        core.handle([ev.StatusesLoaded({}), ev.NodesLoaded(make_tree(hosts))], START)
        actions = core.handle([ev.ConfigLoaded(config)], START)
        running = [action for action in actions if isinstance(action, StartTask)]
        for _ in range(100):
            one = running.pop(0)
            done = TaskStatus(bits=DONE, time=START.wall)
            actions = core.handle([ev.TaskEnded(one.task, one.invocation, done)], START)
            started_now = [a for a in actions if isinstance(a, StartTask)]
            drawn += [action.task.job for action in started_now]
            running += started_now
    share = drawn.count("low") / len(drawn)
    assert 0.14 < share < 0.26


def test_long_tail_hears_of_tasks_that_were_forgiven() -> None:
    tree = make_tree({"h": [f"d{n}" for n in range(30)]})
    dbs = LevelFilter(whitelist=frozenset(f"d{n}" for n in range(9)))
    few = [make_job(f"few{n}", filters={"db": dbs}) for n in range(6)]
    statuses = {
        task_id(f"many@d{n}"): TaskStatus(bits=FAILED, time=0.0) for n in range(30)
    }
    config = make_config(
        make_job("many"),
        *few,
        resources=limits(instance={"slots": 1}),
        policy=PolicyName.LONG_TAIL,
    )
    world = World(config, tree, statuses)
    world.feed(ev.Forgive((JobName("many"),)))
    world.store()
    starts = [world.end(world.running_names[0]) for _ in range(20)]
    assert not any(name.startswith("many") for names in starts for name in names)
