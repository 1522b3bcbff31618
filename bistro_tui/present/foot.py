"""The right end of the foot: what makes the screen show other than all, live."""

from bistro_tui.present.filters import filter_chip
from bistro_tui.present.spans import Line, Span, joined

_LONGEST_FILTER = 24


def foot_badges(
    *, filter_text: str, marks: str, is_frozen: bool, is_read_only: bool
) -> Line:
    """Return the badges; ``marks`` is in words and safe, the filter is raw."""
    parts: list[Line] = []
    if filter_text:
        shown = filter_chip(filter_text, _LONGEST_FILTER)
        parts.append((Span(f" {shown} ", "chip"),))
    if marks:
        parts.append((Span(f" {marks} ", "chip.mark"),))
    if is_frozen:
        parts.append((Span(" z frozen ", "badge"),))
    if is_read_only:
        parts.append((Span(" read-only ", "badge"),))
    return joined(parts, " ")
