"""What is kept of what the scheduler says of itself."""

import logging
from collections.abc import Iterator

import pytest

from bistro_tui.engine.notice_ring import KEPT, NoticeRing
from tests.engine.logs.builders import SECOND, ManualClock

log = logging.getLogger("bistro_tui.test_of_notices")


@pytest.fixture
def ring() -> Iterator[NoticeRing]:
    found = NoticeRing(ManualClock())
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(found)
    yield found
    log.removeHandler(found)


def test_serials_grow_by_one_and_those_of_a_later_run_are_greater(
    ring: NoticeRing,
) -> None:
    log.info("one")
    log.warning("two")
    first, second = ring.since(0)
    assert second.serial == first.serial + 1
    assert (first.level, first.text, first.at) == ("info", "one", float(SECOND))
    assert second.level == "warning"
    assert ring.since(first.serial) == (second,)
    assert ring.since(second.serial) == ()
    later = NoticeRing(ManualClock(SECOND + 1))
    later.handle(logging.makeLogRecord({"msg": "again", "levelno": logging.INFO}))
    (third,) = later.since(second.serial)
    assert third.text == "again"


def test_only_the_newest_are_kept(ring: NoticeRing) -> None:
    for number in range(KEPT + 5):
        log.info("%d", number)
    found = ring.since(0)
    assert len(found) == KEPT
    assert (found[0].text, found[-1].text) == ("5", str(KEPT + 4))


def test_what_comes_with_each_task_is_left_out_unless_it_warns(
    ring: NoticeRing,
) -> None:
    log.debug("too small")
    log.info("%s", "a\nb", extra={"lines": ["a", "b"]})
    log.warning("%s", "c\nd", extra={"lines": ["c", "d"]})
    assert [one.text for one in ring.since(0)] == ["c\nd"]


def test_an_exception_is_told_with_where_it_came_from(ring: NoticeRing) -> None:
    try:
        raise ValueError("boom")
    except ValueError:
        log.exception("it went wrong")
    (found,) = ring.since(0)
    assert found.level == "error"
    assert found.text.startswith("it went wrong: ValueError('boom') in test_an_")


def test_a_record_that_cannot_be_told_ends_nothing(
    ring: NoticeRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.info("%d", "no number")
    log.info("goes on")
    assert [one.text for one in ring.since(0)] == ["goes on"]
