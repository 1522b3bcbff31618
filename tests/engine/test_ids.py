"""Ids as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.ids import InvocationId


@given(st.integers(-(10**18), 10**18), st.integers(0, 2**64 - 1))
def test_an_attempt_is_known_again_by_its_text(start_time: int, rand: int) -> None:
    invocation = InvocationId(start_time, rand)
    assert InvocationId.from_text(str(invocation)) == invocation


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "1-2", "x-0000000000000001", "1-000000000000000G"]
)
def test_other_text_names_no_attempt(text: str) -> None:
    assert InvocationId.from_text(text) is None
