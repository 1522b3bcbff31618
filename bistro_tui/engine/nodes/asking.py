"""Asking one source that has to look outside: a script, or a plug-in.

A question never fails: an answer says what went wrong and holds the last good nodes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from bistro_tui.engine.config.model import ScriptPrefs
from bistro_tui.engine.errors import BistroError
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.installed import PluginError
from bistro_tui.engine.nodes.answers import (
    Answer,
    ChildrenAnswer,
    FoundAnswer,
)
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.source import FoundNodes, Surroundings


class Question(Protocol):
    """What one source could be asked now."""

    @property
    def is_open(self) -> bool:
        """Whether the last answer leaves something to ask."""
        ...

    async def ask(self, *, anew: bool) -> Answer:
        """Return the answer; ``anew`` also to what was answered already."""
        ...


class ScriptQuestion:
    """Asks a script for the children of each parent."""

    def __init__(
        self,
        prefs: ScriptPrefs,
        parents: Sequence[NodeName],
        last: Answer | None,
        run: Callable[
            [Sequence[NodeName]], Awaitable[Mapping[NodeName, Sequence[NodeName]]]
        ],
    ) -> None:
        """Take the parents that are there, the last answer, and what runs it."""
        self._run = run
        self._parents = list(dict.fromkeys(parents))  # replicas have one answer
        if isinstance(last, ChildrenAnswer):
            self._has_answered, self._last = True, last
        else:
            self._has_answered = False
            self._last = ChildrenAnswer(parent_level=prefs.parent_level)

    @property
    def is_open(self) -> bool:
        """Whether there are parents that it was not asked for."""
        known = self._last.children
        return not self._has_answered or not known.keys() >= set(self._parents)

    async def ask(self, *, anew: bool) -> ChildrenAnswer:
        """Run the script for all parents, or for those that are new."""
        known = self._last.children
        wanted = self._parents if anew else [p for p in self._parents if p not in known]
        was_good, error = True, "" if anew else self._last.error
        try:
            found = await self._run(wanted)
        except NodeSourceError as failure:
            was_good = self._last.was_good
            error = _told(failure, was_good)
            found = {parent: known.get(parent, ()) for parent in wanted}
        return ChildrenAnswer(
            parent_level=self._last.parent_level,
            children=found if anew else {**known, **found},
            was_good=was_good,
            error=error,
        )


class PluginQuestion:
    """Asks a plug-in for its nodes."""

    def __init__(
        self,
        around: Surroundings,
        last: Answer | None,
        fetch: Callable[[Surroundings], Awaitable[FoundNodes]],
    ) -> None:
        """Take what it may look at, and what asks it, which may raise PluginError."""
        self._around, self._fetch = around, fetch
        self._has_answered = isinstance(last, FoundAnswer)
        self._last = last if isinstance(last, FoundAnswer) else FoundAnswer()

    @property
    def is_open(self) -> bool:
        """Whether its nodes are out of date, by what it said itself."""
        changes_at = self._last.found.changes_at
        is_due = changes_at is not None and changes_at <= self._around.now
        # After a failure it is asked again when all others are.
        return not self._has_answered or (is_due and not self._last.error)

    async def ask(self, *, anew: bool) -> FoundAnswer:
        """Have the plug-in look."""
        try:
            found = await self._fetch(self._around)
        except PluginError as error:
            was_good = self._last.was_good
            last = self._last.found
            return FoundAnswer(
                found=last, was_good=was_good, error=_told(error, was_good)
            )
        if found.changes_at is not None:
            # Not asked more than once a second, whatever it says.
            changes_at = max(found.changes_at, self._around.now + 1)
            found = replace(found, changes_at=changes_at)
        return FoundAnswer(found=found, was_good=True)


def _told(error: BistroError, was_good: bool) -> str:
    return f"{error}; " + (
        "its last good nodes stay" if was_good else "it has no nodes yet"
    )
