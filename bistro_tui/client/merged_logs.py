"""The logs of several schedulers, merged by time."""

from collections import OrderedDict
from dataclasses import replace

from bistro_tui.client.members import Members
from bistro_tui.client.merging import outer_task
from bistro_tui.engine.view import LogLine, LogPage, LogSearch, TaskId

_POSITIONS = 2_048
"""How many answers are remembered that somebody may go on from."""


class MergedLogs:
    """Reads one or all, and knows how far each was read."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._last_line = 0
        self._positions: OrderedDict[int, dict[str, int]] = OrderedDict()
        """By what was given as ``last_id``: how far each scheduler's log was read."""

    async def read(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        if task is not None:
            label, one, inner = self._members.of_task(task)
            return _page_of(label, await one.read_log(inner, after=after, limit=limit))
        before = self._position(after)
        pages = await self._members.each(
            self._members.all,
            lambda label, one: one.read_log(
                None, after=before.get(label, 0), limit=limit
            ),
        )
        positions = before | {label: page.last_id for label, page in pages.items()}
        lines = sorted(
            (
                _line_of(label, line)
                for label, page in pages.items()
                for line in page.lines
            ),
            key=lambda line: line.line_id,
        )[-limit:]
        # Ids of several schedulers interleave; who goes on from here must miss none.
        numbered: list[LogLine] = []
        for line in lines:
            self._last_line = max(self._last_line + 1, line.line_id)
            numbered.append(line._replace(line_id=self._last_line))
        last = numbered[-1].line_id if numbered else after
        if numbered or after in self._positions or not after:
            self._positions[last] = positions
            self._positions.move_to_end(last)
            while len(self._positions) > _POSITIONS:
                self._positions.popitem(last=False)
        return LogPage(lines=tuple(numbered), last_id=last)

    def _position(self, after: int) -> dict[str, int]:
        """Return how far each was read by who goes on from there.

        Who was away for long goes on where the first answer that is remembered ended:
        what lies between is passed over, and nothing is told twice.
        """
        found = self._positions.get(after)
        if found is None and after:
            known = min((at for at in self._positions if at > after), default=None)
            found = self._positions[known] if known is not None else None
        return found or {}

    async def search(self, search: LogSearch) -> LogPage:
        """Return lines of the whole log, of one task or of all."""
        if search.task is not None:
            label, one, inner = self._members.of_task(search.task)
            page = await one.search_log(replace(search, task=inner))
            return _page_of(label, page)
        pages = await self._members.each(
            self._members.all, lambda _, one: one.search_log(search)
        )
        lines = sorted(
            (
                _line_of(label, line)
                for label, page in pages.items()
                for line in page.lines
            ),
            key=lambda line: line.line_id,
        )
        more = [page.last_id for page in pages.values() if page.last_id]
        kept = lines[-search.limit :] if search.backwards else lines[: search.limit]
        if len(kept) < len(lines):
            more.append(
                lines[-search.limit - 1 if search.backwards else search.limit].line_id
            )
        if not more:
            return LogPage(lines=tuple(kept), last_id=0)
        # Go on where the first of them has more, so that nothing is passed over.
        last = max(more) if search.backwards else min(more)
        kept = [
            line
            for line in kept
            if (line.line_id > last if search.backwards else line.line_id < last)
        ]
        return LogPage(lines=tuple(kept), last_id=last)


def _line_of(label: str, line: LogLine) -> LogLine:
    return line._replace(task=outer_task(label, line.task))


def _page_of(label: str, page: LogPage) -> LogPage:
    return replace(page, lines=tuple(_line_of(label, line) for line in page.lines))
