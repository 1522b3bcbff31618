"""Many workers: who takes what, and what people are told of who waits."""

from dataclasses import replace
from typing import Any

import pytest

from bistro_tui.engine.blocked import all_blockers
from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.model import Config, Job, NodeOrder
from bistro_tui.engine.ids import (
    WORKER_LEVEL,
    InvocationId,
    LevelName,
    NodeName,
    ResourceName,
)
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import Action, StartTask, StoreStatus
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.task_line import task_line
from bistro_tui.engine.statuses.bits import INCOMPLETE, Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    ERROR_BACKOFF,
    World,
    limits,
    make_config,
    make_job,
    make_tree,
    started,
    task_id,
)
from tests.engine.scheduling.worker_worlds import worker
from tests.engine.statuses.builders import was_not_running

FOUR = make_tree({"h1": ["a", "b"], "h2": ["c", "d"]})
HOST = LevelName("host")
COST = BackoffDuration(5, no_more=False)


def world(
    *workers: ev.WorkerFacts,
    job: Job | None = None,
    may_grow: bool = False,
    ram: int | None = None,
    **settings: Any,
) -> World:
    """Four tasks in the order d, c, b, a, and these workers."""
    resources = limits(worker={"ram": ram}) if ram is not None else None
    config = make_config(
        job or make_job("etl"), resources=resources, order=NodeOrder.ORIGINAL
    )
    changed = replace(config.settings, **settings)
    made = World()
    made.feed(ev.WorkersReported(workers, may_grow=may_grow))
    made.feed(ev.StatusesLoaded({}), ev.NodesLoaded(FOUR))
    made.reload(replace(config, settings=changed))
    return made


def on_hosts(job: str = "etl") -> Job:
    return replace(make_job(job), level_for_host_placement=HOST)


def taken(found: World) -> dict[str, str]:
    return {str(task): one.worker for task, one in found.running.items()}


def usage_of(found: World, shard: str) -> tuple[tuple[ResourceName, int, int], ...]:
    return found.core.workers_usage()[NodeName(shard)]


def only_on(*hosts: str) -> Job:
    accepted = LevelFilter(whitelist=frozenset(hosts))
    return replace(make_job("etl"), filters={WORKER_LEVEL: accepted})


def test_healthy_workers_take_tasks_in_turns() -> None:
    found = world(worker("w1"), worker("w2", healthy=False), worker("w3"))
    assert taken(found) == {
        "etl@d": "w1",
        "etl@c": "w3",
        "etl@b": "w1",
        "etl@a": "w3",
    }
    assert {attempt.worker for attempt in found.core.running()} == {"w1", "w3"}


def test_the_turns_go_on_after_the_nearest_that_is_still_there() -> None:
    workers = [worker(f"w{number}", slots=1) for number in range(5)]
    found = world(*workers[:3])
    assert sorted(taken(found).values()) == ["w0", "w1", "w2"]
    left = [workers[0], workers[1], workers[3], workers[4]]
    actions = found.feed(ev.WorkersReported(tuple(left)))
    # w2 was last; w1 is before it, so w3 is next.
    assert [one.worker for one in actions if isinstance(one, StartTask)] == ["w3"]


def test_the_busiest_takes_tasks_until_it_is_full() -> None:
    found = world(worker("w1"), worker("w2"), ram=2, remote_worker_selector="busiest")
    # All weights are 0, so any may be first; with a weight it fills up one by one.
    resources = {
        WORKER_LEVEL: {
            name: replace(spec, weight=2)
            for name, spec in limits(worker={"ram": 3})[WORKER_LEVEL].items()
        }
    }
    found = world(
        worker("w1"),
        worker("w2"),
        remote_worker_selector="busiest",
        resources=resources,
        job=make_job("etl", needs={"ram": 1}),
    )
    assert list(taken(found).values()) == ["w1", "w1", "w1", "w2"]
    assert found.core.workers_usage() == {
        "w1": (("ram", 3, 3),),
        "w2": (("ram", 1, 3),),
    }
    assert found.core.worker_usage() == (("ram", 4, 6),)


def test_a_filter_goes_by_the_name_of_the_host_and_not_of_the_worker() -> None:
    found = world(worker("w1", "h8"), worker("h9", "h7"), job=only_on("h9", "h8"))
    assert set(taken(found).values()) == {"w1"}


