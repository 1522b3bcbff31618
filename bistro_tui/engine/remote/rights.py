"""Who may ask what, and what answers it. Pure."""

from bistro_tui.engine.remote.messages import (
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    LogLines,
    LogTail,
    NotifyIfNotRunning,
    QueryLogs,
    ReadLog,
    RequestSuicide,
    RunningTasks,
    RunTask,
    UpdateStatus,
)

ANSWERS: dict[type, type] = {
    Heartbeat: HeartbeatReply,
    UpdateStatus: Done,
    RunTask: Done,
    GetRunningTasks: RunningTasks,
    NotifyIfNotRunning: Done,
    RequestSuicide: Done,
    KillTask: Done,
    QueryLogs: LogLines,
    ReadLog: LogTail,
}
"""The one reply to each request."""
ASKED_BY_WORKERS: frozenset[type] = frozenset({Heartbeat, UpdateStatus})
"""What a scheduler lets itself be asked."""
ASKED_BY_SCHEDULERS: frozenset[type] = frozenset(ANSWERS) - ASKED_BY_WORKERS
"""What a worker lets itself be asked."""
