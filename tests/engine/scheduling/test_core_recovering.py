"""Copies of tasks from before this process that are not yet proven dead."""

import pytest

from bistro_tui.engine.config.model import PolicyName
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    START,
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)

OLD, OLDER = InvocationId(900_000, 7), InvocationId(800_000, 8)
LIMITS = limits(instance={"total": 3}, host={"slots": 1}, worker={"ram": 5})
CONFIG = make_config(make_job("etl"), resources=LIMITS)
TREE = make_tree({"h1": ["a", "b"], "h2": ["c"]})


def old(task: str = "etl@a", invocation: InvocationId = OLD) -> ev.RecoveringAttempt:
    since = float(invocation.start_time)
    return ev.RecoveringAttempt(task_id(task), invocation, since)


def being_looked_at(known: TaskStatus | None = None) -> World:
    world = World()
    world.feed(ev.StartsPaused("recovery", "it is being looked at"))
    statuses = {task_id("etl@a"): known} if known is not None else {}
    world.feed(
        ev.StatusesLoaded(statuses), ev.NodesLoaded(TREE), ev.ConfigLoaded(CONFIG)
    )
    return world


def restarted(*found: ev.RecoveringAttempt, known: TaskStatus | None = None) -> World:
    world = being_looked_at(known)
    world.feed(ev.AttemptsRecovering(found or (old(),)), ev.StartsResumed("recovery"))
    return world


def gone(task: str = "etl@a", invocation: InvocationId = OLD) -> ev.AttemptGone:
    return ev.AttemptGone(task_id(task), invocation)


def left(bits: Bits, invocation: InvocationId = OLD) -> ev.AttemptLeft:
    status = TaskStatus(bits=bits, time=START.wall)
    return ev.AttemptLeft(task_id("etl@a"), invocation, status)


def used(world: World) -> dict[str, int]:
    tree = world.core.tree
    found: dict[str, int] = {
        node.name: world.core.usage(index)[0][1]
        for index, node in enumerate(tree.nodes)
        if world.core.usage(index)
    }
    return {**found, "worker": world.core.worker_usage()[0][1]}


def test_others_start_and_its_room_is_taken_on_its_path_and_of_the_worker() -> None:
    world = restarted()
    assert world.running_names == ["etl@c"]
    assert used(world) == {"top": 2, "h1": 1, "h2": 1, "worker": 2}
    assert world.reason("etl@a") is Reason.RECOVERING
    assert world.reason("etl@b") is Reason.RESOURCE
    assert [str(task) for task in world.explain("etl@b").holders] == ["etl@a"]


def test_its_room_goes_to_who_waits_once_it_is_gone() -> None:
    world = restarted()
    assert started(world.feed(gone())) in (["etl@a"], ["etl@b"])
    assert used(world)["h1"] == 1


@pytest.mark.parametrize(
    ("bits", "next_start"),
    [(DONE, ["etl@b"]), (FAILED, ["etl@b"])],
)
def test_its_room_is_free_at_once_and_its_task_waits_for_its_status(
    bits: Bits, next_start: list[str]
) -> None:
    world = restarted()
    assert started(world.feed(left(bits))) == next_start
    assert world.reason("etl@a") is Reason.BACKOFF
    assert world.store() == []
    assert world.reason("etl@a") is (Reason.DONE if bits == DONE else Reason.FAILED)


def test_an_incomplete_one_starts_again_only_after_its_status_is_stored() -> None:
    world = restarted(old("etl@c"))
    status = TaskStatus(bits=INCOMPLETE, time=START.wall, data={"row": 7})
    world.feed(ev.AttemptLeft(task_id("etl@c"), OLD, status))
    assert "etl@c" not in world.running_names
    assert started(world.store()) == ["etl@c"]
    previous = world.running[task_id("etl@c")].prev_status
    assert previous is not None
    assert previous.data == {"row": 7}


def test_of_two_copies_both_must_be_dead_and_one_takes_room() -> None:
    world = restarted(old(), old(invocation=OLDER))
    assert used(world)["h1"] == 1
    assert world.feed(gone(invocation=OLDER)) == []
    assert world.reason("etl@a") is Reason.RECOVERING
    world.feed(left(DONE))
    assert used(world)["h1"] == 1, "the other task of h1"
    assert world.running_names == ["etl@b", "etl@c"]


