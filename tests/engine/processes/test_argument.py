import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    WORKER_LEVEL,
    LevelName,
    NodeName,
    ResourceName,
)
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.processes.argument import (
    LONGEST_ARGUMENT,
    LONGEST_CONFIG_VARIABLE,
    JobArguments,
    resolve_program,
)
from bistro_tui.engine.processes.job_json import is_encodable
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.processes.builders import a_start

Needs: TypeAlias = Mapping[LevelName, Mapping[ResourceName, int]]
FILE = "/dev/shm/x/1.json"


class Told(NamedTuple):
    argv: tuple[str, ...]
    environment: dict[str, str]
    config_file_needed: bool


def arguments(
    *command: str,
    start: StartTask | None = None,
    config: str = '{"id":"etl"}',
    own: bool = True,
) -> Told:
    start = start or a_start(*command)
    found = of_job(start, *command, own=own).arguments(
        start,
        str(start.invocation),
        status_file="/s",
        config=config,
        config_file=FILE,
    )
    assert found.status_file == b"/s"
    assert found.words == tuple(map(os.fsdecode, found.argv))
    environment = dict(os.fsdecode(one).split("=", 1) for one in found.environment)
    assert len(environment) == len(found.environment)
    return Told(found.words, environment, found.config_file_needed)


def of_job(
    start: StartTask,
    *command: str,
    own: bool = True,
    worker_node: str = "w",
    worker_host: str = "h",
) -> JobArguments:
    return JobArguments(
        start.job,
        command=command or ("run",),
        fill_placeholders=own,
        worker_node=worker_node,
        worker_host=worker_host,
    )


def task_json(start: StartTask, *, worker_node: str, worker_host: str) -> str:
    return of_job(start, worker_node=worker_node, worker_host=worker_host).task_json(
        start
    )


def plain_json(start: StartTask) -> str:
    """What it must be, byte for byte, however it is put together."""
    content: dict[str, object] = {
        "id": start.task.job,
        "path_to_node": list(start.path_to_node),
        "config": dict(start.job.config),
        "resources_by_node": {
            node: dict(resources) for node, resources in start.resources_by_node.items()
        },
    }
    if start.prev_status is not None:
        content["prev_status"] = start.prev_status.export()
    content |= {"worker_node": "w", "worker_host": "h"}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if is_encodable(text):
        return text
    return json.dumps(content, separators=(",", ":"))


def test_node_status_file_and_json_follow_the_command() -> None:
    assert arguments("run", "-v").argv == ("run", "-v", "db7", "/s", '{"id":"etl"}')


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("{node}", "db7"),
        ("{job}", "etl"),
        ("{status_file}", "/s"),
        ("{config}", '{"id":"etl"}'),
        ("--at={node}/{job}", "--at=db7/etl"),
        ("{node}{node}", "db7db7"),
        ("awk '{{print}}' {node}", "awk '{print}' db7"),
        ("{{{node}}}", "{db7}"),
        ("{x} {node} {}", "{x} db7 {}"),
        ("{node} { }", "db7 { }"),
        ("{{node}} {node}", "{node} db7"),
    ],
)
def test_placeholders_are_filled_in_and_nothing_follows(word: str, filled: str) -> None:
    assert arguments("run", word).argv == ("run", filled)


@pytest.mark.parametrize(
    "word", ["{}", "{{}}", "{{x}}", "{Node}", "{ node }", "{node", "${HOME}", "{nodes}"]
)
def test_other_braces_stay_and_the_three_arguments_follow(word: str) -> None:
    argv = arguments("run", word).argv
    assert argv[:2] == ("run", word)
    assert argv[2:] == ("db7", "/s", '{"id":"etl"}')


def test_a_doubled_placeholder_is_its_own_name_and_fills_nothing_in() -> None:
    assert arguments("echo", "{{node}}").argv[1:3] == ("{node}", "db7")


def test_braces_of_a_word_without_placeholder_stay_beside_one_with() -> None:
    assert arguments("run", "{{}}", "{node}").argv == ("run", "{{}}", "db7")


