"""Time zones to try things in, and the clocks of each minute as the C library says."""

import contextlib
import datetime
import functools
import itertools
import os
import time
import zoneinfo
from collections.abc import Iterator
from typing import NamedTuple

PACIFIC = "PST+8PDT,M3.2.0,M11.1.0"
LORD_HOWE = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
POSIX_ZONES = (
    PACIFIC,
    LORD_HOWE,
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "IST-1GMT0,M10.5.0,M3.5.0/1",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "<+0330>-3:30<+0430>,J79/24,J263/24",
    "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
)
STEADY_ZONES = ("UTC0", "<-03>3", "<+0545>-5:45")
NAMED_CHANGES = (
    ("Pacific/Apia", 1325239200),  # a whole day is skipped
    ("America/Sao_Paulo", 1541300400),  # midnight is skipped
    ("Africa/Casablanca", 1682215200),
    ("Asia/Pyongyang", 1525446000),  # half an hour is skipped, once and for all
    ("America/Caracas", 1197183600),  # half an hour is repeated, once and for all
)

DAY = 86400
START_2013 = 1356998400


@contextlib.contextmanager
def local_zone(tz: str) -> Iterator[None]:
    """Let the C library live in that zone meanwhile."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = tz
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def is_known(name: str) -> bool:
    """Return whether this machine has the rules of a zone."""
    return any(os.path.exists(os.path.join(path, name)) for path in zoneinfo.TZPATH)


def known_changes() -> list[tuple[str, int]]:
    return [
        *((tz, change) for tz in POSIX_ZONES for change in changes_in_2013(tz)),
        *((tz, START_2013 + 90 * DAY) for tz in STEADY_ZONES),
        *((tz, change) for tz, change in NAMED_CHANGES if is_known(tz)),
    ]


@functools.cache
def changes_in_2013(tz: str) -> tuple[int, ...]:
    """Return the seconds at which the offset changes."""
    with local_zone(tz):
        offsets = [
            (at, time.localtime(at).tm_gmtoff)
            for at in range(START_2013, START_2013 + 365 * DAY, 1800)
        ]
    pairs = itertools.pairwise(offsets)
    return tuple(after[0] for before, after in pairs if before[1] != after[1])


class Shown(NamedTuple):
    """What the clocks show."""

    minute: int
    hour: int
    day_of_month: int
    month: int
    year: int
    day_of_week: int


def shown_by(moment: datetime.datetime) -> Shown:
    return Shown(
        moment.minute,
        moment.hour,
        moment.day,
        moment.month,
        moment.year,
        moment.isoweekday() % 7 + 1,
    )


Clock = tuple[int, datetime.datetime, Shown]


@functools.cache
def clocks_around(tz: str, change: int) -> tuple[Clock, ...]:
    """Return each minute from three days before to three days after a change."""
    with local_zone(tz):
        labels = [
            (at, datetime.datetime(*time.localtime(at)[:5]))  # noqa: DTZ001 - a label
            for at in range(change - 3 * DAY, change + 3 * DAY, 60)
        ]
    return tuple((at, label, shown_by(label)) for at, label in labels)
