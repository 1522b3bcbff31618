"""The keys of the node sources and of their prefs. Pure.

Source: Bistro, nodes/*Fetcher.
"""

from bistro_tui.engine.config.keys import ArrayOf, Key, Kind, MapOf, Section, Sources

PARENT_LEVEL = Key(
    name="parent_level",
    type=Kind.TEXT,
    required=True,
    means="The new nodes become children of each node of this level.",
)

MANUAL_NODE = Section(
    name="manual node",
    keys=(
        Key(
            name="children",
            type=ArrayOf(Kind.TEXT),
            default=[],
            means="Names of the nodes below it.",
        ),
        Key(
            name="disabled",
            type=Kind.BOOL,
            default=False,
            means="Nothing runs on it or below it. In Bistro any value disables.",
        ),
    ),
)

RANGE_LABEL = Section(
    name="range_label",
    keys=(
        PARENT_LEVEL,
        Key(name="start", type=Kind.INT, required=True, means="The first number."),
        Key(
            name="end",
            type=Kind.INT,
            required=True,
            means="The last number; below `start` there are no nodes.",
        ),
        Key(
            name="format",
            type=Kind.TEXT,
            default="{parent}__{i}",
            means="The names, of `{parent}`, `{i}`, `{start}` and `{end}`; a brace is "
            "doubled.",
        ),
        Key(
            name="enabled",
            type=Kind.BOOL,
            default=True,
            means="`false`: nothing runs on them.",
        ),
    ),
)

SCRIPT = Section(
    name="script",
    keys=(
        PARENT_LEVEL,
        Key(
            name="script",
            type=Kind.PROGRAM,
            required=True,
            means="The program, run with the parent's name; each line that it prints "
            "is a node. With a `/` it counts from the config's directory, else from "
            "PATH.",
        ),
        Key(
            name="timeout_sec",
            type=Kind.SECONDS,
            default=30,
            is_ours=True,
            means="After this long it has failed; then the last good nodes stay.",
        ),
    ),
)

SCHEDULE_ITEM = Section(
    name="schedule item",
    keys=(
        Key(
            name="cron",
            type=Kind.CRON,
            required=True,
            means='When, in the system\'s time zone, such as `{"cron": "0 3 * * *"}`.',
        ),
        Key(
            name="lifetime",
            type=Kind.INT,
            required=True,
            means="Seconds from the event until its nodes vanish; not 0.",
        ),
        Key(
            name="enabled_lifetime",
            type=Kind.INT,
            default_text="`lifetime`",
            means="Seconds from the event until its nodes are disabled.",
        ),
        Key(
            name="tags",
            type=ArrayOf(Kind.TEXT),
            default=[],
            means="Tags of its nodes, for `tag_whitelist`.",
        ),
    ),
)

ADD_TIME = Section(
    name="add_time",
    keys=(
        PARENT_LEVEL,
        Key(
            name="format",
            type=Kind.TEXT,
            default="{parent}:{time}",
            means="The names, of `{parent}` and `{time}`, in seconds since the epoch.",
        ),
        Key(
            name="schedule",
            type=ArrayOf(SCHEDULE_ITEM),
            default=[],
            means="Each recent event gives each parent a child.",
        ),
    ),
)

EMPTY = Section(name="empty", keys=())

SOURCES = Sources(
    prefs=(
        ("manual", MapOf("NODE", Kind.MANUAL_NODE)),
        ("range_label", RANGE_LABEL),
        ("script", SCRIPT),
        ("add_time", ADD_TIME),
        ("empty", EMPTY),
    )
)

NODE_SOURCE = Section(
    name="node source",
    keys=(
        Key(
            name="source",
            type=SOURCES,
            required=True,
            means="Its name: one of these, or that of a plug-in.",
        ),
        Key(
            name="prefs",
            type=MapOf("PREF", Kind.ANY),
            default={},
            means="What the source needs to know.",
        ),
    ),
)
