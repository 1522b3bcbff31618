"""How a running task is ended.

Source: Bistro, config/Config (kill_subprocess).
"""

from dataclasses import replace

from bistro_tui.engine.config.model import Config, KillMethod, KillSettings
from bistro_tui.engine.ids import TaskId


def kill_settings(
    task: TaskId, config: Config, *, stops: int = 0, at_once: bool = False
) -> KillSettings:
    """Return how to end ``task``: its job's way, the settings' if the job is gone.

    ``stops`` is how often the scheduler was asked to end. From the first time on,
    SIGTERM is followed by SIGKILL, or a task could keep us waiting for ever at our own
    end; from the second time on, SIGKILL comes at once, as it does with ``at_once``.
    """
    job = config.jobs.get(task.job)
    kill = (job if job is not None else config.settings).kill_subprocess
    if at_once or stops > 1:
        return replace(kill, method=KillMethod.KILL)
    if stops and kill.method is KillMethod.TERM:
        return replace(kill, method=KillMethod.TERM_WAIT_KILL)
    return kill
