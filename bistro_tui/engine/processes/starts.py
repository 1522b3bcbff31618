"""What a runner on this host is asked to start, by a core or over a network."""

from typing import NamedTuple, TypeAlias

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.scheduling.actions import StartTask


class RemoteStart(NamedTuple):
    """Run one attempt that a scheduler elsewhere decided on."""

    task: TaskId
    invocation: InvocationId
    job: Job
    """As much of it as running takes. The same object for all attempts that are alike:
    what they have in common is worked out once."""
    config: str
    """The JSON that the task gets."""


AnyStart: TypeAlias = StartTask | RemoteStart
