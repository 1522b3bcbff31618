"""Standard items: minutes, hours, days, months and years chosen by selectors.

Source: Bistro, cron/StandardCrontabItem.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bistro_tui.engine.cron.clock_changes import ClockChanges, parse_dst_fixes
from bistro_tui.engine.cron.dates import Calendar
from bistro_tui.engine.cron.error import CronError, Findings, did_you_mean
from bistro_tui.engine.cron.labels import FIRST_YEAR, LAST_YEAR, Labels
from bistro_tui.engine.cron.local_time import first_instant
from bistro_tui.engine.cron.selector import Field, Values, parse_selector
from bistro_tui.engine.cron.zone import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalItem:
    """Fires when local clocks show one of the labels."""

    labels: Labels
    changes: ClockChanges

    def first_match(self, at: int, zone: Zone) -> int | None:
        """Return the earliest event at or after ``at`` in the zone."""
        return first_instant(self.labels, self.changes, at, zone)


def _names(words: Iterable[str]) -> dict[str, int]:
    """Number the names from 1; each counts in full and as its first three letters."""
    numbered = list(enumerate((word.lower() for word in words), start=1))
    return {
        spelled: number for number, word in numbered for spelled in (word[:3], word)
    }


# Not the names of the calendar module, which are those of the user's language.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)

_FIELDS = {
    "minute": Field(min=0, max=59),
    "hour": Field(min=0, max=23),
    "day_of_month": Field(min=1, max=31),
    "month": Field(min=1, max=12, kind="month", names=_names(_MONTHS)),
    "year": Field(min=FIRST_YEAR, max=LAST_YEAR),
    "day_of_week": Field(min=1, max=7, kind="day", names=_names(_DAYS)),
}
_KEYS = (*_FIELDS, "dst_fixes")


def parse_standard_item(raw: dict[str, object]) -> LocalItem:
    """Return the item of an object with ``minute``, ``dst_fixes`` and maybe more.

    Raises CronError, also if no day ever matches, such as 30 February.
    """
    wrong = Findings()
    for key in raw:
        if key not in _KEYS:
            near = did_you_mean(key, (*_KEYS, "epoch", "cron"))
            wrong.note((key,), f"unknown key{near}")
    # Of {"epoc": …} it says nothing that these are missing.
    is_standard = not raw or any(key in _KEYS for key in raw)
    for key in ("minute", "dst_fixes") if is_standard else ():
        if key not in raw:
            wrong.note((), f'the key "{key}" is missing')
    if "day_of_month" in raw and "day_of_week" in raw:
        message = "does not go with day_of_month: give one of both"
        wrong.note(("day_of_week",), message)
    chosen: dict[str, Values] = {}
    for name in _FIELDS:
        with wrong.reading():
            chosen[name] = _chosen(raw, name)
    if "dst_fixes" in raw:
        with wrong.reading():
            parse_dst_fixes(raw["dst_fixes"])
    wrong.raise_any()
    changes = parse_dst_fixes(raw["dst_fixes"])
    labels = Calendar(
        minutes=chosen["minute"],
        hours=chosen["hour"],
        days_of_month=chosen["day_of_month"],
        months=chosen["month"],
        years=chosen["year"],
        days_of_week=chosen["day_of_week"],
    )
    if not labels.can_match():
        message = "no chosen month has such a day in a chosen year: it never fires"
        raise CronError(("day_of_month",), message)
    return LocalItem(labels=labels, changes=changes)


def _chosen(raw: dict[str, object], name: str) -> Values:
    field = _FIELDS[name]
    return parse_selector(raw.get(name, {}), field, (name,))