def test_a_value_is_never_looked_into_for_placeholders() -> None:
    start = a_start(node="{job}{{", job="{config}")
    assert arguments("run", "{node}", start=start).argv == ("run", "{job}{{")


def test_placeholders_mean_nothing_in_a_worker_command() -> None:
    assert arguments("{node}", own=False).argv[0] == "{node}"


def test_a_word_with_a_slash_counts_from_the_directory() -> None:
    assert resolve_program("./run.sh", directory="/etc/x") == "/etc/x/run.sh"
    assert resolve_program("bin/run", directory="/etc/x") == "/etc/x/bin/run"
    assert resolve_program("/bin/sh", directory="/etc/x") == "/bin/sh"


def test_a_bare_word_is_left_to_path() -> None:
    assert resolve_program("python3", directory="/etc/x") == "python3"


def test_the_jobs_variables_and_our_five_come_on_top_of_the_users() -> None:
    start = a_start("run", env={"MODE": "fast", "BISTRO_NODE": "forged"})
    found = arguments("run", start=start).environment
    assert found == {
        "MODE": "fast",
        "BISTRO_JOB": "etl",
        "BISTRO_NODE": "db7",
        "BISTRO_STATUS_FILE": "/s",
        "BISTRO_CONFIG": '{"id":"etl"}',
        "BISTRO_INVOCATION": str(start.invocation),
    }


