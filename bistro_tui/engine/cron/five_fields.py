"""The five fields of a crontab: ``*/5 8-18 * * MON-FRI``.

Cronsim reads them and searches the calendar; the zone is ours, so that every ``TZ``
works.
"""

import datetime
from dataclasses import dataclass

from cronsim import CronSim, CronSimError

from bistro_tui.engine.cron.clock_changes import (
    ClockChanges,
    Repeated,
    Skipped,
    parse_dst_fixes,
)
from bistro_tui.engine.cron.error import (
    CronError,
    Findings,
    Path,
    did_you_mean,
    show,
)
from bistro_tui.engine.cron.labels import (
    FIRST_LABEL,
    LAST_LABEL,
    date_of,
    label_of,
)
from bistro_tui.engine.cron.standard_item import LocalItem

_KEYS = ("cron", "dst_fixes")
_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31"),
    ("month", "1-12 or JAN-DEC"),
    ("day of week", "0-7 or SUN-SAT"),
)
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST = 500
_SECOND = datetime.timedelta(seconds=1)

_REAL_TIME = ClockChanges(skipped=Skipped.SKIP, repeated=Repeated.BOTH)
_ONCE = ClockChanges(skipped=Skipped.AFTER, repeated=Repeated.ONLY_EARLY)


@dataclass(frozen=True, slots=True)
class FiveFields:
    """The labels that five fields choose."""

    text: str

    def next_label(self, at: int) -> int | None:
        """Return the smallest chosen label that is not below ``at``; None: no more."""
        at = max(at, FIRST_LABEL)
        if at > LAST_LABEL:
            return None
        day, minute = date_of(at)
        start = datetime.datetime.combine(day, datetime.time(minute // 60, minute % 60))
        try:
            # It looks for what comes after its start.
            found = next(CronSim(self.text, start - _SECOND))
        except (StopIteration, OverflowError):
            return None
        return label_of(found.date(), found.hour * 60 + found.minute)


def fields_of_nickname(text: str) -> str | None:
    """Return the five fields that crontabs may write as ``@daily``; else None."""
    return _NICKNAMES.get(text.strip().lower())


def parse_five_fields(raw: dict[str, object]) -> LocalItem:
    """Return the item of ``{"cron": "*/5 * * * *"}``; ``dst_fixes`` may be beside it.

    Without ``dst_fixes`` clock changes are taken as Debian's cron takes them. Where
    minute or hour begins with ``*``, the item follows real time: it fires twice in a
    repeated hour and not in a skipped one. Every other one fires once: in the first of
    two equal hours, and for a skipped time as soon as the clock was set forward.

    Raises CronError, also for an item that can never fire.
    """
    wrong = Findings()
    for key in raw:
        if key not in _KEYS:
            near = did_you_mean(key, _KEYS)
            wrong.note((key,), f'does not go with "cron"{near}')
    if "dst_fixes" in raw:
        with wrong.reading():
            parse_dst_fixes(raw["dst_fixes"])
    with wrong.reading():
        item = parse_fields_alone(_text(raw["cron"]), ("cron",))
    wrong.raise_any()
    if "dst_fixes" not in raw:
        return item
    return LocalItem(labels=item.labels, changes=parse_dst_fixes(raw["dst_fixes"]))


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise CronError(("cron",), f'must be a text as "*/5 * * * *", got {show(raw)}')
    return raw


def parse_fields_alone(text: str, path: Path) -> LocalItem:
    """Return the item of five fields that stand at ``path``; raises CronError.

    Clock changes are taken as ``parse_five_fields`` says.
    """
    labels = _labels(text, path)
    minute, hour, *_ = text.split()
    follows = minute.startswith("*") or hour.startswith("*")
    return LocalItem(labels=labels, changes=_REAL_TIME if follows else _ONCE)


def _labels(text: str, path: Path) -> FiveFields:
    fields = text.split()
    if len(fields) != len(_FIELDS) or len(text) > _LONGEST:
        names = ", ".join(name for name, _ in _FIELDS)
        message = f"must have five fields ({names}), got {show(text)}"
        instead = fields_of_nickname(text)
        hint = f"; write {show(instead)}" if instead else ""
        raise CronError(path, message + hint)
    wrong = Findings()
    for index, (name, may_be) in enumerate(_FIELDS):
        alone = ["*"] * len(_FIELDS)
        alone[index] = fields[index]
        if not _is_understood(" ".join(alone)):
            message = f"the {name} may be {may_be}, got {show(fields[index])}"
            wrong.note(path, f"{message} in {show(text)}")
    wrong.raise_any()
    labels = FiveFields(text)
    if not _is_understood(text) or labels.next_label(FIRST_LABEL) is None:
        raise CronError(path, f"{show(text)} is on no calendar: it never fires")
    return labels


def _is_understood(text: str) -> bool:
    try:
        CronSim(text, datetime.datetime(1970, 1, 1))  # noqa: DTZ001 - a label
    except CronSimError:
        return False
    return True
