"""Cron items: the one thing they can do, and how one is made from JSON.

Source: Bistro, cron/CrontabItem.
"""

from typing import Protocol

from bistro_tui.engine.cron.epoch_item import parse_epoch_item
from bistro_tui.engine.cron.error import CronError, show
from bistro_tui.engine.cron.five_fields import parse_fields_alone, parse_five_fields
from bistro_tui.engine.cron.standard_item import parse_standard_item
from bistro_tui.engine.cron.zone import Zone

__all__ = ["CronError", "CronItem", "parse_cron"]


class CronItem(Protocol):
    """Events in time."""

    def first_match(self, at: int, zone: Zone) -> int | None:
        """Return the earliest event at or after ``at``; None if there is no more.

        Both are whole seconds since the epoch. Raises nothing: an item that can
        never fire on any calendar is refused by ``parse_cron``.
        """
        ...


def parse_cron(raw: object) -> CronItem:
    """Return the item that the JSON value describes.

    ``{"epoch": …}``, or ``{"minute": …, "dst_fixes": […], …}``, or, which Bistro does
    not have, ``{"cron": "*/5 * * * *"}`` and the same text alone.

    Raises CronError, which names what is wrong, where in the item, and the nearest
    word; also for an item that can never fire, such as one for 30 February.
    """
    if isinstance(raw, str):
        return parse_fields_alone(raw, ())
    if not isinstance(raw, dict):
        raise CronError((), f"must be an object, got {show(raw)}")
    if "epoch" in raw:
        return parse_epoch_item(raw)
    if "cron" in raw:
        return parse_five_fields(raw)
    return parse_standard_item(raw)