def test_the_status_of_the_newer_copy_does_not_free_the_task_of_the_older() -> None:
    world = restarted(old(), old(invocation=OLDER))
    world.feed(left(INCOMPLETE))
    assert world.store() == []
    assert world.reason("etl@a") is Reason.RECOVERING
    assert started(world.feed(gone(invocation=OLDER)))[:1] in (["etl@a"], ["etl@b"])


@pytest.mark.parametrize("task", ["etl@a", "etl@c"])
def test_what_is_told_twice_or_of_another_attempt_changes_nothing(task: str) -> None:
    world = restarted()
    assert world.feed(gone(task, OLDER), gone("load@x", OLD)) == []
    world.feed(gone())
    before = used(world)
    assert world.feed(gone()) == []
    assert used(world) == before


def test_a_smaller_limit_is_overdrawn_and_nothing_else_starts() -> None:
    world = restarted(old("etl@a"), old("etl@b"), old("etl@c"))
    assert used(world) == {"top": 3, "h1": 2, "h2": 1, "worker": 3}
    assert world.running == {}
    assert started(world.feed(gone())) == []
    assert started(world.feed(gone("etl@b"))) in (["etl@a"], ["etl@b"])


def test_a_kill_of_it_does_nothing_and_a_stop_does_not_wait_for_it() -> None:
    world = restarted()
    assert world.feed(ev.KillRequested(task_id("etl@a"))) == []
    kills = world.feed(ev.StopRequested())
    assert [str(one.task) for one in kills] == ["etl@c"]
    assert world.reason("etl@a") is Reason.PAUSED


def test_it_is_no_start_and_does_not_count_as_running() -> None:
    world = restarted()
    assert (world.core.starts, len(world.core.running())) == (1, 1)
    assert world.feed(ev.StartsLimited(2, "files")) == []
    assert started(world.feed(gone())) != []


def test_the_work_can_go_on_as_long_as_something_is_recovering() -> None:
    world = restarted()
    world.end("etl@c")
    world.reload(make_config(resources=LIMITS))
    assert world.core.progress().can_progress
    world.feed(gone())
    assert not world.core.progress().can_progress


def test_a_job_that_goes_and_comes_back_keeps_its_copy_and_its_room() -> None:
    world = restarted()
    world.end("etl@c")
    world.reload(make_config(resources=LIMITS))
    assert used(world) == {"top": 1, "h1": 1, "h2": 0, "worker": 1}
    assert world.reason("etl@a") is Reason.RECOVERING
    assert world.core.knows(task_id("etl@a"))
    assert "is proven dead" in world.explain("etl@a").would_run_if
    assert world.reload(CONFIG) == []
    assert world.reason("etl@b") is Reason.RESOURCE
    assert started(world.feed(gone())) in (["etl@a"], ["etl@b"])


def test_a_node_that_goes_and_comes_back_keeps_its_room() -> None:
    world = restarted()
    assert world.feed(ev.NodesLoaded(make_tree({"h2": ["c"]}))) == []
    assert used(world) == {"top": 2, "h2": 1, "worker": 2}
    assert world.core.counts(task_id("etl@a").job) == {
        Reason.RUNNING: 1,
        Reason.RECOVERING: 1,
    }
    assert world.feed(ev.NodesLoaded(TREE)) == []
    assert used(world) == {"top": 2, "h1": 1, "h2": 1, "worker": 2}
    assert world.reason("etl@a") is Reason.RECOVERING


def test_an_edit_of_its_job_does_not_change_what_it_gives_back() -> None:
    world = restarted()
    world.reload(make_config(make_job("etl", needs={"total": 3}), resources=LIMITS))
    assert used(world)["top"] == 2
    world.feed(gone())
    assert used(world)["top"] == 1


