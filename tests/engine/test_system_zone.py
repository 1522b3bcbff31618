"""The system's zone is the one that the C library shows."""

import time
from typing import Any

import pytest

from bistro_tui.engine.system_zone import system_zone
from tests.engine.cron.zones import (
    DAY,
    NAMED_CHANGES,
    POSIX_ZONES,
    START_2013,
    STEADY_ZONES,
    changes_in_2013,
    is_known,
    local_zone,
)


@pytest.mark.parametrize("tz", [*POSIX_ZONES, *STEADY_ZONES])
def test_a_second_is_in_its_span_and_has_its_offset(tz: str) -> None:
    with local_zone(tz):
        zone = system_zone()
        for at in range(START_2013, START_2013 + 365 * DAY, 36_007):
            span = zone.span(at)
            assert span.start <= at < span.end
            assert span.offset == time.localtime(at).tm_gmtoff


@pytest.mark.parametrize("tz", POSIX_ZONES)
def test_a_change_is_known_to_the_second(tz: str) -> None:
    changes = changes_in_2013(tz)
    assert len(changes) == 2
    with local_zone(tz):
        zone = system_zone()
        for change in changes:
            before, after = zone.span(change - 1), zone.span(change)
            assert before.end == after.start == change
            assert before.offset != after.offset


@pytest.mark.parametrize(("tz", "change"), NAMED_CHANGES)
def test_changes_of_the_law_are_known_too(tz: str, change: int) -> None:
    if not is_known(tz):
        pytest.skip("no zone rules on this machine")
    with local_zone(tz):
        zone = system_zone()
        assert zone.span(change - 1).offset != zone.span(change).offset


def test_spans_cover_all_time_whichever_way_they_are_asked_for() -> None:
    with local_zone(POSIX_ZONES[0]):
        forward, backward = system_zone(), system_zone()
        at, there = START_2013, []
        while at < START_2013 + 400 * DAY:
            there.append(forward.span(at))
            at = there[-1].end
        back = []
        while at > START_2013:
            back.append(backward.span(at - 1))
            at = back[-1].start
    assert [span for span in back if span.start >= START_2013][::-1] == [
        span for span in there if span.start >= START_2013
    ]


def test_what_it_keeps_is_bounded() -> None:
    with local_zone("UTC0"):
        zone: Any = system_zone()
        for at in range(0, 5000 * 2**20, 2**20):
            assert zone.span(at).offset == 0
        assert len(zone._spans) <= 4096


def test_a_zone_stays_what_it_was_until_a_new_one_is_asked_for() -> None:
    with local_zone("UTC0"):
        assert system_zone().span(0).offset == 0
    with local_zone("<+02>-2"):
        assert system_zone().span(0).offset == 7200
