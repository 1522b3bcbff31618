import json
from typing import Any

import pytest
from hypothesis import given

from bistro_tui.engine.view import Explanation, LogPage
from bistro_tui.engine.wire.answers import (
    bytes_out,
    decode_explanation,
    decode_explanations,
    decode_page,
    encode_explanation,
    encode_page,
)
from bistro_tui.engine.wire.values import NotUnderstood
from tests.engine.wire.pictures import explanations, pages


def over_the_wire(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


@given(pages)
def test_a_page_of_a_log_comes_back_byte_for_byte(page: LogPage) -> None:
    assert decode_page(over_the_wire(encode_page(page))) == page


@given(explanations)
def test_an_explanation_comes_back_as_it_went(found: Explanation) -> None:
    assert decode_explanation(over_the_wire(encode_explanation(found))) == found
    assert decode_explanations([encode_explanation(found)]) == (found,)


def test_text_is_text_and_other_bytes_are_base64() -> None:
    assert bytes_out("é\n".encode()) == {"text": "é\n"}
    assert bytes_out(b"\xff") == {"base64": "/w=="}


@pytest.mark.parametrize("value", [None, {}, {"lines": [{}]}, [1]])
def test_other_answers_are_refused(value: Any) -> None:
    with pytest.raises(NotUnderstood):
        decode_page(value)
    with pytest.raises(NotUnderstood):
        decode_explanation(value)
