"""Which attempts a runner need not remember: what became of them is on disk."""

import logging
from collections.abc import Callable, Sequence

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.scheduling.actions import StoreStatus

log = logging.getLogger("bistro_tui")


class Settling:
    """Tells a runner of each attempt once its last status is on disk, not before."""

    def __init__(self, tell: Callable[[Sequence[InvocationId]], None]) -> None:
        """``tell``: the runner's ``settled``."""
        self._tell_runner = tell
        self._newest: dict[InvocationId, int] = {}
        """The serial of the last status of each attempt, while it is not on disk."""

    def storing(self, stores: Sequence[StoreStatus]) -> None:
        """Take note of statuses that are being stored from now on."""
        newest = self._newest
        for _, serial, _, invocation in stores:
            if invocation is not None:
                newest[invocation] = serial

    def stored(self, batch: Sequence[StoreStatus]) -> None:
        """Take note of statuses that are on disk."""
        newest, invocations = self._newest, list[InvocationId]()
        for _, serial, _, invocation in batch:
            # A status that is replaced says nothing of the one that replaces it.
            if invocation is not None and newest.get(invocation, serial) <= serial:
                newest.pop(invocation, None)
                invocations.append(invocation)
        if invocations:
            self._tell(invocations)

    def unless_storing(self, invocation: InvocationId) -> None:
        """Take note of an attempt of which nothing more will be stored."""
        if invocation not in self._newest:
            self._tell([invocation])

    def _tell(self, invocations: Sequence[InvocationId]) -> None:
        try:
            self._tell_runner(invocations)
        except Exception:
            # What is stored has to be shown all the same.
            log.exception("the runner could not forget attempts that are stored")
