"""The logs of several schedulers, merged by time."""

from collections.abc import Mapping
from dataclasses import replace

from bistro_tui.client.members import Members
from bistro_tui.client.merging import outer_task
from bistro_tui.engine.logs.places import line_id_in
from bistro_tui.engine.logs.positions import Positions, Read
from bistro_tui.engine.view import LogLine, LogPage, LogSearch, TaskId

_POSITIONS = 2_048
"""How many answers are remembered that somebody may go on from."""


class MergedLogs:
    """Reads one or all, and knows how far each was read."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._positions = Positions(_POSITIONS)
        """By what was given as ``last_id``: how far each scheduler's log was read."""

    async def read(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        if task is not None:
            label, one, inner = self._members.of_task(task)
            return _page_of(label, await one.read_log(inner, after=after, limit=limit))
        # Who was away for long goes on where the first answer that is remembered ended:
        # what lies between is passed over, and nothing is told twice.
        positions = self._positions
        before = positions.at(after) or (positions.above(after) if after else None)
        known = before or {}
        pages = await self._members.each(
            self._members.all,
            lambda label, one: one.read_log(
                None, after=known.get(label, 0), limit=limit
            ),
        )
        read = {
            label: Read([_line_of(label, line) for line in page.lines], page.last_id)
            for label, page in pages.items()
        }
        lines, last_id = positions.merged(read, before=known, after=after, limit=limit)
        return LogPage(lines=lines, last_id=last_id, unasked=_unasked(pages))

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
        more = [line_id_in(page.last_id) for page in pages.values() if page.last_id]
        kept = lines[-search.limit :] if search.backwards else lines[: search.limit]
        if len(kept) < len(lines):
            more.append(
                lines[-search.limit - 1 if search.backwards else search.limit].line_id
            )
        if not more:
            return LogPage(lines=tuple(kept), last_id=0, unasked=_unasked(pages))
        # Go on where the first of them has more, so that nothing is passed over.
        last = max(more) if search.backwards else min(more)
        kept = [
            line
            for line in kept
            if (line.line_id > last if search.backwards else line.line_id < last)
        ]
        return LogPage(lines=tuple(kept), last_id=last, unasked=_unasked(pages))


def _unasked(pages: Mapping[str, LogPage]) -> tuple[str, ...]:
    return tuple(
        f"{label}: {text}" for label, page in pages.items() for text in page.unasked
    )


def _line_of(label: str, line: LogLine) -> LogLine:
    return line._replace(task=outer_task(label, line.task))


def _page_of(label: str, page: LogPage) -> LogPage:
    return replace(page, lines=tuple(_line_of(label, line) for line in page.lines))
