"""Which sentences stay on the screen when another one comes, and for how long. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

_SECONDS = 6.0
_ERROR_SECONDS = 12.0
_SECONDS_OF_MANY = 4.0
_ROWS_OF_ONE = 12
_MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Toast:
    """One sentence."""

    text: str
    is_error: bool = False
    about: str = ""
    """What it tells of: the next one about the same takes its place."""


def most_toasts(rows: int) -> int:
    """Return how many sentences a screen of that height may show at once."""
    return max(2, min(rows // _ROWS_OF_ONE, _MOST))


def kept_toasts(there: Sequence[Toast], new: Toast, most: int) -> tuple[Toast, ...]:
    """Return those that stay beside a new one, the oldest first.

    What was said before of the same goes, then the oldest; refusals go last.
    """
    kept = [
        one
        for one in there
        if one.text != new.text
        and not (new.about and (one.about, one.is_error) == (new.about, new.is_error))
    ]
    while len(kept) >= max(1, most):
        kept.remove(next((one for one in kept if not one.is_error), kept[0]))
    return tuple(kept)


def toast_seconds(new: Toast, others: int) -> float:
    """Return how long it is shown beside that many others."""
    if new.is_error:
        return _ERROR_SECONDS
    return _SECONDS_OF_MANY if others else _SECONDS
