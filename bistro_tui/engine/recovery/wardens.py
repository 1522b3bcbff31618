"""The wardens of the run before: which still live, and which may still start tasks."""

import asyncio
import signal
from collections.abc import Sequence

from bistro_tui.engine.recovery.ending import immovable
from bistro_tui.engine.recovery.journals import LeftJournal, find_successors
from bistro_tui.engine.recovery.records import LeftAttempt
from bistro_tui.engine.recovery.texts import not_going, still_ending

PATIENCE_SEC = 15.0
"""How long a warden may take beyond its kill waits before it is killed itself."""


def living(journals: Sequence[LeftJournal]) -> list[LeftJournal]:
    """Return the journals whose wardens live."""
    return [one for one in journals if not one.is_stored and one.is_held()]


def unfinished(journals: list[LeftJournal]) -> list[LeftJournal]:
    """Return the journals to which a start may still be added; OSError.

    Files in which wardens went on where one grew too long are added to ``journals``.
    """
    found = [one for one in living(journals) if not one.read().is_final]
    if not found and (fresh := find_successors(journals)):
        journals += fresh
        return unfinished(journals)
    return found


async def urge(
    held: Sequence[LeftJournal],
    attempts: Sequence[Sequence[LeftAttempt]],
    waited: float,
) -> str:
    """Continue a stopped warden, end one that hangs; return what is waited for.

    ``attempts``: for each of the journals, those of it that are waited for. A warden
    whose tasks nobody can kill does not hang.
    """
    waits = [left.kill_wait_sec for some in attempts for left in some]
    is_late = waited > max(waits, default=0.0) + PATIENCE_SEC
    staying: list[int] = []
    for journal, some in zip(held, attempts, strict=True):
        found = await asyncio.to_thread(immovable, some) if is_late else ()
        staying += found
        is_hanging = is_late and not found
        journal.signal_warden(signal.SIGKILL if is_hanging else signal.SIGCONT)
    if staying:
        return not_going(staying)
    pids = [pid for one in held if (pid := one.read().pid) is not None]
    return still_ending(sum(map(len, attempts)), pids)
