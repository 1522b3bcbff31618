"""One row a node: name, state, use."""

from bistro_tui.engine.view import NodeName, NodeRow
from bistro_tui.present.nodes import (
    Trouble,
    node_fields,
    node_name,
    node_summary,
    node_word,
    subtree,
    trouble_text,
    usages,
)
from bistro_tui.present.spans import Scene, plain_text
from tests.ui.scripted import node

PLAIN = Scene(now=0, plain=True)
TREE: tuple[NodeRow, ...] = (
    node("root"),
    node("a", 1),
    node("a1", 2),
    node("a2", 2),
    node("b", 1),
    node("b1", 2),
)


def test_a_subtree_is_the_node_and_all_below_it() -> None:
    assert subtree(TREE, NodeName("a")) == {"a", "a1", "a2"}
    assert subtree(TREE, NodeName("b1")) == {"b1"}
    assert subtree(TREE, NodeName("gone")) == frozenset()


def test_use_is_written_used_slash_limit() -> None:
    row = node("db7", 2, ("concurrency", 3, 3))
    assert plain_text(usages(row, 40, PLAIN)) == "###### concurrency 3/3"


def test_resources_without_room_are_counted() -> None:
    row = node("db7", 2, ("concurrency", 3, 3), ("io", 1, 9), ("net", 0, 1))
    assert plain_text(usages(row, 40, PLAIN)) == "###### concurrency 3/3 +2"
    assert plain_text(usages(row, 18, PLAIN)) == "concurrency 3/3 +2"


def test_a_disabled_node_says_so_in_a_word() -> None:
    assert plain_text(node_name(node("db8", 2, enabled=False), " ")).strip() == (
        "⊘ db8 off"
    )


def test_a_node_is_off_full_running_or_idle() -> None:
    full = node("db7", 2, ("cpu", 2, 2), ("io", 0, 9), running=2)
    assert node_word(full) == "full"
    assert node_word(full._replace(enabled=False)) == "off"
    assert node_word(node("db7", 2, ("cpu", 1, 2), running=1)) == "running"
    assert node_word(node("db7", 2, ("cpu", 0, 0))) == "idle"
    assert node_fields(full) == {
        "node": "db7", "level": "host", "status": "full", "running": 2, "use": 100,
    }  # fmt: skip


def test_what_went_wrong_has_glyph_and_number() -> None:
    assert plain_text(trouble_text(Trouble(failed=3, backoff=1))) == "✗ 3 ↻ 1"
    assert trouble_text(Trouble()) == ()
    row = node("db7", 2, ("cpu", 1, 2), running=4)
    summary = plain_text(node_summary(row, Trouble(failed=1), 60, PLAIN))
    assert summary == "db7  ● 4  ✗ 1  ###... cpu 1/2"
