"""Which editor, and how it is told where to begin."""

import pytest

from bistro_tui.present.editors import editor_command, editor_of


@pytest.mark.parametrize(
    ("environment", "editor"),
    [
        ({}, "vi"),
        ({"EDITOR": "nano"}, "nano"),
        ({"EDITOR": "nano", "VISUAL": "code --wait"}, "code --wait"),
        ({"EDITOR": "nano", "VISUAL": " "}, "nano"),
    ],
)
def test_visual_comes_before_editor_and_vi_is_everywhere(
    environment: dict[str, str], editor: str
) -> None:
    assert editor_of(environment) == editor


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vi", "vi +7 F"),
        ("/usr/bin/nvim -n", "/usr/bin/nvim -n +7 F"),
        ("nano", "nano +7 F"),
        ("emacs -nw", "emacs -nw +7 F"),
        ("hx", "hx F:7"),
        ("code", "code --wait --goto F:7"),
        ("code -w", "code -w --goto F:7"),
        ("my-editor", "my-editor F"),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor: str, command: str) -> None:
    assert editor_command(editor, "F", 7) == command.split()


def test_without_a_line_the_file_alone_is_named() -> None:
    assert editor_command("vi", "a b", 0) == ["vi", "a b"]
    assert editor_command("hx", "F", 0) == ["hx", "F"]


@pytest.mark.parametrize("editor", ["", "  ", "vi 'open"])
def test_what_is_no_command_is_a_value_error(editor: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        editor_command(editor, "F", 1)
