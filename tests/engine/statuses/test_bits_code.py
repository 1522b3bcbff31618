import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.statuses.bits_code import bits_code, bits_of_code


@pytest.mark.parametrize(
    ("bits", "code"),
    [
        (1, "B"),
        (2, "C"),
        (4, "E"),
        (96, "gB"),
        (584, "IJ"),
        (128, "AC"),
        (256, "AE"),
        (3168, "gx"),
    ],
)
def test_bits_are_written_as_bistro_writes_them(bits: int, code: str) -> None:
    assert bits_code(bits) == code


@given(bits=st.integers(0, 4095))
def test_a_code_tells_its_bits(bits: int) -> None:
    code = bits_code(bits)
    assert bits_of_code(code) == bits
    assert len(code) == 1 + (bits > 63)
