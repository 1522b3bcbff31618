"""Epoch items: seconds since the epoch, chosen without any calendar.

Source: Bistro, cron/EpochCrontabItem.
"""

from dataclasses import dataclass

from bistro_tui.engine.cron.error import Findings
from bistro_tui.engine.cron.selector import (
    Field,
    Values,
    first_at_or_after,
    parse_selector,
)
from bistro_tui.engine.cron.zone import Zone

_SECONDS = Field(min=0, max=2**63 - 1)


@dataclass(frozen=True, slots=True)
class EpochItem:
    """Fires at each of the chosen seconds, in every zone."""

    seconds: Values

    def first_match(self, at: int, zone: Zone) -> int | None:
        """Return the earliest chosen second at or after ``at``."""
        return first_at_or_after(self.seconds, at)


def parse_epoch_item(raw: dict[str, object]) -> EpochItem:
    """Return the item of ``{"epoch": selector}``; raises CronError."""
    wrong = Findings()
    for key in raw:
        if key != "epoch":
            wrong.note((key,), 'does not go with "epoch", which stands alone')
    with wrong.reading():
        seconds = parse_selector(raw["epoch"], _SECONDS, ("epoch",))
    wrong.raise_any()
    return EpochItem(seconds)
