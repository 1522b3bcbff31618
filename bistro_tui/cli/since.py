"""Points in time as people give them on a command line."""

import math
import re
from datetime import datetime, time

import click

_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])(?:\s+ago)?", re.ASCII)
_CALENDAR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}")
_CLOCK = re.compile(r"[0-9]{2}:")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}


def point_in_time(text: str, *, now: float, flag: str) -> float:
    """Return the wall second that ``text`` means, ``10m`` ago or a date and time.

    A date without a zone is of this machine's, a time without a date is of today. A
    bare number is seconds since 1970.

    ``now`` is a wall second, ``flag`` what the text was given for. Raises
    click.BadParameter with what may be given.
    """
    text = text.strip()
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - float(ago[1]) * _SECONDS[ago[2]]
    try:
        found = float(text)
    except ValueError:
        found = _of_calendar(text, now)
    if not math.isfinite(found):
        raise click.BadParameter(
            f"{text!r} is neither a time ago like 30s, 10m, 2h or 1d, nor a date or"
            " time like 2030-01-31, 2030-01-31T03:00 or 03:00, nor seconds since 1970",
            param_hint=flag,
        )
    return found


def _of_calendar(text: str, now: float) -> float:
    """Return the wall second of an ISO date, date and time, or time; else NaN."""
    if not text.isascii() or not _CALENDAR.match(text):
        return math.nan
    try:
        if _CLOCK.match(text):
            today = datetime.fromtimestamp(now).astimezone().date()
            return datetime.combine(today, time.fromisoformat(text)).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return math.nan
