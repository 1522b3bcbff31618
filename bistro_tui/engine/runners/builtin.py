"""The runners of this program, made as those of plug-ins are."""

from bistro_tui.engine.runners.context import RunnerContext
from bistro_tui.engine.runners.local import LocalRunner


def local(context: RunnerContext) -> LocalRunner:
    """Return the runner that runs tasks as processes of this host."""
    return LocalRunner(
        data_dir=context.data_dir,
        config_dir=context.config_dir,
        worker_command=context.worker_command,
        environment=context.environment,
        instance=context.instance,
        host=context.host,
        sink=context.sink,
        report=context.report,
        report_all=context.report_all,
        clock=context.clock,
        statuses=context.statuses,
    )
