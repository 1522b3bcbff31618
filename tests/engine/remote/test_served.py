import pytest

from bistro_tui.engine.remote.given import Given
from bistro_tui.engine.remote.identity import Home, InstanceId
from bistro_tui.engine.remote.served import ANYTHING, MOST_KEPT, Served, parsed

W1, W2 = (
    Given(InstanceId(2_000, number), "h", "lock", Home("boot", "space", "m"), beside)
    for number, beside in ((1, True), (2, False))
)
ONE, TWO, THREE = (InstanceId(1_000 + number, -(2**63)) for number in range(3))


def test_who_let_workers_in_and_gave_none_a_task_makes_nobody_wait() -> None:
    served = Served().letting_in(ONE, 696.0)
    assert served == Served((ONE,), None)
    # Workers go by what the last one told that they heard of: each may be that.
    assert served.letting_in(TWO, 696.0) == Served((ONE, TWO), None)


def test_who_gave_a_task_is_waited_for_as_long_as_any_worker_may_keep_it() -> None:
    served = Served().letting_in(ONE, 20.5).letting_in(TWO, 20.5).giving(TWO, 20.5)
    assert served == Served((ONE,), 20.5, None)
    assert served.letting_in(THREE, 696.0) == Served((ONE,), 696.0, None)
    assert served.letting_in(THREE, 1.0).giving(THREE, 2.0) == served


def test_a_scheduler_that_waits_in_vain_proves_nothing() -> None:
    served = Served().letting_in(ONE, 20.5).giving(ONE, 20.5)
    for number in range(5):
        served = served.letting_in(InstanceId(number, 1), 20.5)
    assert served == Served((), 20.5, None)


def test_who_may_have_tasks_is_known_of_schedulers_that_noted_each() -> None:
    served = Served().letting_in(ONE, 20.5).giving(ONE, 20.5, (W1,))
    assert served == Served((), 20.5, (W1,), (ONE,))
    # One that waits gives none: what it has not changed is as true as before.
    assert served.letting_in(TWO, 20.5) == Served((), 20.5, (W1,), (ONE, TWO))
    both = served.letting_in(TWO, 20.5).giving(TWO, 20.5, (W1, W2))
    assert both == Served((), 20.5, (W1, W2), (ONE, TWO))
    assert both.resting(TWO) == Served((TWO,), None, (), (ONE, TWO))


def test_who_does_not_know_it_makes_nobody_believe_it() -> None:
    served = Served().giving(ONE, 20.5, (W1,)).giving(TWO, 20.5, None)
    assert served == Served((), 20.5, None, (ONE,))
    assert served.letting_in(THREE, 20.5) == served


def test_a_note_of_before_there_were_such_lists_knows_nobody() -> None:
    assert parsed('{"at_rest": [], "safe_wait": 5}') == Served((), 5.0, None)
    assert parsed('{"at_rest": [], "safe_wait": null}') == Served()


def test_who_left_nothing_is_remembered_for_good() -> None:
    served = Served((ONE,), 20.5).resting(TWO)
    assert served == Served((ONE, TWO), None)
    assert served.letting_in(THREE, 1.0).giving(THREE, 1.0).at_rest == (ONE, TWO)
    assert served.resting(TWO) == served


def test_the_newest_are_kept() -> None:
    served = Served()
    for number in range(MOST_KEPT + 3):
        served = served.letting_in(InstanceId(number, -(2**63)), 1.0)
    assert len(served.at_rest) == MOST_KEPT
    assert served.at_rest[-1].start_time == MOST_KEPT + 2
    assert parsed(served.text) == served
    given = Served(safe_wait=1.0)
    for number in range(MOST_KEPT + 3):
        given = given.letting_in(InstanceId(number, -(2**63)), 1.0)
    assert len(given.gave) == MOST_KEPT
    assert given.gave[-1].start_time == MOST_KEPT + 2


@pytest.mark.parametrize(
    "served",
    [
        Served(),
        Served((ONE, TWO)),
        Served((ONE,), 20.5),
        Served((), 696),
        Served((ONE,), 20.5, (W1, W2), (ONE, TWO)),
        Served((), 696.0, None, (TWO,)),
    ],
)
def test_what_is_written_is_read(served: Served) -> None:
    assert parsed(served.text) == served


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "serving 696",
        "[1, 2]",
        "7",
        "{}",
        '{"at_rest": []}',
        '{"safe_wait": null}',
        '{"at_rest": [[1]], "safe_wait": null}',
        '{"at_rest": [[1, 2, 3]], "safe_wait": null}',
        '{"at_rest": [[true, 1]], "safe_wait": null}',
        '{"at_rest": [["1", 2]], "safe_wait": null}',
        '{"at_rest": null, "safe_wait": null}',
        '{"at_rest": [], "safe_wait": "5"}',
        '{"at_rest": [], "safe_wait": true}',
        '{"at_rest": [], "safe_wait": -1}',
        '{"at_rest": [], "safe_wait": NaN}',
        '{"at_rest": [], "safe_wait": Infinity}',
        '{"at_rest": [], "safe_wait": 1e300}',
        '{"at_rest": [], "safe_wait": 5, "gave": null}',
        '{"at_rest": [], "safe_wait": 5, "gave": [[1]]}',
        '{"at_rest": [], "safe_wait": 5, "given": 7}',
        '{"at_rest": [], "safe_wait": 5, "given": [[1, 2]]}',
        '{"at_rest": [], "safe_wait": 5, "given": [[[1, 2], "h", 5, HOME, true]]}',
        '{"at_rest": [], "safe_wait": 5, "given": [[[1, 2], "h", "l", ["b"], true]]}',
        '{"at_rest": [], "safe_wait": 5, "given": [[[1, 2], "h", "l", HOME, 1]]}',
        '{"at_rest": [], "safe_wait": 5, "given": [[[1], "h", "l", HOME, true]]}',
        f'{{"at_rest": [], "safe_wait": 1{"0" * 400}}}',
        "[" * 3_000,
    ],
)
def test_what_says_nothing_else_says_that_workers_may_have_tasks(
    text: str | None,
) -> None:
    text = text and text.replace("HOME", '["b", "p", "m"]')
    assert parsed(text) == ANYTHING
