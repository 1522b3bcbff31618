"""Every spelling of a flag means the same."""

import pytest

from bistro_tui.cli.flags import SECTIONS, all_flags
from bistro_tui.cli.spelling import spelled_plainly


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (["--data_dir", "x"], ["--data-dir", "x"]),
        (["--data_dir=x_y"], ["--data-dir=x_y"]),
        (["--clean_statuses"], ["--clean-statuses"]),
        (["--noclean_statuses"], ["--no-clean-statuses"]),
        (["--no-clean-statuses"], ["--no-clean-statuses"]),
        (["--no_clean_statuses"], ["--no-clean-statuses"]),
        (["--clean_statuses=true"], ["--clean-statuses"]),
        (["--clean-statuses=0"], ["--no-clean-statuses"]),
        (["--noclean_statuses=false"], ["--clean-statuses"]),
        (["--no-ui"], ["--no-ui"]),
        (["--no-no-ui"], ["--no-no-ui"]),
        (["--no-ui=false"], ["--no-no-ui"]),
        (
            ["--CAUTION_startup_wait_for_workers=1"],
            ["--CAUTION-startup-wait-for-workers=1"],
        ),
        (
            ["--caution-startup-wait-for-workers=1"],
            ["--CAUTION-startup-wait-for-workers=1"],
        ),
        (["--clean-statuses=perhaps"], ["--clean-statuses=perhaps"]),
        (["--un_known=a_b"], ["--un-known=a_b"]),
        (["a_config.json", "-h"], ["a_config.json", "-h"]),
        (["--", "--data_dir"], ["--", "--data_dir"]),
    ],
)
def test_a_flag_has_one_plain_spelling(given: list[str], plain: list[str]) -> None:
    assert spelled_plainly(given) == plain


def test_a_plain_spelling_stays_as_it_is() -> None:
    for flag in all_flags():
        words = [f"--{flag.name}"]
        assert spelled_plainly(words) == words


def test_no_flag_is_there_twice() -> None:
    keys = [flag.key for flag in all_flags()]
    assert sorted(keys) == sorted(set(keys))


def test_every_flag_that_is_shown_is_explained() -> None:
    for section in SECTIONS:
        for flag in section.flags:
            assert bool(flag.help) != bool(flag.no_effect)


def test_every_flag_can_be_set_by_the_environment() -> None:
    for flag in all_flags():
        assert flag.option().envvar == f"BISTRO_TUI_{flag.key.upper()}"
