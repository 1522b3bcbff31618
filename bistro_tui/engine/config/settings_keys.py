"""The keys of ``bistro_settings``. Pure.

Source: Bistro, config/Config.cpp.
"""

from bistro_tui.engine.config.keys import ArrayOf, Key, Kind, MapOf, Section, Words
from bistro_tui.engine.config.model import NodeOrder, PolicyName
from bistro_tui.engine.config.shared_keys import (
    BACKOFF,
    KILL_SUBPROCESS,
    ORPHANS,
    TASK_SUBPROCESS,
)
from bistro_tui.engine.config.source_keys import NODE_SOURCE, SOURCES

RESOURCE = Section(
    name="resource",
    keys=(
        Key(
            name="limit",
            type=Kind.INT,
            required=True,
            means="How much each node of the level has; the same for all of them.",
        ),
        Key(
            name="default",
            type=Kind.INT,
            required=True,
            means="How much a task takes unless its job says otherwise.",
        ),
        Key(
            name="weight",
            type=Kind.COUNT,
            default=0,
            means="How much what is left of it counts when the busiest worker is "
            "looked for; only of the level `worker`.",
        ),
    ),
)

PHYSICAL_RESOURCE = Section(
    name="physical_resource",
    keys=(
        Key(
            name="logical_resource",
            type=Kind.TEXT,
            required=True,
            means="The resource of the level `worker` that it becomes; each only once.",
        ),
        Key(
            name="multiply_logical_by",
            type=Kind.NUMBER,
            default=1,
            means="How much of the physical one is one of the logical; not 0.",
        ),
        Key(
            name="enforcement",
            type=Words(("none", "hard", "soft")),
            default="none",
            means="`hard`, only for `ram_mb`: a task's cgroup has no more than the "
            "task takes. `soft`, only for `cpu_core`: its `cpu.weight` is 100 for each "
            "core.",
        ),
        Key(
            name="physical_reserve_amount",
            type=Kind.NUMBER,
            default=0,
            means="How much of it is left to others.",
        ),
    ),
)

NODES = Section(
    name="nodes",
    keys=(
        Key(
            name="levels",
            type=ArrayOf(Kind.TEXT),
            required=True,
            means="Names of the levels below the instance, from the top; `worker` is "
            "always there.",
        ),
        Key(
            name="node_order",
            type=Words(tuple(order.value for order in NodeOrder)),
            default="random",
            means="In which order a job goes through its nodes; whichever it is, they "
            "are taken from its end.",
        ),
        Key(
            name="node_sources",
            type=ArrayOf(NODE_SOURCE),
            default_text="only the instance node",
            means="Where nodes come from; each source adds its own in turn.",
        ),
        Key(
            name="node_source",
            type=SOURCES,
            means="The older way to name a single source.",
        ),
        Key(
            name="node_source_prefs",
            type=MapOf("PREF", Kind.ANY),
            default={},
            means="The prefs of `node_source`.",
        ),
    ),
)

SETTINGS = Section(
    name="bistro_settings",
    keys=(
        Key(
            name="enabled",
            type=Kind.BOOL,
            default=False,
            means="The master switch: without it nothing is started.",
        ),
        Key(
            name="nodes",
            type=NODES,
            required=True,
            means="The levels of the node tree, and where the nodes come from.",
        ),
        Key(
            name="resources",
            type=MapOf("LEVEL", MapOf("RESOURCE", RESOURCE)),
            required=True,
            means="What each node of a level has, and what a task takes of it on every "
            "node of its path; the level `worker` is whoever runs it: this host, or "
            "one of several workers.",
        ),
        Key(
            name="scheduler",
            type=Words(tuple(policy.value for policy in PolicyName)),
            default="roundrobin",
            means="Which job is next when several could start a task.",
        ),
        Key(
            name="backoff",
            type=Kind.BACKOFF,
            default=[15, 30, 60, 300, 900, 3600, 7200, 21600, 86400, "repeat"],
            means=BACKOFF,
        ),
        Key(
            name="level_for_tasks",
            type=Kind.TEXT,
            default_text="the lowest level",
            means="The level whose nodes are a job's tasks.",
        ),
        Key(
            name="kill_orphan_tasks_after_sec",
            type=Kind.ORPHAN_DELAY,
            default=False,
            means=ORPHANS,
        ),
        Key(
            name="kill_subprocess",
            type=KILL_SUBPROCESS,
            means="How a task is ended.",
        ),
        Key(
            name="task_subprocess",
            type=TASK_SUBPROCESS,
            means="How a task's process is watched.",
        ),
        Key(
            name="on_bad_config",
            type=Words(("pause", "keep")),
            default="pause",
            is_ours=True,
            means="What happens while a later version of this file is bad: nothing new "
            "starts, or tasks go on by the last good one.",
        ),
        Key(
            name="worker_resources_override",
            type=MapOf("WORKER", MapOf("RESOURCE", Kind.INT)),
            default={},
            means="Other limits for one worker, by `hostname:port`, `hostname` or "
            "shard: the first of these that is there, alone. A scheduler "
            "that runs tasks itself is the worker `local`, with its own host's name.",
        ),
        Key(
            name="physical_resources",
            type=MapOf(
                "PHYSICAL", PHYSICAL_RESOURCE, ("ram_mb", "cpu_core", "gpu_card")
            ),
            default={},
            means="What is measured of a worker's host and becomes a limit of the "
            "level `worker`.",
        ),
        Key(
            name="remote_worker_selector",
            type=Words(("roundrobin", "busiest")),
            default="roundrobin",
            means="Which of several workers gets the next task: each in turn, or the "
            "one that has the least left.",
        ),
        Key(
            name="working_wait",
            type=Kind.NUMBER,
            default=0.5,
            has_effect=False,
            means="Bistro's wait after a pass while tasks run; here an event is acted "
            "upon at once.",
        ),
        Key(
            name="idle_wait",
            type=Kind.NUMBER,
            default=5,
            has_effect=False,
            means="Bistro's wait after a pass while none runs.",
        ),
        Key(
            name="CAUTION_exit_initial_wait_before_timestamp",
            type=Kind.INT,
            default=0,
            means="Before this time, in seconds since the epoch, a scheduler of remote "
            "workers does not wait for those it does not know yet. Tasks that these "
            "run may be started a second time.",
        ),
    ),
)
