"""Points in time as people give them on a command line."""

import math
import re

import click

_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])(?:\s+ago)?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}


def point_in_time(text: str, *, now: float, flag: str) -> float:
    """Return the wall second that ``text`` means: seconds since 1970, or ``10m`` ago.

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
        found = math.nan
    if not math.isfinite(found):
        raise click.BadParameter(
            "is a time ago like 30s, 10m, 2h or 1d, or seconds since 1970",
            param_hint=flag,
        )
    return found
