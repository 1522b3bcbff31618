"""What a worker is told of a task."""

import json
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.config.model import Enforcement, StatusFrom, TaskSubprocess
from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    WORKER_LEVEL,
    LevelName,
    NodeName,
    ResourceName,
)
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.remote.bounds import LARGEST_TASK_BYTES
from bistro_tui.engine.remote.frames import LARGEST_BYTES, decoded, encoded, frame_of
from bistro_tui.engine.remote.identity import NOBODY, InstanceId
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    NEW_WORKER,
    Call,
    RunTask,
    TaskBackoff,
)
from bistro_tui.engine.remote.pool_actions import SendHealthcheck
from bistro_tui.engine.runners.remote_orders import Orders, adopted, health_check
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.attempts import NoCommits
from tests.engine.processes.builders import a_start

RAM, SLOTS = ResourceName("ram"), ResourceName("slots")


def orders() -> Orders:
    return Orders(config_dir=Path("/etc/jobs"), suicide_kill_wait_ms=5_000)


def test_an_attempt_has_the_number_of_commits_before_it() -> None:
    made = Orders(
        config_dir=Path("/etc/jobs"), suicide_kill_wait_ms=0, keeper=NoCommits(7)
    )
    assert made.running_task(a_start("run"), now_wall=0.0).commits == 7


def test_both_sides_know_an_attempt_by_all_that_it_takes_and_from_where() -> None:
    needs = {WORKER_LEVEL: {RAM: 2}, LevelName("db"): {SLOTS: 1}}
    start = a_start("run")._replace(worker=NodeName("w1"), needs=needs)
    found = orders().running_task(start, now_wall=1234.5)

    assert (found.task, found.invocation) == (start.task, start.invocation)
    assert found.resources == {"worker": {"ram": 2}, "db": {"slots": 1}}
    assert found.path == (("db", "db7"),)
    assert (found.shard, found.started) == ("w1", 1234.5)
    assert found.next_backoff == TaskBackoff(15, no_more=False)
    assert found.suicide_kill_wait_ms == 5_000
    assert found.commits == 0
    back = adopted(found)
    assert (back.task, back.invocation, back.worker) == (*start[:2], "w1")
    assert (back.needs, back.next_backoff) == (needs, start.next_backoff)


def test_the_same_job_goes_to_several_workers_under_their_own_names() -> None:
    made, needs = orders(), {WORKER_LEVEL: {RAM: 2}}
    found = []
    for shard, host in (("w1", "h1"), ("w2", "h2"), ("w1", "h1")):
        start = a_start("run")._replace(worker=NodeName(shard), needs=needs)
        found.append(json.loads(made.order(start, host=host).config))

    assert [(one["worker_node"], one["worker_host"]) for one in found] == [
        ("w1", "h1"),
        ("w2", "h2"),
        ("w1", "h1"),
    ]
    assert [list(one["resources_by_node"]) for one in found] == [["w1"], ["w2"], ["w1"]]


def test_an_order_has_what_the_job_says_of_its_tasks() -> None:
    start = a_start(
        "etl",
        status_from=StatusFrom.EXIT_CODE,
        enforcement=Enforcement(memory_max=1 << 20, cpu_weight=200),
        task_subprocess=TaskSubprocess(max_log_lines_per_poll_interval=5),
    )
    found = orders().order(start, host="h1")

    assert (found.command, found.status_from) == (("etl",), "exit_code")
    assert (found.memory_max, found.cpu_weight) == (1 << 20, 200)
    assert (found.lines_per_interval, found.timeout_sec) == (5, None)


@pytest.mark.parametrize(
    "start",
    [
        a_start("run", node="a\udcff"),
        a_start("run", env={"A": "\udcff"}),
        a_start("run", config={"x": float("nan")}),
    ],
)
def test_what_no_worker_can_be_told_is_an_error_that_says_so(start: StartTask) -> None:
    with pytest.raises(ValueError, match=r"UTF-8|JSON"):
        orders().order(start, host="h1")


@pytest.mark.parametrize(
    "needs",
    [
        {LevelName("db"): {SLOTS: 1}},
        {INSTANCE_LEVEL: {ResourceName("\udcff"): 1}},
        {LevelName("\udcff"): {SLOTS: 1}},
    ],
)
def test_names_of_what_a_task_takes_that_no_worker_can_be_told_are_an_error(
    needs: dict[LevelName, dict[ResourceName, int]],
) -> None:
    made, start = orders(), a_start("run", node="a\udcff")._replace(needs=needs)
    for _ in range(2):
        with pytest.raises(ValueError, match="UTF-8"):
            made.running_task(start, now_wall=0.0)