def test_a_required_host_that_is_not_there_holds_back_that_job_alone() -> None:
    jobs = (
        replace(make_job("pinned"), host_placement="h9"),
        make_job("free", level="host"),
    )
    found = world(worker("w1", "h1"))
    found.reload(make_config(*jobs, order=NodeOrder.ORIGINAL))
    assert {"free@h1", "free@h2"} <= set(found.running_names)
    assert found.reason("pinned@a") is Reason.WORKER
    found.feed(ev.WorkersReported((worker("w1", "h1"), worker("w9", "h9"))))
    ours = [shard for task, shard in taken(found).items() if task.startswith("pinned")]
    assert ours == ["w9"] * 4


def test_a_node_runs_on_the_host_that_its_ancestor_names() -> None:
    found = world(worker("w1", "h1", slots=1), worker("w2", "h2"), job=on_hosts())
    assert taken(found) == {"etl@d": "w2", "etl@c": "w2", "etl@b": "w1"}
    assert found.core.counts(task_id("etl@a").job) == {
        Reason.RUNNING: 3,
        Reason.WORKER: 1,
    }
    # Who waits for h1 waits there, once for all its tasks.
    assert [node for node, _, _ in found.core.state.waiting.entries()] == [1]
    assert found.end("etl@d") == []
    assert found.end("etl@b") == ["etl@a"]


def test_the_name_of_a_host_given_by_the_job_beats_that_of_the_node() -> None:
    job = replace(on_hosts(), host_placement="h1")
    found = world(worker("w1", "h1"), worker("w2", "h2"), job=job)
    assert set(taken(found).values()) == {"w1"}


def test_before_any_report_there_is_one_worker_that_everyone_may_use() -> None:
    job = replace(only_on("nowhere"), host_placement="h9")
    found = World(make_config(job), FOUR)
    assert set(taken(found).values()) == {"local"}
    assert found.core.workers_usage() == {}


def test_what_runs_on_this_host_counts_once_workers_are_reported() -> None:
    config = make_config(make_job("etl"), resources=limits(worker={"ram": 3}))
    found = World(config, FOUR)
    assert len(found.running) == 3
    found.feed(ev.WorkersReported((worker("local", slots=3), worker("w1"))))
    assert sorted(taken(found).values()) == ["local", "local", "local", "w1"]
    assert usage_of(found, "local") == (("ram", 3, 3),)


def test_a_limit_on_starts_is_that_of_this_host() -> None:
    found = World()
    found.feed(ev.StartsLimited(1, "files"))
    found.feed(ev.WorkersReported((worker("local"), worker("w1", slots=2))))
    found.feed(ev.StatusesLoaded({}), ev.NodesLoaded(FOUR))
    found.reload(make_config(make_job("etl"), order=NodeOrder.ORIGINAL))
    assert sorted(taken(found).values()) == ["local", "w1", "w1"]
    assert found.reason("etl@a") is Reason.WORKER
    assert started(found.feed(ev.StartsLimited(None, ""))) == ["etl@a"]


def test_what_runs_on_a_worker_that_is_gone_goes_on_holding_it() -> None:
    found = world(worker("w1"), ram=2)
    assert len(found.running) == 2
    found.feed(ev.WorkersReported(()))
    assert found.core.workers_usage() == {}
    assert found.core.worker_usage() == (("ram", 2, 0),)
    assert started(found.feed(ev.WorkersReported((worker("w1"),)))) == []
    assert len(found.end("etl@d")) == 1


def test_a_worker_that_gets_more_takes_more() -> None:
    small = worker("w1", slots=1)
    found = world(small)
    grown = small._replace(slots=2)
    assert len(started(found.feed(ev.WorkersReported((grown,))))) == 1
    ill = grown._replace(slots=None, is_healthy=False)
    assert started(found.feed(ev.WorkersReported((ill,)))) == []
    well = ill._replace(is_healthy=True)
    assert len(started(found.feed(ev.WorkersReported((well,))))) == 2


# What people are told.


def told(found: World, task: str = "etl@a") -> tuple[str, str]:
    explained = found.explain(task)
    assert explained.reason is Reason.WORKER
    (check,) = [one for one in explained.checks if one.check == "worker"]
    tasks = found.core.state.jobs[explained.task.job]
    line = task_line(found.core.state, tasks, 0, Reason.WORKER, found.now)
    assert line == check.text
    return check.text, explained.would_run_if


SICK = tuple(worker(f"w{number}", healthy=False) for number in range(5))
FULL = (worker("w1", slots=1), worker("w2", slots=0))


