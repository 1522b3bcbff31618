import pytest

from bistro_tui.engine.config.model import (
    EmptyPrefs,
    Json,
    NodeOrder,
    RangeLabelPrefs,
    ScriptPrefs,
)
from bistro_tui.engine.ids import LevelName, NodeName
from tests.engine.config.builders import (
    config_json,
    manual,
    manual_node,
    parsed_settings,
    settings_json,
    settings_problems,
    warnings_of,
)


def nodes(
    *sources: tuple[str, Json], levels: Json = ("level1", "level2"), **more: Json
) -> dict[str, Json]:
    listed = [{"source": source, "prefs": prefs} for source, prefs in sources]
    return {"levels": list(levels), "node_sources": listed, **more}


def problems(section: Json) -> list[tuple[str, str]]:
    found = settings_problems(nodes=section, resources={})
    return [(path.removeprefix("nodes").lstrip("."), text) for path, text in found]


def node_warnings(section: Json) -> list[tuple[str, str]]:
    found = warnings_of(config_json(settings_json(nodes=section, resources={})))
    return [
        (path.removeprefix("bistro_settings.nodes").lstrip("."), text)
        for path, text in found
    ]


MANUAL = ("manual", {"a": ["a1"]})


def test_the_four_sources_are_read_with_their_defaults() -> None:
    found = parsed_settings(
        resources={},
        nodes=nodes(
            ("empty", {}),
            ("manual", {"a": "a1", "b": {"children": ["b1", 2], "disabled": "yes"}}),
            ("range_label", {"parent_level": "level1", "start": "1", "end": 3}),
            ("script", {"parent_level": "level1", "script": "./hosts.sh"}),
            node_order="lexicographic",
        ),
    )
    assert found.node_order is NodeOrder.LEXICOGRAPHIC
    assert [spec.prefs for spec in found.node_sources] == [
        EmptyPrefs(),
        manual(a=manual_node("a1"), b=manual_node("b1", "2", enabled=False)),
        RangeLabelPrefs(parent_level=LevelName("level1"), start=1, end=3),
        ScriptPrefs(
            parent_level=LevelName("level1"), script="./hosts.sh", timeout_sec=30.0
        ),
    ]


def test_the_older_shape_names_one_source() -> None:
    older = parsed_settings(
        nodes={
            "levels": ["level1", "level2"],
            "node_source": "manual",
            "node_source_prefs": {"a": ["a1"]},
        },
        resources={},
    )
    assert older == parsed_settings(nodes=nodes(MANUAL), resources={})


def test_with_both_shapes_the_list_counts_and_the_other_is_a_warning() -> None:
    section = nodes(MANUAL, node_source="script", node_source_prefs={})
    assert problems(section) == []
    assert node_warnings(section) == [
        ("node_source", 'ignored: "node_sources" is what counts'),
        ("node_source_prefs", 'ignored: "node_sources" is what counts'),
    ]


def test_without_any_source_there_is_a_warning() -> None:
    assert problems({"levels": []}) == []
    assert node_warnings({"levels": []}) == [
        ("", 'no "node_sources": there is only the instance node')
    ]


def test_without_levels_tasks_run_on_the_instance() -> None:
    found = parsed_settings(nodes={"levels": []}, resources={})
    assert found.levels == ("instance", "worker")
    assert found.level_for_tasks == "instance"


def test_a_level_name_is_taken_as_it_is() -> None:
    found = parsed_settings(nodes={"levels": [" foo "]}, resources={})
    assert found.levels == ("instance", " foo ", "worker")


def test_naming_the_instance_level_is_harmless() -> None:
    section = nodes(MANUAL, levels=["instance", "level1", "level2"])
    assert problems(section) == []
    assert [path for path, _ in node_warnings(section)] == ["levels[0]"]


@pytest.mark.parametrize(("disabled", "enabled"), [(True, False), (False, True)])
def test_disabled_means_what_it_says(disabled: bool, enabled: bool) -> None:
    section = nodes(("manual", {"a": {"disabled": disabled}}))
    (spec,) = parsed_settings(nodes=section, resources={}).node_sources
    assert spec.prefs == manual(a=manual_node(enabled=enabled))


