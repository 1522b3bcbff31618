"""Who has to go when a door is full, and when somebody takes too long."""

from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.api.visitors import Phase, Visitor, Visitors

LIMITS = Limits(header_sec=5, idle_sec=75, write_sec=30)


class Door:
    """Some visitors, and who of them was ended."""

    def __init__(self, most: int) -> None:
        self.visitors = Visitors(most)
        self.ended: list[str] = []

    def come(self, who: str, now: float) -> Visitor:
        visitor = Visitor(who=who, end=lambda: self.ended.append(who), since=now)
        if not self.visitors.admit(visitor):
            self.ended.append(f"{who} at the door")
        return visitor


def test_at_the_cap_the_oldest_without_a_complete_header_goes() -> None:
    door = Door(3)
    door.come("busy", 0).answer(0)
    door.come("slow", 1)
    door.come("slower", 2)
    door.come("new", 3)
    assert door.ended == ["slow"]
    assert len(door.visitors) == 3


def test_without_such_a_one_it_is_who_is_idle_longest() -> None:
    door = Door(3)
    busy, first, second = (door.come(name, 0) for name in ("busy", "first", "second"))
    busy.answer(1)
    first.rest(9)
    second.rest(4)
    door.come("new", 10)
    assert door.ended == ["second"]


def test_half_a_body_goes_last() -> None:
    door = Door(3)
    half, idle, busy = (door.come(name, 0) for name in ("half", "idle", "busy"))
    half.answer(1)
    half.phase = Phase.BODY
    idle.rest(5)
    busy.answer(5)
    door.come("new", 6).answer(6)
    door.come("newer", 7).answer(7)
    door.come("last", 8)
    assert door.ended == ["idle", "half", "last at the door"]


def test_then_it_is_who_waits_longest_those_with_the_token_last() -> None:
    door = Door(4)
    known, early, late, busy = (door.come(one, 0) for one in ("known", "e", "l", "b"))
    for at, visitor in enumerate((known, early, late)):
        visitor.answer(at)
        visitor.wait(True)
    known.is_trusted = True
    busy.answer(3)
    for _ in range(3):
        door.come("new", 4).answer(4)
    assert door.ended == ["e", "l", "known"]


def test_who_was_waited_for_is_answered_and_stays() -> None:
    door = Door(1)
    visitor = door.come("one", 0)
    visitor.answer(0)
    visitor.wait(True)
    visitor.wait(False)
    door.come("new", 1)
    assert door.ended == ["new at the door"]


def test_an_answer_that_takes_very_long_keeps_nobody_out() -> None:
    door = Door(2)
    door.come("long", 0).answer(0)
    door.come("short", 3).answer(3)
    door.come("early", 4.9)
    door.come("new", 5)
    assert door.ended == ["early at the door", "long"]


def test_while_all_are_being_answered_who_comes_is_turned_away() -> None:
    door = Door(1)
    door.come("busy", 0).answer(0)
    door.come("new", 1)
    assert door.ended == ["new at the door"]
    assert len(door.visitors) == 1


def test_who_left_has_no_place_any_more() -> None:
    door = Door(1)
    first = door.come("first", 0)
    first.answer(0)
    door.visitors.leave(first)
    door.visitors.leave(first)
    door.come("second", 1)
    assert door.ended == []


def test_each_phase_has_its_time() -> None:
    door = Door(9)
    door.come("header", 0)
    door.come("idle", 0).rest(0)
    door.come("busy", 0).answer(0)
    stuck = door.come("stuck", 0)
    stuck.answer(0)
    stuck.stuck_since = 10
    for now, ended in (
        (4.9, []),
        (5, ["header"]),
        (39.9, ["header"]),
        (40, ["header", "stuck"]),
        (74.9, ["header", "stuck"]),
        (1000, ["header", "stuck", "idle"]),
    ):
        door.visitors.end_overdue(now, LIMITS)
        assert door.ended == ended
    assert len(door.visitors) == 1


def test_a_next_request_has_its_time_from_its_first_byte() -> None:
    door = Door(9)
    visitor = door.come("one", 0)
    visitor.answer(1)
    visitor.rest(2)
    visitor.expect_header(60)
    door.visitors.end_overdue(64.9, LIMITS)
    assert door.ended == []
    door.visitors.end_overdue(65, LIMITS)
    assert door.ended == ["one"]


def test_at_the_end_all_go() -> None:
    door = Door(9)
    door.come("a", 0)
    door.come("b", 0).answer(0)
    door.visitors.end_all()
    assert door.ended == ["a", "b"]
    assert len(door.visitors) == 0
