"""Sentences at the edge of the screen: few at a time, never over a dialog."""

from typing import Any

from textual.app import App
from textual.notifications import Notification, Notify
from textual.screen import ModalScreen

from bistro_tui.present.clean import clean_lines
from bistro_tui.present.toasts import Toast, kept_toasts, most_toasts, toast_seconds

_CHARS = 240


class Toasts:
    """What is said in one app."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._said: list[tuple[Toast, Notification]] = []

    def say(self, text: str, *, is_error: bool, about: str) -> None:
        """Show a sentence for some seconds; foreign text in it is made safe here."""
        if len(text) > _CHARS:
            text = text[: _CHARS - 1] + "…"
        # A tab is not for columns here: it is part of somebody's name.
        shown = "\n".join(clean_lines(text.replace("\t", "␉")))
        new = Toast(text=shown, is_error=is_error, about=about)
        there = [toast for toast, note in self._said if not note.has_expired]
        kept = kept_toasts(there, new, self._most())
        for toast, note in self._said:
            if not any(toast is one for one in kept):
                # It may not have got its turn to be shown yet.
                note.timeout = 0
                self._app._unnotify(note, refresh=False)
        self._said = [
            one for one in self._said if any(one[0] is toast for toast in kept)
        ]
        note = Notification(
            shown,
            severity="error" if is_error else "information",
            timeout=toast_seconds(new, len(kept)),
            markup=False,
        )
        self._said.append((new, note))
        self._app.post_message(Notify(note))

    def _most(self) -> int:
        # There is one free line beside a dialog.
        stack = self._app.screen_stack if self._app.is_running else []
        if stack and isinstance(stack[-1], ModalScreen):
            return 1
        return most_toasts(self._app.size.height)