@pytest.mark.parametrize(
    ("workers", "job", "text", "until"),
    [
        ((), None, "no worker is connected", "a worker connects"),
        (
            (),
            replace(make_job("etl"), host_placement="h9"),
            "no worker is connected",
            "a worker on h9 connects",
        ),
        (
            SICK[:1],
            None,
            "no worker takes tasks now: w0",
            "worker w0 takes tasks",
        ),
        (
            SICK,
            None,
            "no worker takes tasks now: w0, w1, w2 and 2 more",
            "one of 5 workers takes tasks: w0, w1, w2 and 2 more",
        ),
        (
            (*SICK, worker("w9")),
            only_on("w1"),
            "no worker that the job may use takes tasks now: w1",
            "worker w1 takes tasks",
        ),
        (
            (worker("w1"), worker("w2")),
            only_on("w3"),
            'the job\'s filter for "worker" does not accept any of the 2 hosts: w1, w2',
            'a worker connects whose host the job\'s filter for "worker" accepts',
        ),
        (
            (worker("w1"),),
            only_on("w3"),
            'the job\'s filter for "worker" does not accept the only host: w1',
            'a worker connects whose host the job\'s filter for "worker" accepts',
        ),
        (
            (worker("w1"),),
            replace(make_job("etl"), host_placement="h9"),
            "must run on h9, where no worker is connected",
            "a worker on h9 connects",
        ),
        (
            (worker("w1", "h9", healthy=False), worker("w2")),
            replace(make_job("etl"), host_placement="h9"),
            "must run on h9, whose worker w1 takes no tasks now",
            "worker w1 takes tasks",
        ),
        (
            (worker("w1"),),
            replace(only_on("w2"), host_placement="w1"),
            'must run on w1, which the job\'s filter for "worker" refuses',
            'the job\'s filter for "worker" accepts w1',
        ),
        (
            FULL,
            None,
            "worker w1 runs 1 tasks, and takes 1 at once; worker w2 runs 0 tasks, and"
            " takes 0 at once",
            "enough of what runs on worker w1 ends",
        ),
        (
            FULL[1:],
            None,
            "worker w2 runs 0 tasks, and takes 0 at once",
            "a limit of one of these workers grows, or a larger worker connects",
        ),
        (
            (worker("w2", "h2"),),
            on_hosts(),
            "must run on h1, where no worker is connected",
            "a worker on h1 connects",
        ),
    ],
)
def test_a_task_that_waits_for_a_worker_says_for_which(
    workers: tuple[ev.WorkerFacts, ...], job: Job | None, text: str, until: str
) -> None:
    assert told(world(*workers, job=job)) == (text, f"runs when {until}")


def test_a_task_that_needs_more_than_any_worker_has_waits_for_nobody() -> None:
    found = world(worker("w1"), ram=2, job=make_job("etl", needs={"ram": 3}))
    assert told(found) == (
        "needs 3 ram, worker w1 has 2",
        "runs when a limit of one of these workers grows, or a larger worker connects",
    )
    assert found.explain("etl@a").holders == ()


def test_a_task_that_lacks_a_resource_says_where_and_who_has_it() -> None:
    found = world(
        worker("w1"), worker("w2"), ram=2, job=make_job("etl", needs={"ram": 2})
    )
    assert told(found) == (
        "needs 2 ram, 2/2 used on worker w1; needs 2 ram, 2/2 used on worker w2",
        "runs when enough of what runs on one of 2 workers ends",
    )
    holders = found.explain("etl@a").holders
    assert [str(task) for task in holders] == ["etl@d", "etl@c"]
    (blocker,) = found.core.why_job(task_id("etl@a").job).blockers
    assert (blocker.reason, blocker.tasks) == (Reason.WORKER, 2)
    assert blocker.name == "ram on worker w1, worker w2"


def test_a_task_that_lacks_room_says_which_workers_take_nothing() -> None:
    big = make_job("etl", needs={"ram": 3})
    found = world(worker("w0"), *SICK[1:], ram=2, job=big)
    away = "workers w1, w2, w3 and 1 more take no tasks now"
    assert told(found)[0] == f"needs 3 ram, worker w0 has 2; {away}"


def test_a_task_whose_worker_is_not_healthy_says_so() -> None:
    found = world(worker("w1"))
    text = found.explain("etl@a").checks[0].text
    assert text == "attempt 1 runs"
    found.feed(ev.WorkersReported((worker("w1", healthy=False),)))
    text = found.explain("etl@a").checks[0].text
    assert text == "attempt 1 runs on worker w1 (takes no tasks now)"