def test_a_job_that_is_called_as_health_checks_are_is_sent_to_no_worker() -> None:
    # Its ends would count as those of health checks, and it would run for ever.
    with pytest.raises(ValueError, match=f"job {HEALTH_CHECK}"):
        orders().order(a_start("run", job=HEALTH_CHECK), host="h1")


@pytest.mark.parametrize(("is_new", "node"), [(True, NEW_WORKER), (False, "")])
def test_a_health_check_writes_done_and_is_known_by_its_number(
    is_new: bool, node: str
) -> None:
    action = SendHealthcheck("w1", InstanceId(1, 2), is_new, 7, 50.0)
    task, order = health_check(action, now_wall=1234.5)

    assert task.task == (HEALTH_CHECK, node)
    assert task.invocation == (1234, 7)
    assert order.command[:2] == ("/bin/sh", "-c")
    assert (order.config, order.kill.method) == ("", "kill")


def test_a_path_that_takes_nothing_is_not_told() -> None:
    start = a_start("run")._replace(needs={INSTANCE_LEVEL: {SLOTS: 1}})

    assert orders().running_task(start, now_wall=0.0).path == (("instance", "root"),)


MANY = {ResourceName(f"r{number}"): 1 for number in range(1_001)}


def deep(levels: int) -> StartTask:
    """Return a start at the foot of a tree where each level gives something."""
    names = [LevelName(f"level{number}") for number in range(levels)]
    nodes = [
        Node(name=NodeName(f"n{number}"), level=name, parent=number - 1)
        for number, name in enumerate(names)
    ]
    return a_start("run")._replace(
        tree=NodeTree(nodes),
        leaf=levels - 1,
        needs={name: {SLOTS: 1} for name in names},
    )


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (deep(101), "from 101 nodes, and a worker can be told of 100"),
        (
            a_start("run")._replace(needs={LevelName("db"): MANY}),
            "of level db 1001 resources, and a worker can be told of 1000",
        ),
        (
            a_start("run")._replace(
                needs={LevelName(f"l{n}"): {SLOTS: 1} for n in range(1_001)}
            ),
            "of 1001 levels, and a worker can be told of 1000",
        ),
        (
            a_start("run")._replace(needs={LevelName("db"): {SLOTS: -1}}),
            "slots: no worker can be told of -1",
        ),
        (
            a_start("run")._replace(needs={LevelName("db"): {SLOTS: 2**63}}),
            "slots: no worker can be told of 9223372036854775808",
        ),
        (
            a_start("run", node="n" * LARGEST_TASK_BYTES),
            "names of what it takes and where are too long",
        ),
        (
            a_start("run")._replace(
                needs={LevelName("x"): {ResourceName("r" * LARGEST_TASK_BYTES): 1}}
            ),
            "names of what it takes and where are too long",
        ),
    ],
)
def test_what_is_beyond_what_a_message_may_hold_is_an_error_that_says_so(
    start: StartTask, text: str
) -> None:
    made = orders()
    for _ in range(2):
        with pytest.raises(ValueError, match=text):
            made.running_task(start, now_wall=0.0)
    # What follows is not concerned.
    made.running_task(a_start("run"), now_wall=0.0)


def test_what_is_just_within_it_can_be_told() -> None:
    made, few = orders(), dict([*MANY.items()][:1_000])
    for start in (deep(100), a_start("run")._replace(needs={LevelName("db"): few})):
        task = made.running_task(start, now_wall=0.0)
        message = RunTask(task, made.order(start, host="h"), 1, NOBODY, NOBODY)
        envelope = Call(1, message)
        frame = encoded(envelope)
        assert isinstance(frame, bytes)
        assert decoded(frame_of([frame])) == [envelope]


@pytest.mark.parametrize(
    "job",
    [
        {"config": {"x": "y" * LARGEST_BYTES}},
        {"env": {"X": "y" * LARGEST_BYTES}},
        {"config": {"x": "é" * (LARGEST_BYTES // 2)}},
    ],
)
def test_an_order_that_is_longer_than_a_message_is_an_error_that_says_so(
    job: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="bytes, and a worker can be told"):
        orders().order(a_start("run", **job), host="h1")


def test_a_number_that_no_message_may_hold_is_an_error_that_says_so() -> None:
    start = a_start("run", enforcement=Enforcement(memory_max=2**63))
    with pytest.raises(ValueError, match="no worker can be told"):
        orders().order(start, host="h1")
