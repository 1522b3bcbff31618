"""Status bits as one or two characters of URL-safe base64, the lowest six first.

Source: Bistro, py/task_bits.py.
"""

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def bits_code(bits: int) -> str:
    """Return the code of status bits."""
    low, high = bits & 63, bits >> 6
    return _DIGITS[low] + (_DIGITS[high] if high else "")


def bits_of_code(code: str) -> int:
    """Return the status bits of a code. Raises ValueError for other characters."""
    return sum(_DIGITS.index(digit) << 6 * place for place, digit in enumerate(code))
