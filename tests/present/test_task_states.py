"""The line of states of the page of tasks."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from bistro_tui.engine.view import Reason
from bistro_tui.present.spans import plain_text
from bistro_tui.present.task_states import (
    ALL,
    ENDED,
    FAILURES,
    RUNNING,
    STATES,
    numbers,
    state_line,
)
from tests.ui.scenes import busy_engine

COUNTS = numbers(busy_engine().current)


def test_every_reason_that_a_task_can_have_stands_behind_exactly_one_state() -> None:
    reasons = [reason for state in STATES for reason in state.reasons if reason]
    assert sorted(reasons) == sorted(set(Reason) - {Reason.RUNNING})


def test_the_numbers_add_up() -> None:
    assert COUNTS[RUNNING] == 9
    assert COUNTS[ENDED] == 5
    assert COUNTS[FAILURES] == 3 + 6
    one_by_one = sum(COUNTS[state] for state in STATES if state not in (ENDED, ALL))
    assert COUNTS[ALL] == one_by_one - COUNTS[FAILURES]


@pytest.mark.parametrize("width", [60, 80, 100, 140, 220])
def test_the_line_fits_and_the_mouse_finds_every_state(width: int) -> None:
    for chosen in STATES:
        line, stops = state_line(chosen, COUNTS, width)
        text = plain_text(line)
        assert cell_len(text) <= width
        assert [stop.state for stop in stops] == list(STATES)
        at = next(stop for stop in stops if stop.state is chosen)
        assert (
            text[at.start : at.end]
            .strip()
            .startswith(
                (
                    chosen.word,
                    f"{chosen.state.glyph} {chosen.word}" if chosen.state else "",
                )
            )
        )
        for stop in stops:
            assert text[stop.start : stop.end].strip()


def test_where_there_is_room_every_state_has_its_word_and_number() -> None:
    text = plain_text(state_line(RUNNING, COUNTS, 140)[0])
    assert " ".join(text.split()) == (
        "● running 9 ended 5 failures 9 ✗ failed 3 ↻ backoff 6 ⏸ blocked 29"
        " ◌ ready 44 ✓ done 149 ⊘ off 96 all 336"
    )


def test_the_number_of_all_is_that_of_the_jobs_while_a_task_changes_its_state() -> None:
    shown = busy_engine().current
    fewer = {**shown.totals, Reason.DONE: shown.totals[Reason.DONE] - 1}
    between = numbers(replace(shown, totals=fewer))
    assert between[ALL] == COUNTS[ALL]
