"""Days and times of day that selectors choose, and the search among them."""

import bisect
import calendar
import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from bistro_tui.engine.cron.labels import (
    FIRST_LABEL,
    LAST_LABEL,
    date_of,
    label_of,
)
from bistro_tui.engine.cron.selector import Values, first_at_or_after

_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The labels whose every field is chosen. All fields count together."""

    minutes: Values
    hours: Values
    days_of_month: Values
    months: Values
    years: Values
    days_of_week: Values
    """1 is Sunday, 7 is Saturday."""

    def can_match(self) -> bool:
        """Return whether any day is chosen: 30 February never comes.

        Only for selectors that leave the days of the week or those of the month free.
        """
        earliest = self.days_of_month[0]
        if any(earliest <= _days_in(_LEAP_YEAR, m) for m in self.months if m != 2):
            return True
        if 2 not in self.months or earliest > 29:
            return False
        return earliest <= 28 or any(calendar.isleap(year) for year in self.years)

    def next_label(self, at: int) -> int | None:
        """Return the smallest chosen label that is not below ``at``; None: no more."""
        at = max(at, FIRST_LABEL)
        if at > LAST_LABEL:
            return None
        start, minute = date_of(at)
        for day in self._days(start):
            time = self._time_at_or_after(minute if day == start else 0)
            if time is not None:
                return label_of(day, time)
        return None

    def _time_at_or_after(self, minute_of_day: int) -> int | None:
        hour, minute = divmod(minute_of_day, 60)
        if hour in self.hours:
            found = first_at_or_after(self.minutes, minute)
            if found is not None:
                return hour * 60 + found
        later = first_at_or_after(self.hours, hour + 1)
        return None if later is None else later * 60 + self.minutes[0]

    def _days(self, start: datetime.date) -> Iterator[datetime.date]:
        """Yield the chosen days from ``start`` on."""
        for year in _from(self.years, start.year):
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                first = start.day if (year, month) == (start.year, start.month) else 1
                yield from self._days_of(year, month, first)

    def _days_of(self, year: int, month: int, first: int) -> Iterator[datetime.date]:
        last = _days_in(year, month)
        for day in _from(self.days_of_month, first):
            if day > last:
                return
            date = datetime.date(year, month, day)
            if date.isoweekday() % 7 + 1 in self.days_of_week:
                yield date


def _from(values: Values, at: int) -> Values:
    """Return the values that are not below ``at``."""
    if isinstance(values, range):
        found = first_at_or_after(values, at)
        return () if found is None else range(found, values.stop, values.step)
    return values[bisect.bisect_left(values, at) :]


def _days_in(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
