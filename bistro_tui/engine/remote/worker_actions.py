"""What a worker's machine wants done, in the order given. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import UpdateStatus
from bistro_tui.engine.remote.worker_state import WorkerState


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStatus:
    """Send it, and tell ``status_answered`` with ``number`` what came of it."""

    number: int
    message: UpdateStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Die:
    """End all tasks, each with its ``suicide_kill_wait_ms``, and then the worker."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Associated:
    """The worker has met a scheduler, or another one."""

    scheduler: InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class StateIs:
    """The worker's own state is another."""

    state: WorkerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """Something that should not be, and does no harm."""

    text: str


WorkerAction: TypeAlias = SendStatus | Die | Associated | StateIs | Warn
