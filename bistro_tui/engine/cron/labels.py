"""Labels: what a clock on the wall shows, without saying of which zone.

A label is a count of minutes: of the minutes between 1970-01-01 00:00 and what the
clock shows, on a calendar whose every day has 24 hours.
"""

import datetime
from typing import Protocol

MINUTES_A_DAY = 24 * 60
FIRST_YEAR, LAST_YEAR = 1969, 9999
"""Source: Bistro, cron/StandardCrontabItem."""

_DAY_0 = datetime.date(1970, 1, 1).toordinal()


class Labels(Protocol):
    """A set of labels from 1969 to 9999."""

    def next_label(self, at: int) -> int | None:
        """Return the smallest label of the set that is not below ``at``, if any."""
        ...


def label_of(date: datetime.date, minute_of_day: int = 0) -> int:
    """Return the label of a minute of a day."""
    return (date.toordinal() - _DAY_0) * MINUTES_A_DAY + minute_of_day


def date_of(label: int) -> tuple[datetime.date, int]:
    """Return the day and the minute of the day of a label from year 1 to 9999."""
    day, minute = divmod(label, MINUTES_A_DAY)
    return datetime.date.fromordinal(day + _DAY_0), minute


FIRST_LABEL = label_of(datetime.date(FIRST_YEAR, 1, 1))
LAST_LABEL = label_of(datetime.date(LAST_YEAR, 12, 31), MINUTES_A_DAY - 1)
