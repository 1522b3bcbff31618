from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.processes.lines import (
    LONGEST_ROW,
    LineCutter,
    LineQuota,
    rows_of,
)


def cut(*chunks: bytes) -> list[bytes]:
    cutter = LineCutter()
    rows = [row for chunk in chunks for row in cutter.feed(chunk)]
    return rows + cutter.finish()


def test_a_row_keeps_its_newline_and_an_unfinished_last_one_has_none() -> None:
    assert cut(b"a\nb\n\nc") == [b"a\n", b"b\n", b"\n", b"c"]


def test_a_carriage_return_neither_ends_a_row_nor_is_removed() -> None:
    assert cut(b"10%\r20%\r\n") == [b"10%\r20%\r\n"]


def test_a_line_may_come_in_pieces() -> None:
    assert cut(b"he", b"llo", b"\nwor", b"ld") == [b"hello\n", b"world"]


def test_the_longest_row_has_65000_bytes_with_its_newline() -> None:
    line = b"x" * (LONGEST_ROW - 1) + b"\n"
    assert cut(line) == [line]


def test_a_longer_line_becomes_several_rows() -> None:
    line = b"x" * (2 * LONGEST_ROW + 5) + b"\n"
    assert [len(row) for row in cut(line)] == [LONGEST_ROW, LONGEST_ROW, 6]


def test_an_endless_line_is_never_kept_whole() -> None:
    cutter = LineCutter()
    for _ in range(10):
        cutter.feed(b"x" * 65_536)
        assert len(cutter.unfinished) < LONGEST_ROW


chunks = st.lists(
    st.one_of(
        st.binary(max_size=50),
        st.builds(
            lambda length, end: b"y" * length + end,
            st.sampled_from([1, LONGEST_ROW - 1, LONGEST_ROW, LONGEST_ROW + 1]),
            st.sampled_from([b"", b"\n"]),
        ),
    ),
    max_size=8,
)


@given(chunks)
def test_a_whole_stream_has_the_same_rows_as_its_pieces(
    given_chunks: list[bytes],
) -> None:
    assert rows_of(b"".join(given_chunks)) == cut(*given_chunks)


@given(chunks)
def test_the_rows_put_together_are_the_input(given_chunks: list[bytes]) -> None:
    rows = cut(*given_chunks)
    assert b"".join(rows) == b"".join(given_chunks)
    assert all(0 < len(row) <= LONGEST_ROW for row in rows)
    assert all(b"\n" not in row[:-1] for row in rows)


@given(chunks)
def test_how_the_bytes_arrive_makes_no_difference(given_chunks: list[bytes]) -> None:
    assert cut(*given_chunks) == cut(b"".join(given_chunks))


def test_a_quota_of_nothing_is_no_limit() -> None:
    quota = LineQuota(rows=0, interval_ms=10, now=5.0)
    quota.spend(10_000)
    assert quota.wait(5.0) == 0


def test_reading_waits_until_the_credit_is_above_zero() -> None:
    quota = LineQuota(rows=50, interval_ms=10, now=5.0)
    quota.spend(49)
    assert quota.wait(5.0) == 0
    quota.spend(1)
    assert 0.009 < quota.wait(5.0) <= 0.0101
    assert quota.wait(5.0101) == 0


def test_an_overdrawn_quota_is_paid_back() -> None:
    quota = LineQuota(rows=50, interval_ms=10, now=0.0)
    quota.spend(250)
    assert 0.049 < quota.wait(0.0) <= 0.0501


def test_unused_credit_stays() -> None:
    quota = LineQuota(rows=1, interval_ms=10, now=0.0)
    quota.spend(99)
    assert quota.wait(1.0) == 0