BAD_NODES: list[tuple[Json, str, str | None]] = [
    ([], "", "must be an object, got an array"),
    ({}, "", 'the key "levels" is missing'),
    ({"levels": "a"}, "levels", 'must be an array of texts, got "a"'),
    ({"levels": ["a", None]}, "levels[1]", "must be a text, got null"),
    (
        {"levels": ["a", "worker"]},
        "levels[1]",
        '"worker" is always there, below all others: leave it out',
    ),
    ({"levels": ["a", "b", "a"]}, "levels[2]", 'the level "a" is named twice'),
    (nodes(MANUAL, node_order="abc"), "node_order", None),
    (
        {"levels": [], "node_sources": {}},
        "node_sources",
        "must be an array, got an object",
    ),
    (
        {"levels": [], "node_sources": ["manual"]},
        "node_sources[0]",
        'must be an object such as {"source": "manual", "prefs": {…}}, got "manual"',
    ),
    (
        {"levels": [], "node_sources": [{"prefs": {}}]},
        "node_sources[0]",
        'the key "source" is missing',
    ),
    (
        {"levels": [], "node_sources": [{"source": "empty", "prefs": 3}]},
        "node_sources[0].prefs",
        "must be an object, got 3",
    ),
    (
        nodes(("manul", {})),
        "node_sources[0].source",
        'unknown node source "manul"; there are manual, range_label, empty, script, '
        'add_time; did you mean "manual"?',
    ),
    (
        {"levels": ["a"], "node_source": "manuel", "node_source_prefs": {}},
        "node_source",
        'unknown node source "manuel"; there are manual, range_label, empty, script, '
        'add_time; did you mean "manual"?',
    ),
    # manual
    (
        nodes(("manual", {"a": 5})),
        "node_sources[0].prefs.a",
        "must be a child's name, an array of names, or an object, got 5",
    ),
    (
        nodes(("manual", {"a": ["x", None]})),
        "node_sources[0].prefs.a[1]",
        "must be a text, got null",
    ),
    (
        nodes(("manual", {"a": {"children": "x"}})),
        "node_sources[0].prefs.a.children",
        'must be an array of texts, got "x"',
    ),
    (
        nodes(("manual", {"a": {"disabled": None}})),
        "node_sources[0].prefs.a.disabled",
        "must be true or false, got null",
    ),
    (
        nodes(("manual", {"a\0": []})),
        "node_sources[0].prefs.a\0",
        "a node's name cannot hold a NUL character",
    ),
    (
        nodes(("manual", {})),
        "node_sources[0].prefs",
        'has no nodes; the source "empty" says so on purpose',
    ),
    (
        nodes(("manual", {"a": "b", "b": "a"})),
        "node_sources[0].prefs",
        "has no root: every node is somebody's child",
    ),
    (
        nodes(("manual", {"a": ["b"], "b": {"children": ["x", "c"]}, "c": "d"})),
        "node_sources[0].prefs.b.children[0]",
        None,
    ),
    (
        nodes(("manual", {"a": "b"}), levels=["one"]),
        "node_sources[0].prefs.a",
        '"b" is on level 2 of the tree, but bistro_settings.nodes.levels names only 1',
    ),
    (
        nodes(("manual", {"a": []}), levels=[]),
        "node_sources[0].prefs.a",
        '"a" is on level 1 of the tree, but bistro_settings.nodes.levels names only 0',
    ),
    (
        nodes(("manual", {"a": ["b"], "b": ["c"], "x": ["c"]}), levels=["p", "q", "r"]),
        "node_sources[0].prefs.b[0]",
        'the node "c" would be on two levels, "q" and "r"',
    ),
    (
        nodes(MANUAL, ("manual", {"a1": []})),
        "node_sources[1].prefs.a1",
        'the node "a1" would be on two levels, "level2" and "level1"',
    ),
    # range_label
    (
        nodes(MANUAL, ("range_label", {})),
        "node_sources[1].prefs",
        None,
    ),
    (
        nodes(MANUAL, ("range_label", {"parent_level": "level", "start": 1, "end": 2})),
        "node_sources[1].prefs.parent_level",
        'unknown level "level"; did you mean "level1"?',
    ),
    (
        nodes(
            MANUAL, ("range_label", {"parent_level": "level2", "start": 1, "end": 2})
        ),
        "node_sources[1].prefs.parent_level",
        'there is no configured level below "level2"',
    ),
    (
        nodes(
            MANUAL, ("range_label", {"parent_level": "worker", "start": 1, "end": 2})
        ),
        "node_sources[1].prefs.parent_level",
        'there is no configured level below "worker"',
    ),
    (
        nodes(
            (
                "range_label",
                {"parent_level": "instance", "start": 1, "end": 2, "format": "n{i}"},
            ),
            (
                "range_label",
                {"parent_level": "level1", "start": 2, "end": 3, "format": "n{i}"},
            ),
        ),
        "node_sources[1].prefs",
        'the node "n2" would be on two levels, "level1" and "level2"',
    ),
    (
        nodes(
            ("range_label", {"parent_level": "instance", "start": 1, "end": 1}),
            (
                "range_label",
                {"parent_level": "level1", "start": 1, "end": 1, "format": "{parent}"},
            ),
        ),
        "node_sources[1].prefs",
        'the node "{instance}__1" would be on two levels, "level1" and "level2"',
    ),
    (
        nodes(
            (
                "range_label",
                {
                    "parent_level": "instance",
                    "start": 1,
                    "end": 2,
                    "format": "{parent}",
                },
            ),
            levels=["one"],
        ),
        "node_sources[0].prefs",
        'the node "{instance}" would be on two levels, "instance" and "one"',
    ),
    (
        nodes(("range_label", {"parent_level": "instance", "start": 0, "end": 10**12})),
        "node_sources[0].prefs",
        "more than 5000000 nodes in all; is that meant?",
    ),
    # script
    (
        nodes(("script", {"parent_level": "instance"})),
        "node_sources[0].prefs",
        'the key "script" is missing',
    ),
    (
        nodes(("script", {"parent_level": "instance", "script": ""})),
        "node_sources[0].prefs.script",
        'must name a program, got ""',
    ),
    (
        nodes(("script", {"parent_level": "level2", "script": "./x"})),
        "node_sources[0].prefs.parent_level",
        'there is no configured level below "level2"',
    ),
    (
        nodes(
            ("script", {"parent_level": "instance", "script": "x", "timeout_sec": 0})
        ),
        "node_sources[0].prefs.timeout_sec",
        "must be seconds above 0, got 0",
    ),
]