def test_room_on_a_node_is_not_all_that_a_task_without_its_host_waits_for() -> None:
    jobs = (make_job("big"), replace(make_job("etl"), host_placement="h9"))
    made = World(make_config(*jobs, resources=limits(instance={"slots": 1})), FOUR)
    found = made.explain("etl@a")
    assert "and" not in found.would_run_if
    made.feed(ev.WorkersReported((worker("w1"),)))
    found = made.explain("etl@a")
    assert found.reason is Reason.RESOURCE
    assert found.would_run_if.endswith(", and a worker on h9 connects")


def test_a_job_is_summed_up_by_the_hosts_that_its_tasks_wait_for() -> None:
    found = world(job=on_hosts())
    found.feed(ev.WorkersReported((worker("w9", "h9"),)))
    blockers = found.core.why_job(task_id("etl@a").job).blockers
    assert [(one.name, one.tasks) for one in blockers] == [
        ("a worker on h1", 2),
        ("a worker on h2", 2),
    ]


def test_a_worker_that_gets_no_tasks_says_why() -> None:
    found = world(worker("w1"), worker("w2", slots=0), *SICK[:1])
    asked = ("w1", "w2", "w0", "w8")
    assert [found.core.why_no_tasks(NodeName(shard)) for shard in asked] == [
        "",
        "it takes no tasks for now: it has no slots",
        "it takes no tasks now",
        "it is not connected",
    ]


def test_what_a_worker_says_that_holds_it_is_told_of_the_tasks_that_wait() -> None:
    held = worker("w1", healthy=False)._replace(held="disk full: free some")
    found = world(held, worker("w2", healthy=False)).explain("etl@a")
    assert found.checks[-1].text == (
        "no worker takes tasks now: w1 (disk full: free some), w2"
    )
    assert found.would_run_if.endswith("one of 2 workers takes tasks: w1, w2")


# Whether it is worth waiting.


@pytest.mark.parametrize(
    ("workers", "may_grow", "job", "can"),
    [
        ((), True, None, True),
        ((), False, None, False),
        (SICK, True, None, True),
        (SICK, False, None, False),
        ((worker("w1", slots=0),), True, None, False),
        ((*SICK, worker("w9", slots=0)), True, None, True),
        ((*SICK, worker("w9")), True, only_on("w8"), False),
        ((worker("w9", "h9"),), True, on_hosts(), True),
        ((worker("w9", "h9"),), False, on_hosts(), False),
        (
            (worker("w9", "h9"), worker("w1", "h1", healthy=False)),
            True,
            on_hosts(),
            True,
        ),
    ],
)
def test_waiting_for_a_worker_is_progress_only_while_one_may_come(
    workers: tuple[ev.WorkerFacts, ...], may_grow: bool, job: Job | None, can: bool
) -> None:
    found = world(*workers, may_grow=may_grow, job=job)
    assert found.running_names == []
    assert found.core.progress().can_progress is can


def test_what_no_healthy_worker_ever_has_is_not_waited_for() -> None:
    found = world(
        worker("w1"), may_grow=True, ram=2, job=make_job("etl", needs={"ram": 3})
    )
    assert not found.core.progress().can_progress
    assert told(found)[1] == (
        "runs when a limit of one of these workers grows, or a larger worker connects"
    )


def test_at_the_end_of_a_run_each_job_tells_which_workers_it_had_needed() -> None:
    found = world(job=on_hosts())
    found.feed(ev.WorkersReported((worker("w2", "h2"),)))
    found.end("etl@d")
    found.end("etl@c")
    assert not found.core.progress().can_progress
    assert all_blockers(found.core) == {"etl": "2 worker: a worker on h1 (2)"}


# What runs elsewhere.


def adopted(
    task: str, shard: str = "w1", number: int = 7, ram: int = 1
) -> ev.AdoptedAttempt:
    needs = limits(worker={"ram": ram})[WORKER_LEVEL]
    return ev.AdoptedAttempt(
        task=task_id(task),
        invocation=InvocationId(1, number),
        worker=NodeName(shard),
        since=999_000.0,
        needs={WORKER_LEVEL: {name: spec.limit for name, spec in needs.items()}},
        path=((LevelName("instance"), NodeName("top")),),
        next_backoff=COST,
    )


def ended(one: ev.AdoptedAttempt, bits: Bits = DONE) -> ev.TaskEnded:
    return ev.TaskEnded(one.task, one.invocation, TaskStatus(bits=bits, time=1.0))


