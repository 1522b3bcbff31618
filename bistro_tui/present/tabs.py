"""The line that names the schedulers of one screen."""

from collections.abc import Sequence

from bistro_tui.present.spans import Line, Span

_BORDERS = 3


def tab_line(names: Sequence[str], current: int, width: int) -> Line:
    """Return the names, safe to show, the present one lifted and always in sight."""
    first = 0
    while first < current and _cells(names[first : current + 1]) > width - _BORDERS:
        first += 1
    spans: list[Span] = [Span(" ‹ " if first else " ", "dim")]
    for number, name in enumerate(names[first:], first):
        spans.append(Span(f" {name} ", "chip" if number == current else "dim"))
        spans.append(Span(" "))
    return tuple(spans)


def _cells(names: Sequence[str]) -> int:
    return sum(len(name) + _BORDERS for name in names)
