"""The newest output lines in memory, so that looking at a log costs no query. Pure."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.rows import StoredLine, Written

LINES_A_TASK = 4_000
"""Of 10,000 a second, what comes between two looks of who follows them."""
BYTES_OF_TASKS = 24 * 2**20
LINES_MERGED = 5_000
BYTES_MERGED = 8 * 2**20
_OVERHEAD = 200
"""What a line costs beside its bytes, about."""
_WINDOW_OVERHEAD = 1_024
"""What the lines of a task cost beside each of them, about: most is the deque."""


@dataclass(slots=True)
class _Window:
    """The end of a sequence of lines."""

    complete_after: int
    """Every line with an id above this is here."""
    lines: deque[StoredLine] = field(default_factory=deque)
    size: int = 0

    def drop_oldest(self) -> None:
        line = self.lines.popleft()
        self.size -= len(line.line) + _OVERHEAD
        self.complete_after = line.line_id


@dataclass(frozen=True, slots=True)
class Found:
    """Lines from memory, and where memory ends."""

    lines: list[StoredLine]
    """Oldest first."""
    complete_after: int
    """Lines with ids up to this one may be missing; 0: none are."""


class RecentLines:
    """The last lines of each recent task, and the last lines of all."""

    def __init__(self, start: int) -> None:
        """``start``: the greatest id from before; what it had is not in memory."""
        self._tasks: OrderedDict[TaskId, _Window] = OrderedDict()
        self._merged = _Window(start)
        self._size = 0
        self._forgotten_up_to = start

    def add(self, written: Written) -> None:
        """Keep these lines; ids must grow."""
        first_id, task, stream, lines = written
        window = self._tasks.get(task)
        if window is None:
            window = self._tasks[task] = _Window(self._forgotten_up_to)
            self._size += _WINDOW_OVERHEAD
        else:
            self._tasks.move_to_end(task)
        before, merged = window.size, self._merged
        if len(lines) == 1:
            # Short tasks write one at a time.
            line = StoredLine(first_id, task, stream, lines[0])
            size = len(lines[0]) + _OVERHEAD
            window.lines.append(line)
            merged.lines.append(line)
        else:
            stored = [
                StoredLine(line_id, task, stream, text)
                for line_id, text in enumerate(lines, first_id)
            ]
            size = sum(map(len, lines)) + _OVERHEAD * len(lines)
            window.lines.extend(stored)
            merged.lines.extend(stored)
        window.size += size
        merged.size += size
        while len(window.lines) > LINES_A_TASK:
            window.drop_oldest()
        self._size += window.size - before
        self._shrink()

    def of_task(self, task: TaskId, after: int, limit: int) -> Found:
        """Return the newest lines of a task with an id above ``after``."""
        window = self._tasks.get(task)
        if window is None:
            return Found([], self._forgotten_up_to)
        return _newest(window, after, limit)

    def of_all(self, after: int, limit: int) -> Found:
        """Return the newest lines of all tasks with an id above ``after``."""
        return _newest(self._merged, after, limit)

    def _shrink(self) -> None:
        merged = self._merged
        while len(merged.lines) > LINES_MERGED or merged.size > BYTES_MERGED:
            merged.drop_oldest()
        while self._size > BYTES_OF_TASKS:
            # The task that has been silent for longest goes first.
            task, window = next(iter(self._tasks.items()))
            self._size -= window.size
            window.drop_oldest()
            self._size += window.size
            self._forgotten_up_to = max(self._forgotten_up_to, window.complete_after)
            if not window.lines:
                del self._tasks[task]
                self._size -= _WINDOW_OVERHEAD


def _newest(window: _Window, after: int, limit: int) -> Found:
    found: list[StoredLine] = []
    for line in reversed(window.lines):
        if line.line_id <= after or len(found) == limit:
            break
        found.append(line)
    found.reverse()
    return Found(found, window.complete_after)