def test_of_replicas_all_paths_are_taken_for_nobody_knows_on_which_it_runs() -> None:
    world = World()
    tree = make_tree({"h1": ["a"], "h2": ["a"], "h3": ["b"]})
    world.feed(ev.StartsPaused("recovery", ""), ev.StatusesLoaded({}))
    world.feed(ev.NodesLoaded(tree), ev.ConfigLoaded(CONFIG))
    world.feed(ev.AttemptsRecovering((old(),)), ev.StartsResumed("recovery"))
    assert used(world) == {"top": 2, "h1": 1, "h2": 1, "h3": 1, "worker": 2}


def test_what_is_done_shows_done_and_other_reasons_of_its_own_come_first_too() -> None:
    done = TaskStatus(bits=DONE, time=1.0)
    world = restarted(known=done)
    assert world.reason("etl@a") is Reason.DONE
    assert used(world)["h1"] == 1
    world = restarted()
    world.reload(make_config(make_job("etl", enabled=False), resources=LIMITS))
    assert world.reason("etl@a") is Reason.JOB_DISABLED
    world.reload(CONFIG)
    world.feed(ev.StartsPaused("disk", "disk full"))
    assert world.reason("etl@a") is Reason.PAUSED
    assert world.core.counts(task_id("etl@a").job)[Reason.PAUSED] == 2


def test_what_depends_on_it_waits_for_its_end() -> None:
    world = restarted()
    jobs = make_job("etl"), make_job("load", depends_on=["etl"])
    world.reload(make_config(*jobs, policy=PolicyName.RANKED_PRIORITY))
    assert world.reason("load@a") is Reason.DEPENDENCY
    world.feed(left(DONE))
    assert "load@a" in started(world.store())


def test_it_is_known_what_a_valid_task_of_the_config_takes_and_of_no_other() -> None:
    world = restarted()
    assert world.core.can_keep_room(task_id("etl@a"))
    assert not world.core.can_keep_room(task_id("etl@nowhere"))
    assert not world.core.can_keep_room(task_id("nobody@a"))
    world.reload(make_config(make_job("etl", errors=["owner: missing"])))
    assert not world.core.can_keep_room(task_id("etl@a"))


def test_a_task_nobody_knows_is_kept_from_starting_when_it_turns_up() -> None:
    world = restarted(old("load@a"))
    world.reload(make_config(make_job("load")))
    assert world.reason("load@a") is Reason.RECOVERING
    assert "load@a" in started(world.feed(gone("load@a")))


def test_a_start_is_dated_by_both_clocks() -> None:
    world = World(CONFIG, TREE)
    world.wait(5)
    attempt = world.core.attempt(task_id("etl@c"))
    assert attempt is not None
    assert (attempt.since, attempt.began) == (START.wall, START.mono)


BACKED_OFF = TaskStatus(bits=ERROR_BACKOFF, time=START.wall - 99.0, backoff_sec=15)
FORGIVE = (ev.Forgive((task_id("etl@a").job,)), ev.ForgiveTasks((task_id("etl@a"),)))


@pytest.mark.parametrize("forgive", FORGIVE)
def test_no_wait_is_forgiven_that_an_old_copy_may_still_tell_the_end_of(
    forgive: ev.Forgive | ev.ForgiveTasks,
) -> None:
    world = being_looked_at(known=BACKED_OFF)
    assert world.feed(forgive) == []
    world.feed(ev.AttemptsRecovering((old(),)), ev.StartsResumed("recovery"))
    assert world.feed(forgive) == []
    # That of another task concerns it no more than any other pause does.
    world = being_looked_at(known=BACKED_OFF)
    world.feed(ev.StartsPaused("disk", "it is full"))
    world.feed(ev.AttemptsRecovering((old("etl@b"),)), ev.StartsResumed("recovery"))
    assert [str(one.task) for one in world.feed(forgive)] == ["etl@a"]


@pytest.mark.parametrize("forgive", FORGIVE)
def test_a_failure_is_forgiven_for_what_failed_is_not_started(
    forgive: ev.Forgive | ev.ForgiveTasks,
) -> None:
    world = restarted(known=TaskStatus(bits=FAILED, time=START.wall))
    (stored,) = world.feed(forgive)
    assert str(stored.task) == "etl@a"
    assert world.store() == []
    assert world.reason("etl@a") is Reason.RECOVERING
