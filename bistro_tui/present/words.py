"""Numbers and times in as few characters as a table has room for."""

import math
from datetime import UTC, datetime, tzinfo

_WRITTEN_OUT = 1e18
"""Whole numbers below have no exponent."""


def age(seconds: float) -> str:
    """Return a length of time in at most six characters: ``42s``, ``3m05s``, ``2h10m``.

    Negative lengths (a clock was set back) count as none.
    """
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole // 60 % 60:02}m"
    return f"{whole // 86400}d{whole // 3600 % 24:02}h"


def coarse(seconds: float) -> str:
    """Return a length of time in its largest unit: ``42s``, ``3m``, ``2h``, ``5d``."""
    whole = max(0, int(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def at_most(seconds: float) -> str:
    """Return a length of time in its largest unit, rounded up: ``42s``, ``4m``."""
    whole = max(0, math.ceil(seconds))
    for size in (86400, 3600, 60):
        if whole > size:
            return coarse(-(-whole // size) * size)
    return coarse(whole)


def about(seconds: float) -> str:
    """Return a guessed length of time in at most four characters: ``~12m``, ``~2h``."""
    for size, limit, unit in ((1, 60, "s"), (60, 60, "m"), (3600, 48, "h")):
        number = max(1, round(seconds / size))
        if number < limit:
            return f"~{number}{unit}"
    days = round(seconds / 86400)
    return f"~{days}d" if days < 100 else ">99d"


def left(seconds: float) -> str:
    """Return how long is left of a time that runs out: ``1s`` until it is over."""
    return age(math.ceil(seconds))


def ago(seconds: float) -> str:
    """Return how long ago something was: ``just now``, ``42s ago``, ``3m ago``."""
    return "just now" if seconds < 3 else f"{coarse(seconds)} ago"


def took(seconds: float) -> str:
    """Return how long something took, with tenths below ten seconds."""
    return f"{max(0.0, seconds):.1f}s" if seconds < 9.95 else age(seconds)


def count(number: int) -> str:
    """Return a number in at most four characters: ``9999``, ``12k``, ``4.5M``.

    Thousands are whole ones: 99,999 of 100,000 is ``99k`` of ``100k``.
    """
    if number < 10_000:
        return str(number)
    if number < 1_000_000:
        return f"{number // 1000}k"
    millions = number / 1_000_000
    return f"{millions:.1f}M" if millions < 9.95 else f"{millions:.0f}M"


def number(value: float) -> str:
    """Return a number as a person writes it: ``2.5``, ``1000000000``."""
    if abs(value) < _WRITTEN_OUT and value % 1 == 0:
        return str(int(value))
    return f"{value:.15g}"


def size(amount: int) -> str:
    """Return bytes in at most four characters: ``820K``, ``64M``, ``1.4G``, ``12G``."""
    number, unit = amount / 1024, "K"
    for bigger in "MGT":
        if number < 999.5:
            break
        number, unit = number / 1024, bigger
    return f"{number:.1f}{unit}" if 0 < number < 9.95 else f"{number:.0f}{unit}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 task`` or ``3 tasks``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def clock_time(wall: float, zone: tzinfo | None = None) -> str:
    """Return ``HH:MM:SS`` in that zone, or in the zone of this machine."""
    return _in_words(wall, zone, "%H:%M:%S")


def date_time(wall: float, zone: tzinfo | None = None) -> str:
    """Return ``YYYY-MM-DD HH:MM:SS`` in that zone, or in the zone of this machine."""
    return _in_words(wall, zone, "%Y-%m-%d %H:%M:%S")


def _in_words(wall: float, zone: tzinfo | None, form: str) -> str:
    try:
        moment = datetime.fromtimestamp(wall, tz=UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        # A clock that was set to where no calendar goes.
        return f"{wall:.0f}"[:19]
    return moment.strftime(form)
