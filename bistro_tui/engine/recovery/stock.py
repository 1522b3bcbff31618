"""All attempts that were left, each once, until they are settled."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.recovery.journals import LeftJournal
from bistro_tui.engine.recovery.judging import newest_of_each_task
from bistro_tui.engine.recovery.records import LeftAttempt, left_attempt
from bistro_tui.engine.recovery.texts import counted
from bistro_tui.engine.warden.program import boot_id


class Entry(NamedTuple):
    """An attempt that is not proven dead, or whose status is not stored."""

    left: LeftAttempt
    journal: LeftJournal
    is_newest: bool
    """Whether none of its task at its place is later: the status of every other one is
    stored."""

    group: bytes
    """The control group that its warden may have made for it; empty: there is none."""


class Stock:
    """What journals say to which nothing is added any more."""

    def __init__(self, journals: Iterable[LeftJournal]) -> None:
        """Read them; OSError if that fails."""
        self.damage: dict[LeftJournal, str] = {}
        """What could not be understood of a journal."""
        found: dict[tuple[TaskId, InvocationId], tuple[LeftAttempt, LeftJournal]] = {}
        for journal in journals:
            if journal.is_gone or journal.is_stored:
                continue
            troubles: list[str] = []
            for left in attempts_of(journal, troubles):
                found[left.task, left.invocation] = left, journal
            if troubles:
                self.damage[journal] = troubles[0]
        places = {left.place for left, _ in found.values()}
        newest = {
            (left.task, left.invocation)
            for place in places
            for left in newest_of_each_task(
                one for one, _ in found.values() if one.place == place
            )
        }
        groups = {journal: group_of(journal) for _, journal in found.values()}
        self._entries: dict[tuple[TaskId, InvocationId], Entry] = {}
        for key, (left, journal) in found.items():
            above = groups[journal]
            group = above + b"/%d" % left.number if above else b""
            self._entries[key] = Entry(left, journal, key in newest, group)

    def __bool__(self) -> bool:
        """Return whether anything is left to be settled."""
        return bool(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries.values()))

    def of(self, journals: Iterable[LeftJournal]) -> list[Entry]:
        """Return those that stand in one of these journals."""
        wanted = set(journals)
        return [entry for entry in self._entries.values() if entry.journal in wanted]

    def settle(self, entries: Iterable[Entry]) -> None:
        """Forget these: they are dead, and what they left is stored."""
        for entry in entries:
            self._entries.pop((entry.left.task, entry.left.invocation), None)


def group_of(journal: LeftJournal) -> bytes:
    """Return the control group of all of its attempts, if there may still be one."""
    if journal.is_gone:
        return b""
    content = journal.read()
    return content.cgroup if content.boot_id == boot_id() else b""


def attempts_of(journal: LeftJournal, troubles: list[str]) -> Iterator[LeftAttempt]:
    """Return what is unsettled in ``journal``; add to ``troubles`` what is damaged."""
    content = journal.read()
    if content.damaged:
        troubles.append(f"{counted(content.damaged, 'line')} not understood")
    for entry in content.unsettled:
        try:
            yield left_attempt(entry, content.boot_id)
        except ValueError as error:
            troubles.append(f"its attempt {entry.number} is not understood: {error}")
