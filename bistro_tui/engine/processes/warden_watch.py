"""Notices wardens that do not go on, and what is done about them."""

import logging
from collections.abc import Sequence

from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.warden.tree import look
from bistro_tui.engine.warden.wire import Settled

log = logging.getLogger("bistro_tui")

WATCH_SEC = 1.0
SILENT_LOOKS = 3
"""One that has read and said nothing in so many looks is given no more attempts."""
LOST_LOOKS = 60
"""One that still has not is replaced.

Looks are counted, not seconds: nobody answers while the whole host or its control group
stands still, and we do not look then either.
"""


class WardenWatch:
    """Looks at wardens every WATCH_SEC."""

    def __init__(self) -> None:
        self._silent: dict[WardenLink, int] = {}
        """For how many looks it has owed us to read what it was sent."""
        self._aside: set[WardenLink] = set()

    @property
    def are_silent(self) -> bool:
        """Whether some are given nothing, since they do not answer."""
        return bool(self._aside)

    def look(self, links: Sequence[WardenLink]) -> bool:
        """Wake, set aside or give up who does not go on; whether there was a change."""
        before = frozenset(self._aside)
        for gone in self._silent.keys() - links:
            del self._silent[gone]
        self._aside.intersection_update(links)
        for link in links:
            self._look_at(link)
        return before != self._aside

    def _look_at(self, link: WardenLink) -> None:
        has_spoken, link.has_spoken = link.has_spoken, False
        if has_spoken or not link.is_behind():
            self._silent.pop(link, None)
            if link in self._aside:
                self._answers(link)
            elif link.under_way and not has_spoken:
                # Means nothing, but whoever does not read it does not go on.
                link.send_soon(Settled(()))
            return
        self._silent[link] = looks = self._silent.get(link, 0) + 1
        if _is_stopped(link):
            if link not in self._aside:
                self._set_aside(link, "was stopped; it is woken up")
            link.wake()
        elif looks == SILENT_LOOKS:
            self._set_aside(link, "does not answer; no task starts with it")
        if looks == LOST_LOOKS:
            log.error(
                "warden %d has not answered for a long time and is killed",
                link.process.pid,
            )
            link.process.kill()
        elif looks > LOST_LOOKS:
            # Killed, and still it holds its end of the connection.
            link.lose()

    def _set_aside(self, link: WardenLink, text: str) -> None:
        log.warning("warden %d %s", link.process.pid, text)
        self._aside.add(link)
        link.set_aside()

    def _answers(self, link: WardenLink) -> None:
        log.info("warden %d answers again", link.process.pid)
        self._aside.discard(link)
        link.take_back()


def _is_stopped(link: WardenLink) -> bool:
    found = look(link.process.pid)
    return found is not None and found.state == "T"