@pytest.mark.parametrize(("section", "path", "message"), BAD_NODES)
def test_a_mistake_in_the_nodes_is_a_settings_error(
    section: Json, path: str, message: str | None
) -> None:
    found = problems(section)
    if message is None:
        assert found[0][0] == path
    else:
        assert found == [(path, message)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{host}",
            "unknown placeholder {host}; there are {parent}, {i}, {start}, {end}",
        ),
        ("{i!r}", "unknown placeholder {i}; there are {parent}, {i}, {start}, {end}"),
        (
            "{i:>9999999999}",
            "unknown placeholder {i}; there are {parent}, {i}, {start}, {end}",
        ),
        ("{parent.__class__}", None),
        ("{}", None),
        ("{i", None),
        ("}", None),
    ],
)
def test_a_format_has_only_the_four_placeholders(
    text: str, message: str | None
) -> None:
    prefs = {"parent_level": "instance", "start": 1, "end": 1, "format": text}
    ((path, told),) = problems(nodes(("range_label", prefs)))
    assert path == "node_sources[0].prefs.format"
    assert message is None or told == message


def test_doubled_braces_in_a_format_are_braces() -> None:
    prefs = RangeLabelPrefs(
        parent_level=LevelName("level1"),
        start=1,
        end=9,
        format="{{{parent}}}-{i}/{end}",
    )
    assert prefs.labeller()(NodeName("a{i}"))[2] == "{a{i}}-3/9"


def test_a_cycle_beside_a_real_root_is_a_warning() -> None:
    section = nodes(("manual", {"a": [], "b": ["c"], "c": ["b"]}))
    assert problems(section) == []
    message = "never becomes a node: it is among its own descendants"
    assert node_warnings(section) == [
        ("node_sources[0].prefs.b", message),
        ("node_sources[0].prefs.c", message),
    ]


def test_replicas_on_one_level_are_legal() -> None:
    assert problems(nodes(("manual", {"a": ["x", "x"], "b": ["x"]}))) == []


def test_replicas_that_multiply_without_end_are_refused_quickly() -> None:
    levels = [f"level{i}" for i in range(60)]
    tree = {f"n{i}": [f"n{i + 1}", f"n{i + 1}"] for i in range(59)}
    assert problems(nodes(("manual", tree), levels=levels)) == [
        ("node_sources[0].prefs", "more than 5000000 nodes in all; is that meant?")
    ]


OF_LEVEL9 = (
    "range_label",
    {"parent_level": "level9", "start": 1, "end": 2},
)


def test_a_level_that_cannot_be_read_brings_no_follow_up_errors() -> None:
    found = settings_problems(
        nodes=nodes(MANUAL, OF_LEVEL9, levels=["level1", "level2", None]),
        level_for_tasks="level9",
        resources={"level9": {"a": {"limit": 1, "default": 1}}},
    )
    assert [path for path, _ in found] == ["nodes.levels[2]"]


@pytest.mark.parametrize("wrong", ["level1", "worker"])
def test_beside_a_level_that_cannot_be_unknown_ones_are_told(wrong: str) -> None:
    deep = ("manual", {"a": ["b"], "b": ["c"], "c": ["d"]})
    lowest = ("range_label", {"parent_level": "level2", "start": 1, "end": 2})
    found = settings_problems(
        nodes=nodes(deep, lowest, OF_LEVEL9, levels=["level1", "level2", wrong]),
        level_for_tasks="level9",
        resources={"level9": {"a": {"limit": 1, "default": 1}}},
    )
    assert [path for path, _ in found] == [
        "level_for_tasks",
        "nodes.levels[2]",
        "nodes.node_sources[2].prefs.parent_level",
        "resources.level9",
    ]
