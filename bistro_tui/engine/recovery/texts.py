"""What people are told of the run before. Pure."""

from collections.abc import Sequence

from bistro_tui.engine.recovery.records import LeftAttempt
from bistro_tui.engine.statuses.attempts import StatusPlace

MOST_NAMED = 5
"""Processes that do not go, told of by number."""


def kept(attempts: Sequence[LeftAttempt]) -> str:
    """Return that what is left of these belongs to a start with other flags."""
    places = {left.place for left in attempts}
    flags = ", ".join(sorted(map(_flags, places)))
    tasks = counted(len(attempts), "task")
    return f"what is left of {tasks} of the run before is kept for a start with {flags}"


def still_ending(number: int, wardens: Sequence[int]) -> str:
    """Return that so many tasks, or only these wardens, are waited for."""
    who = counted(number, "task") if number else "the warden"
    verb = "are" if number > 1 else "is"
    pids = ", ".join(map(str, wardens))
    return f"{who} of the run before {verb} still ending (warden: {pids})"


def unclear() -> str:
    """Return why nothing starts as long as that is waited for."""
    return "what that takes is not in the present config, so nothing starts meanwhile"


def not_going(pids: Sequence[int]) -> str:
    """Return that these processes outlive every signal."""
    verb = "does" if len(pids) == 1 else "do"
    named = ", ".join(map(str, pids[:MOST_NAMED]))
    more = ", …" if len(pids) > MOST_NAMED else ""
    who = counted(len(pids), "process")
    return f"{who} of the run before {verb} not go (pid {named}{more})"


def left_to_wardens(number: int, wardens: Sequence[int]) -> str:
    """Return that a stop does not wait for what these are ending."""
    told = still_ending(number, wardens)
    return f"{told}; that goes on without this scheduler"


def left_alive(pids: Sequence[int]) -> str:
    """Return that a stop left these alive; empty: nobody knows which."""
    who = not_going(pids) if pids else "what the run before left may be alive"
    return f"{who}; the next start ends what is left"


def left_over(number: int) -> str:
    """Return ``3 processes left over``."""
    return f"{counted(number, 'process')} left over"


def counted(number: int, noun: str) -> str:
    """Return ``1 task``, ``2 tasks``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def _flags(place: StatusPlace) -> str:
    return f"--status-store {place.store} --status-table {place.table}"
