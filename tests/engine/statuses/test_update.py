"""What each status that arrives does to what is known of its task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.made import running as running_status
from bistro_tui.engine.statuses.status import TaskStatus, settle
from bistro_tui.engine.statuses.update import Change, Update, update
from tests.engine.statuses.builders import lost, status, was_not_running

MINE = InvocationId(5, 1)
OTHER = InvocationId(9, 2)
STEP = BackoffDuration(30, no_more=False)
STARTED = running_status(now_wall=100.0)


def arrives(
    incoming: TaskStatus,
    *,
    running: InvocationId | None = None,
    known: TaskStatus | None = None,
    known_from: InvocationId | None = None,
    next_backoff: BackoffDuration = STEP,
) -> Update:
    return update(
        incoming,
        invocation=MINE,
        running=running,
        known=known,
        known_from=known_from,
        next_backoff=next_backoff,
    )


@pytest.mark.parametrize("known", [None, status(96, 15), status(4), lost(STEP)])
def test_a_task_that_did_not_run_starts(known: TaskStatus | None) -> None:
    assert arrives(STARTED, known=known) == Update(change=Change.STARTED)


def test_a_running_attempt_said_to_run_is_only_worth_a_line() -> None:
    assert arrives(STARTED, running=MINE) == Update(change=Change.ALREADY_RUNNING)


@pytest.mark.parametrize("bits", [4, 8, 16, 32, 96, 584, 608, 1056])
def test_the_end_of_the_running_attempt_is_settled_and_stored(bits: int) -> None:
    before = status(96, 15)
    assert arrives(status(bits), running=MINE, known=before) == Update(
        change=Change.ENDED,
        status=settle(status(bits), previous=before, next_backoff=STEP),
    )


@pytest.mark.parametrize("bits", [2, 4, 96, 1056, 3168])
def test_nothing_of_another_attempt_touches_the_running_one(bits: int) -> None:
    assert arrives(status(bits), running=OTHER) == Update(change=Change.OTHER_ATTEMPT)


@pytest.mark.parametrize("known", [None, status(4), status(96, 15), lost(STEP)])
def test_a_status_made_for_the_task_comes_too_late_once_it_does_not_run(
    known: TaskStatus | None,
) -> None:
    late = was_not_running(now_wall=100.0)
    assert arrives(late, known=known) == Update(change=Change.TOO_LATE)
    assert arrives(lost(STEP), known=known) == Update(change=Change.TOO_LATE)


@pytest.mark.parametrize("known", [None, status(4), status(16), status(96, 15)])
@pytest.mark.parametrize("bits", [4, 96, 16])
def test_a_repeated_report_costs_nothing(known: TaskStatus | None, bits: int) -> None:
    assert arrives(status(bits), known=known) == Update(change=Change.REPEATED)


@pytest.mark.parametrize("known", [lost(STEP), was_not_running(now_wall=100.0)])
def test_a_late_real_status_replaces_one_that_was_made_for_the_task(
    known: TaskStatus,
) -> None:
    assert arrives(status(4), known=known) == Update(
        change=Change.REPLACED, status=status(4)
    )


@pytest.mark.parametrize("known", [lost(STEP), was_not_running(now_wall=100.0)])
def test_after_a_later_attempt_only_that_the_task_is_done_counts(
    known: TaskStatus,
) -> None:
    for bits in (8, 16, 32, 96):
        assert arrives(status(bits), known=known, known_from=OTHER) == Update(
            change=Change.OUTDATED
        )
    done = Update(change=Change.REPLACED, status=status(4))
    assert arrives(status(4), known=known, known_from=OTHER) == done
    assert arrives(status(8), known=known, known_from=MINE).change is Change.REPLACED


def test_a_late_error_costs_the_step_that_its_attempt_recorded_and_no_further_one() -> (
    None
):
    replaced = arrives(status(96), known=lost(STEP)).status
    assert replaced == status(96, 30)


def test_a_late_error_after_the_last_step_fails() -> None:
    ended = BackoffDuration(60, no_more=True)
    replaced = arrives(status(96), known=lost(ended), next_backoff=ended).status
    assert replaced is not None
    assert (int(replaced.bits), replaced.backoff_sec) == (80, 60)


statuses = st.builds(
    status,
    st.sampled_from([2, 4, 8, 16, 32, 80, 96, 584, 608, 1028, 1056, 1120]),
    st.integers(0, 100),
)


@given(
    incoming=statuses,
    running=st.sampled_from([None, MINE, OTHER]),
    known=st.none() | statuses | st.just(lost(STEP)),
)
def test_only_an_end_or_a_late_real_status_changes_what_is_known(
    incoming: TaskStatus, running: InvocationId | None, known: TaskStatus | None
) -> None:
    found = arrives(incoming, running=running, known=known)

    assert (found.status is not None) == (
        found.change in (Change.ENDED, Change.REPLACED)
    )
    if found.status is not None:
        assert Bits.RUNNING not in found.status.bits
        # What is stored once is never taken for news when it comes again.
        again = arrives(incoming, known=found.status)
        assert again.status is None


@given(incoming=statuses, known=st.none() | statuses)
def test_a_real_result_is_never_hidden_by_one_made_for_the_task(
    incoming: TaskStatus, known: TaskStatus | None
) -> None:
    if Bits.OVERWRITEABLE in incoming.bits:
        assert arrives(incoming, known=known).status is None
