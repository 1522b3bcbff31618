"""Small files of one line that are nobody else's."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bistro_tui.engine.private_file import read_private, words_of


def _link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Path.mkdir, "is a directory"),
        (_link, "is a symbolic link"),
        (os.mkfifo, "is no plain file"),
        (lambda _: None, "No such file or directory"),
    ],
)
def test_what_is_no_file_of_ours_is_said_in_plain_words(
    make: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    make(path)
    with pytest.raises(OSError) as raised:  # noqa: PT011 - its words are looked at
        read_private(path, follow=False)
    assert words_of(raised.value) == f"{path}: {words}"


def test_an_error_without_a_file_is_said_as_it_is() -> None:
    assert words_of(OSError("nothing works")) == "nothing works"
