"""Lines and tasks to log."""

from collections.abc import Iterable
from dataclasses import dataclass

from bistro_tui.engine.clock import Now
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.rows import StoredLine, Written
from bistro_tui.engine.logs.sink import Stream

SECOND = 1_700_000_000
LAST_ID = 2**63 - 1


@dataclass
class ManualClock:
    wall: float = float(SECOND)

    def now(self) -> Now:
        return Now(wall=self.wall, mono=self.wall)


def task(node: str = "db7", job: str = "etl") -> TaskId:
    return TaskId(JobName(job), NodeName(node))


def line(
    line_id: int,
    text: bytes = b"hello\n",
    *,
    of: TaskId | None = None,
    stream: Stream = Stream.STDOUT,
) -> StoredLine:
    return StoredLine(line_id, of or task(), stream, text)


def written(line: StoredLine) -> Written:
    """Return the line as it is handed to a store."""
    return Written(line.line_id, line.task, line.stream, (line.line,))


def all_written(lines: Iterable[StoredLine]) -> list[Written]:
    return [written(one) for one in lines]
