"""The lines of all tasks, wherever the runner has them run."""

from collections.abc import Iterable

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.last_words import workers_of
from bistro_tui.engine.logs.lines import Lines, StoreLines
from bistro_tui.engine.logs.merged_lines import MergedLines
from bistro_tui.engine.logs.peers import HasLogPeers
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.runners.protocol import TaskRunner
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.places import LOCAL_WORKER


def make_lines(
    runner: TaskRunner,
    writer: LogWriter,
    reader: LogReader,
    core: Core,
    *,
    clock: Clock,
    has_own_tasks: bool,
) -> Lines:
    """Return what reads them; ``has_own_tasks``: whether some run on this host."""
    own = StoreLines(writer, reader, clock=clock)
    if not isinstance(runner, HasLogPeers):
        return own

    async def workers(task: TaskId) -> Iterable[str]:
        found = await reader.run(lambda connection: workers_of(connection, task))
        running = core.attempt(task)
        return found if running is None else {*found, running.worker}

    return MergedLines(
        own,
        runner.log_peers,
        clock=clock,
        workers_of=workers,
        own_shard=LOCAL_WORKER.node,
        has_own_tasks=has_own_tasks,
    )
