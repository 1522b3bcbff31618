import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.remote.identity import InstanceId, WorkerSetHash
from bistro_tui.engine.remote.worker_set import (
    is_earlier,
    signed,
    with_worker,
    without_worker,
)

I64 = st.integers(-(2**63), 2**63 - 1)
IDS = st.builds(InstanceId, I64, I64)
LAST = 2**63 - 1
FIRST = -(2**63)


def hash_of(ids: list[InstanceId]) -> WorkerSetHash:
    found = WorkerSetHash()
    for one in ids:
        found = with_worker(found, one)
    return found


@given(st.lists(IDS, max_size=6))
def test_the_hash_does_not_depend_on_the_order(ids: list[InstanceId]) -> None:
    assert hash_of(ids) == hash_of(sorted(ids))


@given(st.lists(IDS, max_size=6), IDS)
def test_who_is_taken_out_leaves_no_trace(
    ids: list[InstanceId], one: InstanceId
) -> None:
    assert without_worker(with_worker(hash_of(ids), one), one) == hash_of(ids)


@given(st.lists(IDS, max_size=6))
def test_all_numbers_of_a_hash_have_64_bits_and_a_sign(ids: list[InstanceId]) -> None:
    found = hash_of(ids)
    for part in (found.start_time, found.rand):
        for number in part:
            assert FIRST <= number <= LAST
    assert found.number == len(ids)


@pytest.mark.parametrize(
    ("one", "other", "earlier"),
    [
        (0, 1, True),
        (1, 0, False),
        (5, 5, False),
        (-1, 0, True),
        (LAST, FIRST, True),
        (FIRST, LAST, False),
        (LAST - 3, FIRST + 3, True),
        (0, LAST, True),
        (0, FIRST, False),
        (FIRST, 0, False),
    ],
)
def test_the_order_of_versions(one: int, other: int, earlier: bool) -> None:
    assert is_earlier(one, other) is earlier


@given(I64, st.integers(1, 2**63 - 1))
def test_a_version_is_earlier_than_those_after_it_also_where_they_wrap(
    version: int, steps: int
) -> None:
    later = signed(version + steps)
    assert is_earlier(version, later)
    assert not is_earlier(later, version)


@given(I64)
def test_of_versions_that_are_half_of_all_apart_neither_is_earlier(
    version: int,
) -> None:
    other = signed(version + 2**63)
    assert not is_earlier(version, other)
    assert not is_earlier(other, version)
