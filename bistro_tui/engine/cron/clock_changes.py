"""What happens to events when the clocks are set forward or back.

Source: Bistro, cron/StandardCrontabItem.
"""

import enum
from dataclasses import dataclass

from bistro_tui.engine.cron.error import CronError, did_you_mean, show


class Skipped(enum.StrEnum):
    """What labels do that no clock shows, because it was set forward over them."""

    SKIP = "skip"
    """They do not fire."""
    UNSKIP = "unskip"
    """Together they fire once, in the last second before the clock is set."""
    AFTER = "after"
    """Together they fire once, as soon as the clock was set; not one of Bistro's."""


class Repeated(enum.StrEnum):
    """When labels fire that a clock shows twice, because it was set back."""

    BOTH = "repeat_use_both"
    ONLY_EARLY = "repeat_use_only_early"
    ONLY_LATE = "repeat_use_only_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChanges:
    """How an item takes both ways in which clocks are changed."""

    skipped: Skipped
    repeated: Repeated


_SKIPPED = {word.value: word for word in (Skipped.SKIP, Skipped.UNSKIP)}
_REPEATED = {word.value: word for word in Repeated}
_WORDS = (*_SKIPPED, *_REPEATED)
_WANTED = f"one of {', '.join(_SKIPPED)} and one of {', '.join(_REPEATED)}"


def parse_dst_fixes(raw: object) -> ClockChanges:
    """Return what ``dst_fixes`` says: exactly one word of each group, in any order.

    Raises CronError.
    """
    path = ("dst_fixes",)
    if not isinstance(raw, list):
        raise CronError(path, f"must be an array with {_WANTED}; got {show(raw)}")
    for index, word in enumerate(raw):
        if not isinstance(word, str) or word not in _WORDS:
            near = did_you_mean(word, _WORDS) if isinstance(word, str) else ""
            message = f"unknown word {show(word)}; known are {', '.join(_WORDS)}{near}"
            raise CronError((*path, index), message)
    skipped = [word for word in raw if word in _SKIPPED]
    repeated = [word for word in raw if word in _REPEATED]
    if len(skipped) != 1 or len(repeated) != 1:
        raise CronError(path, f"must have exactly {_WANTED}")
    return ClockChanges(skipped=_SKIPPED[skipped[0]], repeated=_REPEATED[repeated[0]])
