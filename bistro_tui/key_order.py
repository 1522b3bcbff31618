"""Keys one at a time: each finds what the one before it left behind.

Textual hands a key to whatever has the focus at that moment, but acts on most bindings
only when the key has bubbled up to the app. In a burst (fast typing, a slow line) the
letters behind a ``/`` would so reach the table, where they are commands.
"""

import asyncio
from collections import deque
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key

PATIENCE_SEC = 0.25
"""How long a key may keep the next one waiting while there is nothing else to do."""
LONGEST_SEC = 5.0
"""The same on a machine that is too busy to get anything done."""

_LOOK_SEC = 0.005
_TICK_SEC = 0.05
_LATE_SEC = 0.01
"""A timer that is called so late tells of work, which may be the key's own."""


class KeysInOrder(App[None]):
    """An app that looks at a key only when the one before it has had its effect."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(**options)
        self._waiting_keys: deque[Key] = deque()
        self._key_turn = 0
        self._is_key_begun = False
        self._patience: asyncio.TimerHandle | None = None
        """Runs while a key waits for its turn, or has not had its effect."""

    async def on_event(self, event: Event) -> None:
        """Put fresh keys into a line; everything else goes its usual way."""
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self._waiting_keys.append(event)
        if self._patience is None:
            await self._take_next_key()

    @property
    def is_between(self) -> bool:
        """Whether what a key asked for has not got the keyboard yet."""
        return not self.screen.is_mounted

    async def _take_next_key(self) -> None:
        while self._waiting_keys and self._patience is None:
            self._key_turn += 1
            self._is_key_begun = False
            loop = asyncio.get_running_loop()
            self._be_patient(self._key_turn, PATIENCE_SEC, loop.time() + LONGEST_SEC)
            await self._begin_key(self._key_turn)

    async def _begin_key(self, turn: int) -> None:
        """Hand the key on, as soon as whoever it is for has the keyboard."""
        if turn != self._key_turn or self._is_key_begun:
            return
        if self.is_between:
            asyncio.get_running_loop().call_later(
                _LOOK_SEC, self.call_later, self._begin_key, turn
            )
        else:
            await self._hand_on_key(turn)

    async def _hand_on_key(self, turn: int) -> None:
        self._is_key_begun = True
        target = self.focused or self.screen
        await super().on_event(self._waiting_keys.popleft())
        self._go_up(target, turn)

    def _go_up(self, node: DOMNode, turn: int) -> None:
        """Follow the key from queue to queue: we are always just behind it."""
        above = node.parent
        if above is None or not node.call_later(self._go_up, above, turn):
            self.call_later(self._key_is_done, turn)

    async def _key_is_done(self, turn: int) -> None:
        if turn == self._key_turn and self._patience is not None:
            self._patience.cancel()
            self._patience = None
            await self._take_next_key()

    def _be_patient(self, turn: int, left: float, until: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + _TICK_SEC

        def tick() -> None:
            now = loop.time()
            rest = left - _TICK_SEC if now < due + _LATE_SEC else left
            if rest > 0 and now < until:
                self._be_patient(turn, rest, until)
            else:
                self.call_later(self._no_more_patience, turn)

        self._patience = loop.call_at(due, tick)

    async def _no_more_patience(self, turn: int) -> None:
        if turn == self._key_turn and not self._is_key_begun:
            await self._hand_on_key(turn)
        await self._key_is_done(turn)
