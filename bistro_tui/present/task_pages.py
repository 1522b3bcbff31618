"""Pages of tasks as a person scrolls: which to ask for next, and what has come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bistro_tui.engine.view import Reason, TaskId, TaskPage, TaskRow

PAGE_ROWS: Final = 200
MOST_ROWS: Final = 10_000
"""What lies beyond is for the filter, or for another state."""
_MOST_PAGES = 300
"""Pages may be short, or empty."""


def reading_text(held: int, total: int, *, has_more: bool, is_cut: bool) -> str:
    """Return what a filter without a fitting row has to tell; empty: all was read."""
    if not (has_more or is_cut):
        return ""
    of = f"{held:,} of {total:,}" if total > held else f"{held:,}"
    if has_more:
        return f"nothing fits yet · {of} read; reading on …"
    return f"nothing of the first {of} fits · a node's name is looked for in all"


@dataclass(slots=True, kw_only=True)
class _Held:
    reason: Reason | None
    after: str | None
    rows: Sequence[TaskRow] = ()
    next: str | None = None
    came: bool = False
    asked: int = 0
    """When it was read again last, counted in questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One page to ask for."""

    place: int
    reason: Reason | None
    after: str | None
    choice: int
    """Of which choice of reasons: answers to older ones are of no use."""


@dataclass(slots=True)
class TaskPages:
    """The pages of one choice of reasons, in order, each as new as its last answer.

    Pages follow each other: each begins where the one before it ended. A task that
    moved from one page to another between their answers is shown where it came last.
    """

    rows: Sequence[TaskRow] = ()
    """All that is held, in order."""
    _reasons: tuple[Reason | None, ...] = ()
    _held: list[_Held] = field(default_factory=list)
    _choice: int = 0
    _turn: int = 0

    def choose(self, reasons: tuple[Reason | None, ...]) -> None:
        """Begin anew with tasks of these reasons; the same ones: nothing changes."""
        if reasons != self._reasons:
            self._reasons = reasons
            self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._choice += 1
        self._held = []
        self.rows = ()

    @property
    def has_more(self) -> bool:
        """Whether there are tasks that were not asked for yet."""
        return not self._is_full and self._following() is not None

    @property
    def is_cut(self) -> bool:
        """Whether there are tasks that will not be asked for."""
        return self._is_full and self._following() is not None

    @property
    def has_begun(self) -> bool:
        """Whether there was any answer."""
        return any(one.came for one in self._held)

    def more(self) -> Question | None:
        """Return what to ask for to see more; None: that is all, or enough."""
        following = None if self._is_full else self._following()
        if following is None:
            return None
        return self._question(len(self._held), *following)

    def again(self, row: int) -> Question | None:
        """Return what to ask for to see that row, by its place, as it is now."""
        if not self._held:
            return self.more()
        chosen = len(self._held) - 1
        for place, one in enumerate(self._held):
            row -= len(one.rows)
            if row < 0 or not one.came:
                chosen = place
                break
        # Tasks may have come to pages before it that were empty and so have no row.
        first = chosen
        while first and self._held[first - 1].came and not self._held[first - 1].rows:
            first -= 1
        place = min(range(first, chosen + 1), key=lambda at: self._held[at].asked)
        self._turn += 1
        one = self._held[place]
        one.asked = self._turn
        return self._question(place, one.reason, one.after)

    def take(self, question: Question, page: TaskPage) -> bool:
        """Take an answer; False if nobody waits for it any more."""
        if question.choice != self._choice or question.place > len(self._held):
            return False
        if question.place == len(self._held):
            if self._following() != (question.reason, question.after):
                return False
            self._held.append(_Held(reason=question.reason, after=question.after))
        one = self._held[question.place]
        if (one.reason, one.after) != (question.reason, question.after):
            return False
        one.rows, one.next, one.came = page.rows, page.next, True
        self._chain(question.place)
        self._join(question.place)
        return True

    @property
    def _is_full(self) -> bool:
        return len(self.rows) >= MOST_ROWS or len(self._held) >= _MOST_PAGES

    def _question(
        self, place: int, reason: Reason | None, after: str | None
    ) -> Question:
        return Question(place=place, reason=reason, after=after, choice=self._choice)

    def _following(self) -> tuple[Reason | None, str | None] | None:
        """Return where the page after the last one begins."""
        if not self._held:
            return (self._reasons[0], None) if self._reasons else None
        last = self._held[-1]
        if last.next is not None:
            return last.reason, last.next
        at = self._reasons.index(last.reason) + 1
        return (self._reasons[at], None) if at < len(self._reasons) else None

    def _chain(self, place: int) -> None:
        """Have the page after that one begin where it ended."""
        one, rest = self._held[place], self._held[place + 1 :]
        if not rest:
            return
        if one.next is not None and rest[0].reason == one.reason:
            if rest[0].after != one.next:
                rest[0].after, rest[0].came = one.next, False
        elif one.next is not None:
            # It was the last page of its reason, and now there are more tasks.
            new = _Held(reason=one.reason, after=one.next)
            self._held.insert(place + 1, new)
        else:
            kept = [other for other in rest if other.reason != one.reason]
            self._held[place + 1 :] = kept

    def _join(self, newest: int) -> None:
        fresh = {row.task for row in self._held[newest].rows}
        rows: list[TaskRow] = []
        seen: set[TaskId] = set()
        for place, one in enumerate(self._held):
            if place != newest:
                one.rows = [row for row in one.rows if row.task not in fresh]
            for row in one.rows:
                if row.task not in seen:
                    seen.add(row.task)
                    rows.append(row)
        self.rows = rows
