"""The ``plan`` command: what would run, what would not, and why; starts no task."""

import json
import math
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.complete import complete_configs
from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.talk import print_data, say

if TYPE_CHECKING:
    from bistro_tui.engine.plan import Plan

_SHARED_FLAGS = (
    "config-loader",
    "status-store",
    "runner",
    "data-dir",
    "status-table",
    "clean-statuses",
    "worker-command",
    "dry-run",
    "benchmark-run",
    "instance-node-name",
    "nvidia-smi",
    "physical-resources-subprocess-timeout-ms",
)
"""Flags of ``run`` that make a difference to what would run."""


def _plan(config: str, now: float | None, as_json: bool, **values: Any) -> int:  # noqa: ANN401 - click's call
    # Imported late: --help must not wait for the engine.
    from bistro_tui.cli.planning import Terminated, plan_config
    from bistro_tui.engine.errors import BistroError, DataDirUnusable
    from bistro_tui.engine.plan import Plan

    if now is not None and not math.isfinite(now):
        raise click.BadParameter("must be a number of seconds", param_hint="--now")
    try:
        plan = plan_config(config, values, now=now)
    except Terminated:
        return exit_codes.TERMINATED
    except DataDirUnusable as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_UNUSABLE
    except BistroError as error:
        say(f"bistro-tui: {error}")
        if as_json:
            print_data(json.dumps(Plan(errors=(str(error),)).as_json()))
        return exit_codes.USAGE
    if as_json:
        print_data(json.dumps(plan.as_json()))
    else:
        # Imported late: nobody else on the command line needs tables.
        from bistro_tui.cli.plan_tables import plan_text

        print_data(plan_text(plan))
    return _conclude(plan)


def _conclude(plan: "Plan") -> int:
    for error in plan.errors:
        say(f"error: {error}")
    if plan.is_refused:
        return exit_codes.USAGE
    return exit_codes.NOT_DONE if plan.errors else exit_codes.OK


plan_command = click.Command(
    name="plan",
    callback=_plan,
    params=[
        click.Argument(
            ["config"],
            type=str,
            metavar="CONFIG",
            shell_complete=complete_configs,
        ),
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
        click.Option(
            ["--now"],
            type=float,
            default=None,
            metavar="EPOCH",
            help="The time to plan for, in seconds since 1970.  [default: now]",
        ),
        *(flag.option() for flag in all_flags() if flag.name in _SHARED_FLAGS),
    ],
    help="Show what would run with CONFIG, what is blocked, and why.\n\n"
    "Starts no task and writes nothing; node scripts do run. Every task is judged as"
    " before the first start. What is stored counts when --data-dir names it, also"
    " while a scheduler runs there. Exit code 0, 1 if a job or a node source has"
    " errors, or 2 if CONFIG cannot be used.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
