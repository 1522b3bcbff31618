"""The token: made once, kept to its owner, compared whole."""

import os
import stat
from pathlib import Path

import pytest

from bistro_tui.engine.api.tokens import NAME, Token, given_token, own_token
from bistro_tui.engine.errors import DoorUnusable

RIGHT = "aK3-" * 10


@pytest.mark.parametrize(
    ("headers", "shows"),
    [
        ([f"Bearer {RIGHT}"], True),
        ([f"bearer {RIGHT}"], True),
        ([f"BEARER   {RIGHT}"], True),
        ([], False),
        ([""], False),
        (["Bearer"], False),
        (["Bearer "], False),
        ([RIGHT], False),
        ([f"Basic {RIGHT}"], False),
        ([f"Token {RIGHT}"], False),
        ([f"Bearer {RIGHT[:-1]}"], False),
        ([f"Bearer {RIGHT}a"], False),
        ([f"Bearer {RIGHT[:-1]}+"], False),
        ([f"Bearer {RIGHT.swapcase()}"], False),
        ([f"Bearer {RIGHT} {RIGHT}"], False),
        ([f"Bearer {RIGHT}"] * 2, False),
        (["Bearer \udc80\udcff"], False),
        (["Bearer é"], False),
        (["Bearer null"], False),
    ],
)
def test_only_the_whole_token_in_one_header_counts(
    headers: list[str], *, shows: bool
) -> None:
    assert Token(RIGHT).is_shown_by(headers) is shows


def test_a_token_does_not_show_itself() -> None:
    assert RIGHT not in repr(Token(RIGHT))


def test_our_own_is_made_once_and_kept(tmp_path: Path) -> None:
    _, warning = own_token(tmp_path)
    text = (tmp_path / NAME).read_text().strip()

    assert warning == ""
    assert len(text) >= 43  # 256 bits
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    again, _ = own_token(tmp_path)
    assert again.is_shown_by([f"Bearer {text}"])
    assert (tmp_path / NAME).read_text().strip() == text
    assert os.listdir(tmp_path) == [NAME]


def test_it_is_nobody_elses_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        own_token(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "left", ["", "\n", "short", "two lines\nof text here", "é" * 40]
)
def test_what_is_no_token_is_replaced(tmp_path: Path, left: str) -> None:
    (tmp_path / NAME).write_text(left)
    own_token(tmp_path)
    text = (tmp_path / NAME).read_text()
    assert text != left
    assert len(text.strip()) >= 43


def test_one_that_others_could_read_is_told_of_and_closed(tmp_path: Path) -> None:
    own_token(tmp_path)
    (tmp_path / NAME).chmod(0o644)
    _, warning = own_token(tmp_path)
    assert str(tmp_path / NAME) in warning
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text(RIGHT)
    (tmp_path / NAME).symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        own_token(tmp_path)
    assert (tmp_path / "other").read_text() == RIGHT


def test_a_given_token_is_its_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text(f"  {RIGHT}\r\n")
    path.chmod(0o600)
    token, warning = given_token(path)
    assert token.is_shown_by([f"Bearer {RIGHT}"])
    assert warning == ""


def test_a_given_token_that_others_may_read_is_used_with_a_warning(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine"
    path.write_text(RIGHT)
    path.chmod(0o640)
    token, warning = given_token(path)
    assert token.is_shown_by([f"Bearer {RIGHT}"])
    assert "chmod 600" in warning
    assert RIGHT not in warning


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("", "no token"),
        (" \n", "no token"),
        ("x" * 15, "shorter than 16"),
        (f"{RIGHT}\n{RIGHT}", "no token"),
        (f"{RIGHT} x", "no token"),
        ("ä" * 40, "no token"),
        ("x" * 5000, "no token"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_named_and_not_quoted(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "mine"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DoorUnusable, match=said) as caught:
        given_token(path)
    assert str(path) in str(caught.value)
    assert not (content and content.strip() and content.strip() in str(caught.value))


def test_a_directory_is_no_token_file(tmp_path: Path) -> None:
    with pytest.raises(DoorUnusable, match="is a directory"):
        given_token(tmp_path)
