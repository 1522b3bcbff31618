from dataclasses import replace

import pytest

from bistro_tui.engine.remote.initial_wait import (
    NO_CONSENSUS,
    NOT_FETCHED,
    OVERRIDDEN,
    WAITING,
    InitialWait,
)
from bistro_tui.engine.remote.times import PoolTimes

DEFAULTS = PoolTimes()


def look(
    wait: InitialWait, now: float, *, agree: bool = False, known: int = 0, new: int = 0
) -> str:
    wait.look(now, has_consensus=agree, known=known, unknown=new)
    return wait.text


def test_the_safe_wait_with_all_defaults_is_696_seconds() -> None:
    assert DEFAULTS.safe_initial_wait == 696


def test_it_waits_until_the_safe_wait_is_over() -> None:
    wait = InitialWait(DEFAULTS, 10.0, is_first_ever=False)
    assert look(wait, 705.9, known=3) == NO_CONSENSUS + WAITING
    assert look(wait, 706.0, known=3) == ""


def test_a_longer_wait_by_the_settings_of_before_counts() -> None:
    # A worker that has not heard of this scheduler keeps its tasks for that long.
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=False, safe_before=900.0)
    assert look(wait, 899.9, known=1)
    assert look(wait, 900.0, known=1) == ""
    given = PoolTimes(startup_wait_for_workers=700.0)
    shorter = InitialWait(given, 0.0, is_first_ever=False, safe_before=900.0)
    assert "less than the safe 900 s" in shorter.text


def test_without_a_worker_it_ends_with_its_time() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=True)
    assert look(wait, 695.0) == NO_CONSENSUS + WAITING
    assert look(wait, 696.0) == ""


def test_consensus_ends_it_at_once() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=False)
    assert look(wait, 1.0, agree=True, known=2) == ""


@pytest.mark.parametrize("agree", [True, False])
def test_a_new_worker_holds_it(agree: bool) -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=False)
    expected = NOT_FETCHED if agree else NO_CONSENSUS + NOT_FETCHED
    assert look(wait, 1_000.0, agree=agree, known=2, new=1) == expected
    assert look(wait, 1_001.0, agree=agree, known=3) == ""


def test_it_never_comes_back() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=False)
    look(wait, 1.0, agree=True, known=1)
    assert look(wait, 2.0, known=1, new=1) == ""


def test_with_data_that_never_served_workers_it_ends_with_the_first_known_one() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=True)
    assert look(wait, 1.0, new=1) == NO_CONSENSUS + WAITING
    assert look(wait, 2.0, known=1, new=1) == NO_CONSENSUS + NOT_FETCHED
    assert look(wait, 3.0, known=2) == ""


def test_not_so_once_a_worker_shows_that_it_had_another_scheduler() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=True)
    wait.had_another_scheduler()
    assert look(wait, 3.0, known=2) == NO_CONSENSUS + WAITING


def test_nor_when_a_wait_is_given() -> None:
    times = replace(DEFAULTS, startup_wait_for_workers=900.0)
    wait = InitialWait(times, 0.0, is_first_ever=True)
    assert look(wait, 899.0, known=2) == NO_CONSENSUS + WAITING
    assert look(wait, 900.0, known=2) == ""


@pytest.mark.parametrize(
    ("given", "begin"),
    [
        (124.0, "DANGER: --CAUTION-startup-wait-for-workers is 124 s"),
        (
            125.0,
            "--CAUTION-startup-wait-for-workers is 125 s, less than the safe 696 s",
        ),
        (
            695.0,
            "--CAUTION-startup-wait-for-workers is 695 s, less than the safe 696 s",
        ),
        (696.0, NO_CONSENSUS),
        (-1.0, NO_CONSENSUS),
    ],
)
def test_what_a_wait_that_is_given_brings_on_is_told(given: float, begin: str) -> None:
    times = replace(DEFAULTS, startup_wait_for_workers=given)
    wait = InitialWait(times, 0.0, is_first_ever=False)
    assert wait.text.startswith(begin)
    assert wait.text.endswith(NO_CONSENSUS + WAITING)
    assert look(wait, 1.0) == wait.text


def test_a_wait_of_zero_is_over_at_the_first_look() -> None:
    times = replace(DEFAULTS, startup_wait_for_workers=0.0)
    assert look(InitialWait(times, 5.0, is_first_ever=False), 5.0) == ""


def test_a_person_can_end_it_even_with_new_workers_and_is_warned() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=False)
    wait.skip(wanted=True)
    warnings = wait.look(1.0, has_consensus=False, known=0, unknown=2)
    assert warnings == (OVERRIDDEN,)
    assert wait.text == ""


def test_a_person_who_no_longer_wants_to_end_it_does_not() -> None:
    wait = InitialWait(DEFAULTS, 0.0, is_first_ever=False)
    wait.skip(wanted=True)
    wait.skip(wanted=False)
    assert look(wait, 1.0) == NO_CONSENSUS + WAITING
