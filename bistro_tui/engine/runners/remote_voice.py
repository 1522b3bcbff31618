"""What the log is told of workers: however much one says, a little each minute."""

import asyncio
import logging

from bistro_tui.engine.remote.bounds import LONGEST_TEXT
from bistro_tui.engine.remote.complaints import Complaints
from bistro_tui.engine.remote.identity import InstanceId

log = logging.getLogger("bistro_tui")

MOST = 30
"""Lines a minute of one worker."""


class RemoteVoice:
    """All that a worker can cause to be said goes through here."""

    def __init__(self) -> None:
        self._complaints = Complaints(MOST)
        self._refusals = Complaints()
        self._loop = asyncio.get_running_loop()

    def warn(self, shard: str, text: str) -> bool:
        """Say it if it is not too much of that worker; return whether it was said."""
        return self._say(logging.WARNING, shard, text)

    def refuse(self, shard: str, worker: InstanceId, text: str) -> None:
        """Say once a minute of that instance why it is not wanted."""
        who, now = f"{worker.start_time} {worker.rand} {shard}", self._loop.time()
        found = self._refusals.of(who, text, now)
        if found:
            self.warn(shard, found)

    def tell(self, shard: str, text: str) -> None:
        """Say what is no reason to worry."""
        self._say(logging.INFO, shard, text)

    def _say(self, level: int, shard: str, text: str) -> bool:
        found = self._complaints.of(shard, text[:LONGEST_TEXT], self._loop.time())
        if found:
            log.log(level, "%s", found)
        return bool(found)