def test_an_attempt_that_is_found_runs_and_holds_what_it_took() -> None:
    found = world(ram=1)
    one = adopted("etl@b", ram=3)
    found.feed(ev.AttemptsAdopted((one,)))
    assert found.reason("etl@b") is Reason.RUNNING
    (attempt,) = found.core.running()
    assert (attempt.worker, attempt.since, attempt.number) == ("w1", 999_000.0, 1)
    assert found.core.starts == 0
    assert started(found.feed(ev.WorkersReported((worker("w1"),)))) == []
    assert usage_of(found, "w1") == (("ram", 3, 1),)
    actions = found.feed(ended(one))
    assert started(actions) == ["etl@d"]
    found.store()
    assert found.reason("etl@b") is Reason.DONE


def test_of_two_copies_the_first_that_was_known_stays_and_the_log_hears_of_it() -> None:
    found = world(worker("w1"))
    before = found.core.running()
    invocation = found.running[task_id("etl@a")].invocation
    found.feed(ev.AttemptsAdopted((adopted("etl@a", "w2"),)))
    assert found.core.running() == before
    ((line, is_grave),) = found.core.take_oddities()
    assert is_grave
    assert str(invocation) in line
    assert "worker w2" in line
    assert found.core.take_oddities() == ()
    same = adopted("etl@a")._replace(invocation=invocation)
    found.feed(ev.AttemptsAdopted((same,)))
    assert found.core.take_oddities() == ()


def test_an_attempt_of_a_job_that_is_gone_is_found_too() -> None:
    found = world(worker("w1", slots=1))
    one = adopted("gone@nowhere")
    found.feed(ev.AttemptsAdopted((one,)))
    assert found.reason("gone@nowhere") is Reason.RUNNING
    found.feed(ev.NodesLoaded(make_tree({"h7": ["x"]})))
    found.feed(ended(one))
    found.store()
    assert "gone@nowhere" not in [str(a.task) for a in found.core.running()]


def test_an_attempt_whose_end_is_being_stored_is_not_found_again() -> None:
    found = world(worker("w1"))
    invocation = found.running[task_id("etl@a")].invocation
    found.end("etl@a", store=False)
    again = adopted("etl@a")._replace(invocation=invocation)
    found.feed(ev.AttemptsAdopted((again,)))
    found.store()
    assert found.reason("etl@a") is Reason.DONE


def test_an_attempt_that_was_taken_for_lost_is_found_again() -> None:
    found = world(worker("w1"))
    one = found.running[task_id("etl@a")]
    found.feed(ev.TaskLost(one.task, one.invocation, NodeName("w1"), 66))
    again = adopted("etl@a")._replace(invocation=one.invocation)
    found.feed(ev.AttemptsAdopted((again,)))
    found.store()
    assert found.reason("etl@a") is Reason.RUNNING
    found.feed(ended(again))
    found.store()
    assert found.reason("etl@a") is Reason.DONE


def test_a_copy_that_was_looked_for_and_is_found_holds_what_it_holds_once() -> None:
    found = world(worker("local"), ram=4)
    found.feed(ev.StartsPaused("x", "x"))
    found.end("etl@a", Bits.INCOMPLETE)
    one = adopted("etl@a", "local")
    old = ev.RecoveringAttempt(one.task, one.invocation, 999_000.0)
    found.feed(ev.AttemptsRecovering((old,)))
    found.feed(ev.AttemptsAdopted((one,)))
    assert found.core.recovering() == ()
    assert usage_of(found, "local") == (("ram", 4, 4),)


def test_a_task_that_is_done_has_no_attempt_left_that_could_be_adopted() -> None:
    found = world(worker("local"), ram=4)
    found.feed(ev.StartsPaused("x", "x"))
    found.end("etl@a", Bits.DONE)
    found.store()
    # Its end was not acknowledged when the scheduler that heard it ended.
    found.feed(ev.AttemptsAdopted((adopted("etl@a", "local"),)))
    assert found.reason("etl@a") is Reason.DONE


def only(actions: list[Action]) -> TaskStatus:
    (stored,) = [one for one in actions if isinstance(one, StoreStatus)]
    return stored.status


def lose(found: World, task: str = "etl@a", safe_sec: int = 66) -> TaskStatus:
    one = found.running.pop(task_id(task))
    lost = ev.TaskLost(one.task, one.invocation, NodeName(one.worker), safe_sec)
    return only(found.feed(lost))


