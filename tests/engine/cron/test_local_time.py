"""From labels to instants, in zones as odd as can be."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.cron.clock_changes import ClockChanges, Repeated, Skipped
from bistro_tui.engine.cron.local_time import first_instant
from bistro_tui.engine.cron.zone import FOREVER, UTC, FixedZone, Span

HOUR = 3600
BOTH = ClockChanges(skipped=Skipped.SKIP, repeated=Repeated.BOTH)


@dataclass(frozen=True, slots=True)
class ChosenLabels:
    """Labels in a list."""

    labels: tuple[int, ...]

    def next_label(self, at: int) -> int | None:
        return min((label for label in self.labels if label >= at), default=None)


@dataclass(frozen=True, slots=True)
class ListedZone:
    """A zone of listed spans."""

    spans: tuple[Span, ...]

    def span(self, at: int) -> Span:
        return next(span for span in self.spans if span.start <= at < span.end)


def zone_of(offsets: Iterable[int], changes: Iterable[int]) -> ListedZone:
    borders = itertools.pairwise([-FOREVER, *changes, FOREVER])
    return ListedZone(
        tuple(
            Span(start=start, end=end, offset=offset)
            for offset, (start, end) in zip(offsets, borders, strict=True)
        )
    )


def instants(
    labels: Iterable[int], changes: ClockChanges, zone: ListedZone
) -> set[int]:
    found = set()
    at: int | None = -(10**9)
    while at is not None:
        at = first_instant(ChosenLabels(tuple(labels)), changes, at, zone)
        if at is not None:
            found.add(at)
            at += 1
    return found


def test_without_changes_every_label_is_one_instant() -> None:
    zone = zone_of([-HOUR], [])
    assert instants([0, 5, 10**6], BOTH, zone) == {
        HOUR,
        HOUR + 300,
        HOUR + 6 * 10**7,
    }


def test_a_fixed_zone_has_one_span_for_all_time() -> None:
    for at in (-FOREVER, 0, FOREVER - 1):
        assert UTC.span(at) == Span(start=-FOREVER, end=FOREVER, offset=0)
    for repeated in Repeated:
        changes = ClockChanges(skipped=Skipped.AFTER, repeated=repeated)
        labels = ChosenLabels((60,))
        assert first_instant(labels, changes, -(2**63), FixedZone(HOUR)) == 0


def test_a_rest_of_seconds_in_an_offset_is_cut_off() -> None:
    zone = zone_of([-2670], [])  # Liberia until 1972
    assert instants([0], BOTH, zone) == {45 * 60}


def test_a_change_within_a_minute_skips_and_repeats_whole_labels() -> None:
    unskip = ClockChanges(skipped=Skipped.UNSKIP, repeated=Repeated.BOTH)
    zone = zone_of([0, HOUR], [90])
    assert instants([1, 2, 61, 62], unskip, zone) == {60, 89, 120}
    zone = zone_of([HOUR, 0], [90])
    assert instants([1, 2, 61, 62], BOTH, zone) == {
        -3540,
        -3480,
        60,
        120,
        3660,
        3720,
    }


def test_a_border_between_equal_spans_changes_nothing() -> None:
    # As a zone has that looks at one stretch of time after the other.
    early = ClockChanges(skipped=Skipped.UNSKIP, repeated=Repeated.ONLY_EARLY)
    late = ClockChanges(skipped=Skipped.UNSKIP, repeated=Repeated.ONLY_LATE)
    zone = zone_of([HOUR, HOUR, 0, 0], [-600, 0, 600])
    labels = [45, 55, 61]
    assert instants(labels, early, zone) == {-900, -300, 3660}
    assert instants(labels, late, zone) == {45 * 60, 55 * 60, 3660}


DAYS = 86400


@given(
    st.lists(st.integers(-28, 28), min_size=1, max_size=5),
    st.data(),
    st.sampled_from(Skipped),
    st.sampled_from(Repeated),
)
def test_in_any_zone_the_events_are_those_of_every_minute(
    quarters: list[int], data: st.DataObject, skipped: Skipped, repeated: Repeated
) -> None:
    changes = [
        2 * DAYS * number + 60 * data.draw(st.integers(-300, 300), label="minute")
        for number in range(1, len(quarters))
    ]
    zone = zone_of([quarter * 900 for quarter in quarters], changes)
    end = 2 * DAYS * len(quarters)
    labels = data.draw(
        st.sets(st.integers(-DAYS // 60, end // 60), min_size=1, max_size=4)
        if not changes
        else st.sets(
            st.builds(
                lambda change, minutes: change // 60 + minutes,
                st.sampled_from(changes),
                st.integers(-1000, 1000),
            ),
            min_size=1,
            max_size=6,
        ),
        label="labels",
    )
    expected = set()
    for label in labels:
        shown = [
            (label - span.offset // 60) * 60
            for span in zone.spans
            if span.start <= label * 60 - span.offset < span.end
        ]
        if repeated is Repeated.ONLY_EARLY:
            shown = shown[:1]
        elif repeated is Repeated.ONLY_LATE:
            shown = shown[-1:]
        expected |= set(shown)
        if skipped is not Skipped.SKIP:
            expected |= {
                after.start - (skipped is Skipped.UNSKIP)
                for before, after in itertools.pairwise(zone.spans)
                if before.end + before.offset <= label * 60 < after.start + after.offset
            }
    rules = ClockChanges(skipped=skipped, repeated=repeated)
    assert instants(labels, rules, zone) == expected
