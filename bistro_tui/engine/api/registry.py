"""All handlers by name."""

from collections.abc import Mapping

from bistro_tui.engine.api.changing import CHANGING
from bistro_tui.engine.api.failures import FAILURES
from bistro_tui.engine.api.handler import Handler
from bistro_tui.engine.api.histogram import HISTOGRAM
from bistro_tui.engine.api.inquiries import INQUIRIES
from bistro_tui.engine.api.job_object import JOBS
from bistro_tui.engine.api.names import NAMES
from bistro_tui.engine.api.node_object import NODES
from bistro_tui.engine.api.notices import NOTICES
from bistro_tui.engine.api.past import PAST
from bistro_tui.engine.api.progress import PROGRESS
from bistro_tui.engine.api.reading import READING
from bistro_tui.engine.api.running import RUNNING
from bistro_tui.engine.api.status_handlers import STATUS_HANDLERS
from bistro_tui.engine.api.tails import TAILS
from bistro_tui.engine.api.task_logs import TASK_LOGS
from bistro_tui.engine.api.task_rows import TASK_ROWS

HANDLERS: Mapping[str, Handler] = {
    handler.name: handler
    for handler in (
        *READING,
        *CHANGING,
        *JOBS,
        *NODES,
        *RUNNING,
        *TASK_LOGS,
        *HISTOGRAM,
        *TASK_ROWS,
        *INQUIRIES,
        *STATUS_HANDLERS,
        *PROGRESS,
        *NAMES,
        *PAST,
        *FAILURES,
        *NOTICES,
        *TAILS,
    )
}
