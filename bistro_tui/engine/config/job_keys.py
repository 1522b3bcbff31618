"""The keys of ``bistro_job->NAME``. Pure.

Source: Bistro, config/Job.cpp, config/JobFilters.cpp.
"""

from bistro_tui.engine.config.keys import ArrayOf, Key, Kind, MapOf, Section, Words
from bistro_tui.engine.config.model import StatusFrom
from bistro_tui.engine.config.shared_keys import (
    BACKOFF,
    KILL_SUBPROCESS,
    ORPHANS,
    TASK_SUBPROCESS,
)

FILTER = Section(
    name="filter",
    keys=(
        Key(
            name="whitelist",
            type=ArrayOf(Kind.TEXT),
            default=[],
            means="Only these nodes; an empty list is no condition.",
        ),
        Key(
            name="whitelist_regex",
            type=Kind.PATTERN,
            means="Only nodes in whose name it is found, anywhere (RE2 syntax).",
        ),
        Key(
            name="blacklist",
            type=ArrayOf(Kind.TEXT),
            default=[],
            means="Not these nodes.",
        ),
        Key(
            name="blacklist_regex",
            type=Kind.PATTERN,
            means="Not the nodes in whose name it is found.",
        ),
        Key(
            name="tag_whitelist",
            type=ArrayOf(Kind.TEXT),
            default=[],
            means="Only nodes with at least one of these tags.",
        ),
        Key(
            name="fraction_of_nodes",
            type=Kind.NUMBER,
            default=1,
            means="This share of the nodes: always the same, another for each job; 0 "
            "and less, 1 and more: all of them.",
        ),
    ),
)

JOB = Section(
    name="bistro_job->NAME",
    keys=(
        Key(
            name="owner",
            type=Kind.TEXT,
            required=True,
            means="A person, to be asked about it.",
        ),
        Key(
            name="enabled",
            type=Kind.BOOL,
            default=True,
            means="`false`: no task starts, and running ones are orphans.",
        ),
        Key(
            name="command",
            type=ArrayOf(Kind.TEXT),
            default_text="`--worker-command`",
            means="The program and its arguments. `NODE STATUS_FILE JSON` follow, "
            "unless `{node}`, `{job}`, `{status_file}` or `{config}` stand in a word. "
            "A program with a `/` counts from the config's directory, on workers too.",
        ),
        Key(
            name="config",
            type=MapOf("KEY", Kind.ANY),
            default={},
            means="Passed to the task, read anew for each start.",
        ),
        Key(
            name="env",
            type=MapOf("NAME", Kind.TEXT),
            default={},
            is_ours=True,
            means="Added to the task's environment.",
        ),
        Key(
            name="status_from",
            type=Words(tuple(each.value for each in StatusFrom)),
            default="file",
            is_ours=True,
            means="What says how a task went: what it wrote to its status file, or, "
            "with nothing there, its exit code.",
        ),
        Key(
            name="timeout_sec",
            type=Kind.SECONDS,
            is_ours=True,
            default_text="none",
            means="After this long a task is killed, which counts as an error.",
        ),
        Key(
            name="priority",
            type=Kind.NUMBER,
            default=1,
            means="For the policies `ranked_priority` and `randomized_priority`.",
        ),
        Key(
            name="resources",
            type=MapOf("RESOURCE", Kind.INT),
            default_text="the `default`s",
            means="What each task takes, of resources of any level.",
        ),
        Key(
            name="depends_on",
            type=ArrayOf(Kind.TEXT),
            default=[],
            means="Jobs that must be done *on a node of the same name* first.",
        ),
        Key(
            name="filters",
            type=MapOf("LEVEL", FILTER),
            default={},
            means="Which nodes of a level are used, and with them all below them.",
        ),
        Key(
            name="level_for_tasks",
            type=Kind.TEXT,
            inherited=True,
            means="The level whose nodes are the job's tasks.",
        ),
        Key(name="backoff", type=Kind.BACKOFF, inherited=True, means=BACKOFF),
        Key(
            name="kill_orphan_tasks_after_sec",
            type=Kind.ORPHAN_DELAY,
            inherited=True,
            means=ORPHANS,
        ),
        Key(
            name="kill_subprocess",
            type=KILL_SUBPROCESS,
            inherited=True,
            means="How its tasks are ended.",
        ),
        Key(
            name="task_subprocess",
            type=TASK_SUBPROCESS,
            inherited=True,
            means="How its tasks' processes are watched.",
        ),
        Key(
            name="level_for_host_placement",
            type=Kind.TEXT,
            default_text="none",
            means="A task runs on the worker whose host has the name of its node on "
            "this level.",
        ),
        Key(
            name="host_placement",
            type=Kind.TEXT,
            default="",
            means="The host whose worker runs all tasks; wins over the key above.",
        ),
        Key(
            name="create_time",
            type=Kind.INT,
            default=0,
            means="When it was first saved, in seconds since the epoch; only shown.",
        ),
        Key(
            name="modify_time",
            type=Kind.INT,
            default=0,
            means="When it was last saved; only shown.",
        ),
        Key(
            name="version_id",
            type=Kind.INT,
            default=-1,
            means="For programs that compare before they save.",
        ),
        Key(
            name="errors",
            type=Kind.NOTHING,
            means="What was wrong with a job when a program saved it; the job stays "
            "broken until a person deletes this key.",
        ),
    ),
)
