import pytest

from bistro_tui.engine.near import nearest


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("ownr", ["owner", "enabled"], "owner"),
        ("OWNER", ["owner", "enabled"], "owner"),
        ("node_Source", ["nodes", "node_Sources"], "node_Sources"),
        ("x", ["owner", "enabled"], None),
        ("", ["owner"], None),
        ("owner", [], None),
        ("o" * 81, ["o" * 80], None),
        ("o" * 80, ["o" * 81], None),
        ("job1", [f"job{n}" for n in range(1001)], None),
    ],
)
def test_the_known_name_that_is_most_like_a_word(
    word: str, known: list[str], near: str | None
) -> None:
    assert nearest(word, known) == near
