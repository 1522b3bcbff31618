"""What can be taken back, and taken back again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.present.settings import Setting, Value, in_words

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One setting that a person changed."""

    setting: Setting
    before: Value
    after: Value
    is_final: bool = False
    """Whether it cannot be taken back: it was not the same everywhere."""

    def turned_round(self) -> "Edit":
        """Return the edit that takes this one back."""
        return Edit(setting=self.setting, before=self.after, after=self.before)


Step: TypeAlias = tuple[Edit, ...]
"""What one key changed; taken back as a whole."""


class Undo:
    """The steps of this session, the newest last."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    def did(self, step: Step) -> None:
        """Take note of a new step: what was undone before cannot be done again."""
        step = tuple(edit for edit in step if not edit.is_final)
        if step:
            self._done.append(step)
            del self._done[:-_MOST]
            self._undone.clear()

    def undo(self) -> Step | None:
        """Return the edits that take the newest step back; None if there is none."""
        if not self._done:
            return None
        return tuple(edit.turned_round() for edit in reversed(self._done.pop()))

    def kept(self, refused: Step) -> None:
        """Take note of what ``undo`` returned and was not done: it stays."""
        if refused:
            self._done.append(tuple(edit.turned_round() for edit in reversed(refused)))

    def redo(self) -> Step | None:
        """Return the edits that do again what was undone last; None if none was."""
        return self._undone.pop() if self._undone else None

    def undid(self, taken_back: Step) -> None:
        """Take note of what ``undo`` returned and came to pass."""
        if taken_back:
            again = tuple(edit.turned_round() for edit in reversed(taken_back))
            self._undone.append(again)

    def redid(self, step: Step) -> None:
        """Take note of what ``redo`` returned and came to pass."""
        if step:
            self._done.append(step)

    def left(self, refused: Step) -> None:
        """Take note of what ``redo`` returned and was not done: it stays."""
        if refused:
            self._undone.append(refused)


def changed_since(step: Sequence[Edit], now: Callable[[Setting], Value | None]) -> str:
    """Return what somebody else made of it meanwhile, raw; empty: nothing."""
    for edit in step:
        value = now(edit.setting)
        if value is None:
            return f"{edit.setting} is gone"
        if value != edit.before:
            return f"{in_words(edit.setting, value)} by now"
    return ""
