"""Pages of tasks that are asked for while a person scrolls."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Reason, TaskPage, TaskRow
from bistro_tui.present.task_pages import Question, TaskPages
from tests.ui.scripted import task

R = Reason


def row(node: int, reason: Reason = R.FAILED) -> TaskRow:
    return TaskRow(
        task=task("etl", f"n{node}"),
        reason=reason,
        since=None,
        attempts=0,
        next_run=None,
        why="",
    )


class Scheduler:
    """Answers as one does: in an order that stands, from behind a cursor."""

    def __init__(self, reasons: dict[int, Reason]) -> None:
        self.reasons = reasons

    def answer(self, question: Question, size: int = 3) -> TaskPage:
        start = int(question.after or -1)
        found = [
            row(node, reason)
            for node, reason in sorted(self.reasons.items())
            if node > start and question.reason in (None, reason)
        ]
        last = found[size - 1 : size]
        more = last[0].task.node[1:] if len(found) > size else None
        return TaskPage(rows=tuple(found[:size]), next=more)


def read_all(pages: TaskPages, scheduler: Scheduler) -> None:
    while (question := pages.more()) is not None:
        assert pages.take(question, scheduler.answer(question))


def names(pages: TaskPages) -> list[str]:
    return [one.task.node for one in pages.rows]


def test_pages_follow_each_other_through_all_reasons() -> None:
    scheduler = Scheduler({n: (R.FAILED, R.BACKOFF)[n % 2] for n in range(11)})
    pages = TaskPages()
    pages.choose((R.FAILED, R.BACKOFF))
    assert pages.more() is not None
    read_all(pages, scheduler)
    assert names(pages) == [f"n{n}" for n in (0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9)]
    assert not pages.has_more
    assert not pages.is_cut


def test_nothing_is_held_before_the_first_answer() -> None:
    pages = TaskPages()
    assert pages.more() is None
    pages.choose((R.FAILED,))
    assert not pages.has_begun
    assert pages.again(0) == pages.more()


def test_a_page_read_again_shows_what_is_true_now() -> None:
    scheduler = Scheduler(dict.fromkeys(range(9), R.FAILED))
    pages = TaskPages()
    pages.choose((R.FAILED,))
    read_all(pages, scheduler)
    del scheduler.reasons[4]
    question = pages.again(4)
    assert question is not None
    assert question.after == "2"
    assert pages.take(question, scheduler.answer(question))
    assert names(pages) == ["n0", "n1", "n2", "n3", "n5", "n6", "n7", "n8"]


def test_answers_to_questions_of_an_earlier_choice_are_dropped() -> None:
    scheduler = Scheduler(dict.fromkeys(range(3), R.FAILED))
    pages = TaskPages()
    pages.choose((R.FAILED,))
    old = pages.more()
    assert old is not None
    pages.choose((R.BACKOFF,))
    assert not pages.take(old, scheduler.answer(old))
    assert names(pages) == []


CHANGES = st.lists(
    st.tuples(st.integers(0, 15), st.sampled_from([R.FAILED, R.BACKOFF, R.DONE]))
)


@given(st.lists(st.tuples(CHANGES, st.integers(0, 20)), max_size=12))
def test_whatever_changes_no_task_stands_there_twice(
    turns: list[tuple[list[tuple[int, Reason]], int]],
) -> None:
    scheduler = Scheduler(dict.fromkeys(range(10), R.FAILED))
    pages = TaskPages()
    pages.choose((R.FAILED, R.BACKOFF))
    for changes, place in turns:
        scheduler.reasons.update(changes)
        for question in (pages.again(place), pages.more()):
            if question is not None:
                pages.take(question, scheduler.answer(question))
        assert len(set(names(pages))) == len(pages.rows)
    # Nothing changes any more: reading all of it again shows what is true.
    for _ in range(60):
        for place in range(len(pages.rows) + 1):
            question = pages.again(place)
            assert question is not None
            pages.take(question, scheduler.answer(question))
        if (question := pages.more()) is not None:
            pages.take(question, scheduler.answer(question))
    assert sorted(names(pages)) == sorted(
        f"n{n}" for n, reason in scheduler.reasons.items() if reason is not R.DONE
    )
