"""The handlers ``running_tasks`` and ``job_node_runtime``.

Source: Bistro, server/HTTPMonitor; ``pid`` and ``invocation`` are ours.
"""

from collections.abc import AsyncIterator, Iterator

from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.api.inputs import names_of
from bistro_tui.engine.api.schemas import NAMES, by_name, closed
from bistro_tui.engine.api.turns import Turns
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.view import RunningRow


async def _running_tasks(desk: Desk, query: Query) -> Json:
    found: dict[str, dict[str, Json]] = {}
    async for row in _rows(desk, query):
        found.setdefault(row.task.job, {})[row.task.node] = {
            "start_time": int(row.since),
            "worker_shard": row.worker,
            "pid": row.pid,
            "invocation": row.invocation,
        }
    return found


async def _job_node_runtime(desk: Desk, query: Query) -> Json:
    found: dict[str, dict[str, Json]] = {}
    now = int(desk.clock.now().wall)
    async for row in _rows(desk, query):
        runtime = max(0, now - int(row.since))
        found.setdefault(row.task.job, {})[row.task.node] = runtime
    return found


async def _rows(desk: Desk, query: Query) -> AsyncIterator[RunningRow]:
    """Yield what runs of the jobs asked for, whether the config has them or not."""
    turns = Turns()
    for row in _matching(desk, frozenset(names_of(query, "jobs"))):
        yield row
        await turns.rest()


def _matching(desk: Desk, jobs: frozenset[str]) -> Iterator[RunningRow]:
    return (row for row in desk.running() if not jobs or row.task.job in jobs)


_RUNNING = closed(
    {
        "start_time": {"type": "integer"},
        "worker_shard": {"type": "string"},
        "pid": {
            "description": "Of its main process; null where there is none.",
            "type": ["integer", "null"],
        },
        "invocation": {
            "description": "What the task finds in BISTRO_INVOCATION.",
            "type": "string",
        },
    }
)

RUNNING = (
    Handler(
        name="running_tasks",
        answer=_running_tasks,
        about="The tasks that run, by job and node; also of jobs that are no more in"
        " the config.",
        takes={"jobs": NAMES},
        gives=by_name(by_name(_RUNNING)),
    ),
    Handler(
        name="job_node_runtime",
        answer=_job_node_runtime,
        about="For how many seconds each running task runs. Deprecated: running_tasks"
        " tells more.",
        takes={"jobs": NAMES},
        gives=by_name(by_name({"type": "integer", "minimum": 0})),
    ),
)