def late(found: World, bits: Bits, number: int = 3) -> list[Action]:
    status = TaskStatus(bits=bits, time=found.now.wall)
    invocation = InvocationId(1, number)
    return found.feed(
        ev.LateStatus(task_id("etl@a"), invocation, status, COST, NodeName("w1"))
    )


def test_a_lost_task_waits_until_it_is_dead_and_its_retries_go_on() -> None:
    found = world(worker("w1"))
    status = lose(found)
    assert status.bits == Bits(3168)
    assert status.backoff_sec == 66
    assert status.data["worker_shard"] == "w1"
    found.store()
    assert found.reason("etl@a") is Reason.BACKOFF
    assert started(found.wait(65.9)) == []
    assert started(found.wait(0.1)) == ["etl@a"]
    # The second step of the list, 20 s, is more than is safe; the third is no more.
    assert lose(found, safe_sec=1).backoff_sec == 20
    found.store()
    found.wait(20)
    failed = lose(found)
    assert Bits.FAILED in failed.bits
    assert Bits.ERROR not in failed.bits
    found.store()
    assert found.reason("etl@a") is Reason.FAILED


def test_news_of_another_attempt_or_of_one_that_ended_changes_nothing() -> None:
    found = world(worker("w1"))
    one = found.running[task_id("etl@a")]
    other = ev.TaskLost(one.task, InvocationId(9, 9), NodeName("w1"), 66)
    assert found.feed(other) == []
    assert late(found, DONE) == []
    ((line, is_grave),) = found.core.take_oddities()
    assert not is_grave
    assert "it is ignored" in line
    found.end("etl@a", store=False)
    assert found.feed(other._replace(invocation=one.invocation)) == []
    assert late(found, DONE, 4) == []


def test_what_an_older_attempt_tells_again_does_not_end_the_wait_of_a_lost_one() -> (
    None
):
    found = world(worker("w1"))
    older = found.running[task_id("etl@a")]
    found.end("etl@a", Bits(96))
    found.wait(10)
    lose(found)
    found.store()
    error = TaskStatus(bits=ERROR_BACKOFF, time=found.now.wall)
    told = ev.LateStatus(older.task, older.invocation, error, COST, older.worker)
    assert found.feed(told) == []
    found.feed(ev.Forgive((older.task.job,)))
    # Of a status that is on its way to the store, too.
    assert found.feed(told) == []
    found.store()
    assert found.feed(told) == []
    assert started(found.wait(65.9)) == []
    done = TaskStatus(bits=DONE, time=found.now.wall)
    found.feed(told._replace(reported=done))
    found.store()
    assert found.reason("etl@a") is Reason.DONE


def test_a_task_that_was_not_running_keeps_its_checkpoint() -> None:
    found = world(worker("w1"))
    before = TaskStatus(bits=INCOMPLETE, time=1.0, data={"at": 3})
    for reported in (before, was_not_running(now_wall=2.0)):
        one = found.running[task_id("etl@a")]
        found.feed(ev.TaskEnded(one.task, one.invocation, reported))
        found.store()
    again = found.running[task_id("etl@a")]
    assert again.prev_status is not None
    assert again.prev_status.bits == Bits(1056)
    assert again.prev_status.data == {"at": 3}


def test_what_comes_from_a_lost_task_after_all_replaces_that_it_is_lost() -> None:
    found = world(worker("w1"))
    lose(found)
    assert only(late(found, DONE)).is_done
    found.store()
    assert found.reason("etl@a") is Reason.DONE
    assert late(found, ERROR_BACKOFF) == []
    assert late(found, Bits(1056)) == []


def test_a_worker_cannot_end_what_runs_on_another_one() -> None:
    found = world(worker("w1"))
    one = found.running[task_id("etl@a")]
    status = TaskStatus(bits=ERROR_BACKOFF, time=found.now.wall)
    late = ev.LateStatus(one.task, one.invocation, status, COST, NodeName("w2"))
    assert found.feed(late) == []
    assert found.reason("etl@a") is Reason.RUNNING
    ((line, is_grave),) = found.core.take_oddities()
    assert "worker w2 told the end of" in line
    assert "which runs on w1: it is ignored" in line
    assert not is_grave


def test_an_orphan_that_is_found_is_killed_as_any_other() -> None:
    config: Config = make_config(make_job("etl"), kill_orphans=0.0)
    found = world(worker("w1"))
    found.reload(config)
    actions = found.feed(ev.AttemptsAdopted((adopted("gone@nowhere"),)))
    assert [str(one.task) for one in actions] == ["gone@nowhere"]
