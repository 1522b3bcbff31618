"""Long work on the engine's loop, a little in each of its turns."""

import asyncio

TURN_SEC = 0.002
"""How long such work keeps others waiting."""


class Turns:
    """Gives the loop to others when this turn was long enough."""

    def __init__(self) -> None:
        """Made on the loop; the turn begins now."""
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + TURN_SEC

    async def rest(self) -> None:
        """Let others have the loop if the turn is over; else return at once."""
        if self._time() >= self._end:
            await asyncio.sleep(0)
            self._end = self._time() + TURN_SEC
