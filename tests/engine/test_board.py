"""The error board."""

from bistro_tui.engine.board import Board


def test_a_topic_has_one_text_and_goes_when_it_is_mended() -> None:
    board = Board()
    assert board.put("config", "line 3 is bad")
    assert not board.put("config", "line 3 is bad")
    assert board.put("config", "line 4 is bad")
    assert board.put("nodes", "script failed")

    assert [(b.topic, b.text) for b in board.banners()] == [
        ("config", "line 4 is bad"),
        ("nodes", "script failed"),
    ]

    assert board.put("config", "")
    assert not board.put("config", "")
    assert [b.topic for b in board.banners()] == ["nodes"]
