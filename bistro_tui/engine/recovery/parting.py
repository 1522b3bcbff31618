"""What a stop does about the run before, where that is not all over yet."""

import asyncio
from collections.abc import Awaitable, Callable

from bistro_tui.engine.recovery.recovery import Recovery

LIMIT_SEC = 5.0
"""How long what was killed may take to be gone."""


async def part(
    recovery: Recovery, told_to_hurry: Callable[[], Awaitable[None]]
) -> None:
    """End what no warden watches any more, and say what of the run before is left.

    It waits for that until ``told_to_hurry`` returns, and no longer than LIMIT_SEC: a
    living warden ends its tasks without us, and whatever is left the next start ends.
    """
    if not recovery.is_needed:
        return
    ending = asyncio.ensure_future(recovery.end_unwatched())
    hurried = asyncio.ensure_future(told_to_hurry())
    both = (ending, hurried)
    await asyncio.wait(both, timeout=LIMIT_SEC, return_when=asyncio.FIRST_COMPLETED)
    for one in both:
        one.cancel()
    await asyncio.wait(both)
    recovery.tell_rest()
    if not ending.cancelled():
        ending.result()
