"""One task, a start of it, and what was found to run of it."""

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    InvocationId,
    JobName,
    NodeName,
    TaskId,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.events import AdoptedAttempt
from tests.engine.processes import builders

ETL = TaskId(JobName("etl"), NodeName("n"))

AN_ADOPTED = AdoptedAttempt(
    task=ETL,
    invocation=InvocationId(900, 1),
    worker=NodeName("w1"),
    since=900.0,
    needs={},
    path=((INSTANCE_LEVEL, ETL.node),),
    next_backoff=BackoffDuration(15, no_more=False),
)


def a_start(number: int = 1) -> StartTask:
    start = builders.a_start(node=ETL.node)
    return start._replace(task=ETL, invocation=InvocationId(1000, number))
