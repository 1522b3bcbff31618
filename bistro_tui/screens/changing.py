"""Changes of the config by keys: each can be taken back while nobody else came by."""

import asyncio
from collections.abc import Sequence
from functools import partial

from textual.dom import DOMNode

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Snapshot
from bistro_tui.present import words
from bistro_tui.present.settings import (
    JobPriority,
    JobSwitch,
    LevelLimit,
    Setting,
    Value,
    in_words,
    is_mixed,
)
from bistro_tui.screens.asked import Asked
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.undo import Edit, Step, Undo, changed_since
from bistro_tui.screens.work import begin

_NO_UNDO = "nothing to undo: u takes back on/off, priority and limits"
_NO_REDO = "nothing to do again: U does again what u took back"
_FINAL = "it was not the same everywhere, so u cannot take it back"

_NAMED = 6
"""So many are named in one sentence; of more, their number is said."""


class Changes:
    """Sets what keys ask for, says what came of it, and keeps what undo needs."""

    def __init__(self, stage: Stage, node: DOMNode) -> None:
        """``node`` runs the requests."""
        self._stage = stage
        self._node = node
        self._asked = Asked()
        self._undo = Undo()
        self._in_turn = asyncio.Lock()
        """Undo means the newest step: what was asked before is answered first."""
        self._wanted: dict[LevelLimit, int] = {}
        """Limits that are being moved, and where to."""

    def look(self, shown: Snapshot) -> None:
        """Take note of what a new snapshot shows."""
        self._asked.look(shown)

    def _say(self, text: str, is_error: bool = False) -> None:
        self._stage.say(text, is_error, "change")

    def value(self, setting: Setting) -> Value | None:
        """Return how it stands, with what was asked already; None: it is gone."""
        return self._asked.value(setting, self._stage.snapshot)

    def set(self, wanted: Sequence[tuple[Setting, Value]]) -> None:
        """Have these settings be so; those that are so already are left alone."""
        step = tuple(
            edit
            for setting, value in wanted
            if (edit := self._edit(setting, value)) is not None
        )
        if step:
            self._note(step)
            begin(self._node, partial(self._change, step), name="control")
        else:
            told = [in_words(setting, value) for setting, value in wanted]
            self._say(f"{_listed(told)} already")

    def _edit(self, setting: Setting, value: Value) -> Edit | None:
        """Return the edit that makes it so; None: it is gone, or is so everywhere."""
        before = self.value(setting)
        is_final = is_mixed(self._stage.snapshot, setting)
        if before is None or (before == value and not is_final):
            return None
        return Edit(setting=setting, before=before, after=value, is_final=is_final)

    def move_limit(self, limit: LevelLimit, step: int) -> None:
        """Raise or lower a limit; what is pressed meanwhile is done in one go."""
        now = self._wanted.get(limit, self.value(limit))
        if now is None:
            self._say(f"{limit} is gone", True)
            return
        is_moving = limit in self._wanted
        if now + step < 0:
            self._say(f"{in_words(limit, now)}: lower is not possible", True)
            return
        self._wanted[limit] = int(now) + step
        if not is_moving:
            begin(self._node, partial(self._move, limit, now), name="control")

    async def _move(self, limit: LevelLimit, start: Value) -> None:
        at = start
        async with self._in_turn:
            try:
                while (wanted := self._wanted[limit]) != at:
                    edit = Edit(setting=limit, before=at, after=wanted)
                    self._note((edit,))
                    _, refusal = await self._made(edit)
                    if refusal:
                        self._say(refusal, True)
                        break
                    at = wanted
            finally:
                del self._wanted[limit]
            if at != start:
                self._undo.did((Edit(setting=limit, before=start, after=at),))
                self._say(f"{in_words(limit, at)} · u undoes")

    def undo(self) -> None:
        """Take the newest step back, as soon as it is answered."""
        begin(self._node, partial(self._again, is_undo=True), name="control")

    def redo(self) -> None:
        """Do again what was undone last."""
        begin(self._node, partial(self._again, is_undo=False), name="control")

    async def _again(self, *, is_undo: bool) -> None:
        async with self._in_turn:
            step = self._undo.undo() if is_undo else self._undo.redo()
            if step is None:
                self._say(_NO_UNDO if is_undo else _NO_REDO)
                return
            meanwhile = changed_since(step, self.value)
            if meanwhile:
                said = "not undone" if is_undo else "not done again"
                self._say(f"{said}: {meanwhile}", True)
                return
            self._note(step)
            await self._turn(step, is_undo=is_undo)

    async def _turn(self, step: Step, *, is_undo: bool) -> None:
        made, _ = await self._all(step)
        refused = tuple(edit for edit in step if edit not in made)
        if is_undo:
            self._undo.undid(made)
            self._undo.kept(refused)
        else:
            self._undo.redid(made)
            self._undo.left(refused)
        if made:
            so = _listed([in_words(edit.setting, edit.after) for edit in made])
            if is_undo:
                self._say(f"undone: {so} again · U does it again")
            else:
                self._say(f"done again: {so} · u undoes")

    async def _change(self, step: Step) -> None:
        try:
            await self._in_turn.acquire()
        except asyncio.CancelledError:
            self._give_up(step)
            raise
        try:
            made, told = await self._all(step)
            self._undo.did(made)
        finally:
            self._in_turn.release()
        if made:
            is_final = all(edit.is_final for edit in made)
            undoes = _FINAL if is_final else "u undoes"
            self._say(f"{_told(made, told)} · {undoes}")

    def _note(self, step: Step) -> None:
        for edit in step:
            self._asked.ask(edit.setting, edit.after)

    async def _all(self, step: Step) -> tuple[Step, list[str]]:
        """Make the edits one by one; return those that were made, and the answers.

        What was refused is said in one go.
        """
        made: list[Edit] = []
        told: list[str] = []
        refusals: list[str] = []
        waiting = list(step)
        try:
            while waiting:
                edit = waiting.pop(0)
                answer, refusal = await self._made(edit)
                if refusal:
                    refusals.append(refusal)
                else:
                    made.append(edit)
                    told.append(answer)
        finally:
            self._give_up(waiting)
        if refusals:
            self._say(refused_text(refusals), True)
        return tuple(made), told

    def _give_up(self, edits: Sequence[Edit]) -> None:
        """Forget what was to be asked: it would be waited for for ever."""
        for edit in edits:
            self._asked.refused(edit.setting, edit.after)

    async def _made(self, edit: Edit) -> tuple[str, str]:
        """Make one edit; return the answer, or nothing and why it was refused."""
        try:
            answer = await self._request(edit.setting, edit.after)
        except ControlRefused as refused:
            self._asked.refused(edit.setting, edit.after)
            return "", str(refused) or "refused"
        except BaseException:
            # Also when it was given up: what was asked would be waited for for ever.
            self._asked.refused(edit.setting, edit.after)
            raise
        self._asked.agreed(edit.setting, edit.after, self._stage.snapshot)
        return answer, ""

    async def _request(self, setting: Setting, value: Value) -> str:
        control = self._stage.control
        match setting:
            case JobSwitch():
                return await control.set_job_enabled(setting.job, bool(value))
            case JobPriority():
                return await control.set_job_priority(setting.job, float(value))
            case LevelLimit():
                return await control.set_limit(
                    setting.level, setting.resource, int(value)
                )


def refused_text(refusals: Sequence[str]) -> str:
    """Return the first refusal in full, and how many more there were."""
    rest = len(refusals) - 1
    return refusals[0] + (f" · and {words.count(rest)} more refused" if rest else "")


def _told(made: Step, answers: Sequence[str]) -> str:
    if len(answers) == 1:
        return answers[0]
    return _listed([in_words(edit.setting, edit.after) for edit in made])


def _listed(sentences: Sequence[str]) -> str:
    named = ", ".join(sentences[:_NAMED])
    rest = len(sentences) - _NAMED
    return f"{named} and {words.count(rest)} more" if rest > 0 else named
