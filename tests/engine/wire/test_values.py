import json
import math

import pytest

from bistro_tui.engine.wire.values import number_in, number_or_none, number_out


@pytest.mark.parametrize("number", [0, -1.5, 2**70, math.inf, -math.inf, None])
def test_a_number_comes_back_as_it_went(number: float | None) -> None:
    there = json.loads(json.dumps(number_out(number), allow_nan=False))
    assert number_or_none(there) == number


def test_what_is_no_number_at_all_is_none() -> None:
    assert number_out(math.nan) is None
    with pytest.raises(TypeError):
        number_in("nan")
