"""The keys that the settings have and every job may override. Pure.

Source: Bistro, config/parsing_common.cpp, config/JobBackoffSettings.cpp.
"""

from bistro_tui.engine.config.keys import ArrayOf, Key, Kind, Section, Words
from bistro_tui.engine.config.model import KillMethod

CGROUPS = Section(
    name="cgroups",
    keys=(
        Key(
            name="root",
            type=Kind.TEXT,
            default="",
            has_effect=False,
            means="Where the hierarchies are.",
        ),
        Key(
            name="slice",
            type=Kind.TEXT,
            default="",
            has_effect=False,
            means="The part of each hierarchy that is used.",
        ),
        Key(
            name="subsystems",
            type=ArrayOf(Kind.TEXT),
            default=[],
            has_effect=False,
            means="Which hierarchies; a job's list replaces that of the settings.",
        ),
        Key(
            name="kill_without_freezer",
            type=Kind.BOOL,
            default=False,
            has_effect=False,
            means="Whether to kill without the freezer subsystem.",
        ),
    ),
)

TASK_SUBPROCESS = Section(
    name="task_subprocess",
    keys=(
        Key(
            name="max_log_lines_per_poll_interval",
            type=Kind.INT,
            default=0,
            is_ours=True,
            means="A task's quota of output lines per 10 ms; 0: reading pauses "
            "only while the log store is behind. Bistro's default is 50.",
        ),
        Key(
            name="poll_ms",
            type=Kind.INT,
            default=10,
            has_effect=False,
            means="How often to look for the exit of a process.",
        ),
        Key(
            name="parent_death_signal",
            type=Kind.INT,
            default=9,
            has_effect=False,
            means="The signal that a task gets when the scheduler dies.",
        ),
        Key(
            name="process_group_leader",
            type=Kind.BOOL,
            default=False,
            has_effect=False,
            means="Whether a task gets its own process group.",
        ),
        Key(
            name="use_canary_pipe",
            type=Kind.BOOL,
            default=True,
            has_effect=False,
            means="Whether a task ends only with its last descendant.",
        ),
        Key(
            name="cgroups",
            type=CGROUPS,
            has_effect=False,
            means="Bistro's control groups.",
        ),
    ),
)

KILL_SUBPROCESS = Section(
    name="kill_subprocess",
    keys=(
        Key(
            name="method",
            type=Words(tuple(method.value for method in KillMethod)),
            default="term_wait_kill",
            is_ours=True,
            means="SIGTERM alone, SIGKILL, or SIGTERM, a wait, and SIGKILL. Bistro's "
            "default is `term`.",
        ),
        Key(
            name="kill_wait_ms",
            type=Kind.INT,
            default=10_000,
            is_ours=True,
            means="The wait of `term_wait_kill`; 0 and less: none, as in Bistro by "
            "default.",
        ),
    ),
)

BACKOFF = "Seconds before each retry, increasing; ends in `repeat` or `fail`."

ORPHANS = (
    "How long a running task goes on whose job or node is gone, disabled or broken; "
    "`true` is 0, `false` and negatives are never."
)
