"""Large answers in pieces: the same JSON, and never much of it at once."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.api import turns
from bistro_tui.engine.api.encoding import encode
from bistro_tui.engine.config.model import Json

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
).filter(lambda value: value not in (float("inf"), float("-inf")))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=30)
@given(value=values, times=st.sampled_from([1, 70, 1_500]))
def test_what_is_encoded_in_pieces_is_what_was_given(value: Json, times: int) -> None:
    large = {"list": [value] * times, "map": {str(i): value for i in range(times)}}
    text = asyncio.run(encode(large))
    assert json.loads(text) == large
    assert text.isascii()


def test_halves_of_surrogate_pairs_can_be_sent() -> None:
    text = asyncio.run(encode({"\ud800": ["\udfff"] * 2_000}))
    assert json.loads(text.encode("ascii")) == {"\ud800": ["\udfff"] * 2_000}


@pytest.mark.parametrize("times", [1, 10_000])
def test_what_json_does_not_have_is_refused(times: int) -> None:
    with pytest.raises(ValueError, match="JSON"):
        asyncio.run(encode([float("inf")] * times))


async def test_others_have_their_turns_while_a_large_answer_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Every look at the clock ends a turn then.
    monkeypatch.setattr(turns, "TURN_SEC", 0.0)
    rows = {
        str(i): {"resources": {"cpu": {"limit": i}}, "jobs": [[i] * 100]}
        for i in range(5_000)
    }
    number = 0

    async def others() -> None:
        nonlocal number
        while True:
            number += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    await encode({"results": {"db": rows}})
    other.cancel()
    assert number >= len(rows)
