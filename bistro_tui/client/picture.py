"""The newest picture of one scheduler, as events and the want of them make it."""

import json
from dataclasses import replace

from bistro_tui.client.event_stream import ServerEvent
from bistro_tui.engine.view import Banner, Snapshot
from bistro_tui.engine.wire.snapshots import apply_change, decode_snapshot
from bistro_tui.engine.wire.values import NotUnderstood

UNREACHABLE = "unreachable"
"""The word of a state that nobody knows any more."""


class Picture:
    """What is known, and what is shown of it. Used on one thread."""

    def __init__(self) -> None:
        self._known: Snapshot | None = None
        self.last_id = ""
        """Of the event that led to what is known; empty: begin anew."""

    @property
    def has_stopped(self) -> bool:
        """Whether the last that was heard is that the scheduler has stopped."""
        return self._known is not None and self._known.state.word == "stopped"

    def take(self, event: ServerEvent) -> Snapshot | None:
        """Return the picture after an event, None if it is of another kind.

        Raises NotUnderstood; then the next event has to be a whole picture.
        """
        try:
            if event.name == "snapshot":
                self._known = decode_snapshot(_parsed(event.data))
            elif event.name == "change" and self._known is not None:
                self._known = apply_change(self._known, _parsed(event.data))
            else:
                return None
        except NotUnderstood:
            self.last_id = ""
            raise
        self.last_id = event.event_id
        return self._known

    def without_answer(self, why: str) -> Snapshot | None:
        """Return the last picture, with the word that it may be true no more.

        None if nothing was ever known.
        """
        known = self._known
        if known is None:
            return None
        if self.has_stopped:
            text = "the scheduler has stopped; waiting for it to start again"
            banner = Banner(topic="connection", text=text, is_error=False)
            return replace(known, banners=(*known.banners, banner))
        banner = Banner(topic="connection", text=f"{why}; trying again")
        state = replace(
            known.state,
            word=UNREACHABLE,
            text="no answer; what is shown was true before",
            all_done=False,
            is_stuck=False,
        )
        return replace(known, state=state, banners=(banner, *known.banners))


def _parsed(data: bytes) -> object:
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError):
        raise NotUnderstood("an event of the scheduler is no JSON") from None
    return found