@pytest.mark.parametrize(
    ("size", "third", "variable"),
    [
        (LONGEST_CONFIG_VARIABLE, False, False),
        (LONGEST_CONFIG_VARIABLE + 1, False, True),
        (LONGEST_ARGUMENT, False, True),
        (LONGEST_ARGUMENT + 1, True, True),
    ],
)
def test_a_json_too_long_for_an_argument_is_in_a_file(
    size: int, third: bool, variable: bool
) -> None:
    config = "ü" * (size // 2) + "x" * (size % 2)
    for command in (("run",), ("run", "{config}")):
        found = arguments(*command, config=config)
        assert found.argv[-1] == (f"@{FILE}" if third else config)
        assert found.environment["BISTRO_CONFIG"] == (
            f"@{FILE}" if variable else config
        )
        assert found.config_file_needed is (third or variable)


def test_a_word_that_is_too_long_only_with_the_json_in_it_names_the_file() -> None:
    config = "x" * (LONGEST_ARGUMENT - 5)
    assert arguments("run", "--config={config}", config=config).argv == (
        "run",
        f"--config=@{FILE}",
    )


def test_the_json_has_bistros_keys_and_no_prev_status_at_first() -> None:
    start = a_start(config={"table": "users"})
    text = task_json(start, worker_node="me", worker_host="me.example")
    assert json.loads(text) == {
        "id": "etl",
        "path_to_node": ["root", "db7"],
        "config": {"table": "users"},
        "resources_by_node": {},
        "worker_node": "me",
        "worker_host": "me.example",
    }
    assert ": " not in text
    assert "\n" not in text


def test_the_previous_status_is_handed_back_as_a_checkpoint() -> None:
    status = TaskStatus(bits=Bits.INCOMPLETE, time=12.7, data={"row": 5})
    text = task_json(a_start(prev_status=status), worker_node="w", worker_host="h")
    assert json.loads(text)["prev_status"] == {
        "result_bits": 8,
        "time": 12,
        "data": {"row": 5},
    }


def test_resources_are_given_by_node() -> None:
    needs = {LevelName("db"): {ResourceName("slots"): 2}}
    start = a_start()._replace(needs=needs)
    text = task_json(start, worker_node="w", worker_host="h")
    assert json.loads(text)["resources_by_node"] == {"db7": {"slots": 2}}


def test_a_worker_amount_is_given_under_the_worker() -> None:
    needs = {WORKER_LEVEL: {ResourceName("cpu"): 1}, LevelName("db"): {}}
    start = a_start()._replace(needs=needs)
    text = task_json(start, worker_node="w", worker_host="h")
    assert json.loads(text)["resources_by_node"] == {"db7": {}, "local": {"cpu": 1}}


@pytest.mark.parametrize(
    ("word", "reason"),
    [("a\0b", "run: embedded null byte"), ("\ud800", "run: 'utf-8' codec can't")],
)
def test_words_that_no_program_can_be_given_are_a_plain_error(
    word: str, reason: str
) -> None:
    for command, start in (
        (("run", word), a_start()),
        (("run", word + "{node}"), a_start()),
        (("run",), a_start(node=word)),
        (("run",), a_start(env={"X": word})),
    ):
        with pytest.raises(ValueError, match=reason):
            arguments(*command, start=start)


texts = st.text(st.sampled_from('ab"\\{}\0\n\x7f é\u2028\U0001f4a9\ud800'))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


names = st.text(st.sampled_from('ab"\\\\ é\U0001f4a9\ud800'), min_size=1, max_size=3)


@settings(max_examples=60)
@given(
    st.lists(names, min_size=1, max_size=4),
    st.dictionaries(texts, texts),
    st.dictionaries(
        st.sampled_from(["instance", "l1", "l2", "worker"]),
        st.dictionaries(texts, st.integers(0, 9), max_size=2),
    ),
    st.booleans(),
)
def test_the_json_is_byte_for_byte_what_json_itself_would_write(
    path: list[str], config: dict[str, str], needs: dict[str, Any], again: bool
) -> None:
    levels = [INSTANCE_LEVEL, *(LevelName(f"l{i}") for i in range(1, len(path)))]
    nodes = [
        Node(name=NodeName(name), level=level, parent=at - 1)
        for at, (name, level) in enumerate(zip(path, levels, strict=True))
    ]
    status = TaskStatus(bits=Bits.INCOMPLETE, time=1.5, data=config) if again else None
    start = a_start(config=config, prev_status=status)._replace(
        tree=NodeTree(nodes), leaf=len(path) - 1, needs=cast("Needs", needs)
    )
    made = of_job(start)
    # The second is put together from what the first has left.
    assert [made.task_json(start) for _ in range(2)] == [plain_json(start)] * 2


ROWS = ["root", "a", "local", "a"]
"""The names of the nodes of a level, in turn; one is called like the worker."""


def a_forest(levels: list[int]) -> NodeTree:
    """A tree whose levels have so many nodes, below parents in turn."""
    nodes = [Node(name=NodeName("root"), level=INSTANCE_LEVEL, parent=-1)]
    above = [0]
    for depth, number in enumerate(levels, 1):
        level = LevelName(f"l{depth}")
        parents = [above[at % len(above)] for at in range(number)]
        above = list(range(len(nodes), len(nodes) + number))
        nodes += [
            Node(name=NodeName(ROWS[at % len(ROWS)]), level=level, parent=parent)
            for at, parent in enumerate(parents)
        ]
    return NodeTree(nodes)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(1, 5), max_size=2).map(a_forest), min_size=1),
    st.lists(
        st.dictionaries(
            st.sampled_from(["instance", "l1", "l2", "worker"]),
            st.dictionaries(st.sampled_from("xy"), st.integers(0, 9), max_size=2),
        ),
        min_size=1,
    ),
    st.lists(st.tuples(st.integers(0), st.integers(0), st.integers(0))),
)
def test_tasks_of_any_nodes_in_any_order_are_told_their_own_path_and_resources(
    trees: list[NodeTree], needs: list[Any], order: list[tuple[int, int, int]]
) -> None:
    first = a_start()
    made = of_job(first)
    for which, what, leaf in order:
        tree = trees[which % len(trees)]
        start = first._replace(
            tree=tree, leaf=leaf % len(tree), needs=needs[what % len(needs)]
        )
        assert made.task_json(start) == plain_json(start)


@settings(max_examples=40)
@given(st.dictionaries(texts, json_values))
def test_any_config_comes_through_as_it_is(config: dict[str, Any]) -> None:
    text = task_json(a_start(config=config), worker_node="w", worker_host="h")
    assert "\0" not in text
    assert json.loads(text.encode())["config"] == config


def test_a_config_that_json_cannot_hold_is_a_plain_error() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for bad in (float("nan"), endless):
        with pytest.raises(ValueError, match=r"JSON|nested|Circular"):
            task_json(a_start(config={"x": bad}), worker_node="w", worker_host="h")
