"""Keys one at a time: each finds what the one before it left behind.

Textual hands a key to whatever has the focus at that moment, but acts on most bindings
only when the key has bubbled up to the app. In a burst (fast typing, a slow line) the
letters behind a ``/`` would so reach the table, where they are commands.
"""

import asyncio
from collections import deque

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key

PATIENCE_SEC = 0.25
"""How long a key may keep the next one waiting, whatever becomes of it."""

_LOOK_SEC = 0.005


class KeysInOrder(App[None]):
    """An app that looks at a key only when the one before it has had its effect."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._waiting_keys: deque[Key] = deque()
        self._key_turn = 0
        self._key_timer: asyncio.TimerHandle | None = None

    async def on_event(self, event: Event) -> None:
        """Put fresh keys into a line; everything else goes its usual way."""
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self._waiting_keys.append(event)
        if self._key_timer is None:
            await self._take_next_key()

    async def _take_next_key(self) -> None:
        while self._waiting_keys and self._key_timer is None:
            self._key_turn += 1
            self._key_timer = asyncio.get_running_loop().call_later(
                PATIENCE_SEC, self.call_later, self._no_more_patience, self._key_turn
            )
            target = self.focused or self.screen
            await super().on_event(self._waiting_keys.popleft())
            self._go_up(target, self._key_turn)

    def _go_up(self, node: DOMNode, turn: int) -> None:
        """Follow the key from queue to queue: we are always just behind it."""
        above = node.parent
        if above is None or not node.call_later(self._go_up, above, turn):
            self.call_later(self._key_is_done, turn)

    @property
    def is_between(self) -> bool:
        """Whether what a key asked for has not got the keyboard yet."""
        return not self.screen.is_mounted

    async def _key_is_done(self, turn: int) -> None:
        if turn != self._key_turn or self._key_timer is None:
            return
        if self._waiting_keys and self.is_between:
            asyncio.get_running_loop().call_later(
                _LOOK_SEC, self.call_later, self._key_is_done, turn
            )
        else:
            await self._no_more_patience(turn)

    async def _no_more_patience(self, turn: int) -> None:
        if turn == self._key_turn and self._key_timer is not None:
            self._key_timer.cancel()
            self._key_timer = None
            await self._take_next_key()
